#!/bin/bash
# Joined while it runs: killed at any moment and resumed, the same bytes as a
# finalize makes; what is put back meanwhile is written again from there.
. "$(dirname "$0")/lib.sh"
seed_random

# Where there is to be something to follow, a batch takes a while; how long is
# not part of the job.
export PACE=0
# shellcheck disable=SC2016
slow='[ "$PACE" = 0 ] || sleep "$PACE"; seq $((500 * SHARDMILL_FIRST)) $((500 * SHARDMILL_END - 1))'
job=(--range 40 --size 1 -j 3 --sync end)
seq 0 19999 >want
expect_exit 0 sm exec -o ref.gz "${job[@]}" --no-follow -- sh -c "$slow"
same_text want ref.gz
equal "$(sql ref.gz.job 'SELECT joined FROM progress')" 40 "joined batches"

rm -rf ref.gz.job/f.gz f.gz f.gz.job
expect_exit 0 sm finalize ref.gz.job -o ref2.gz
expect_exit 0 sm exec -o f.gz "${job[@]}" -- sh -c "$slow"
same f.gz ref2.gz
equal "$(sql f.gz.job 'SELECT joined FROM progress')" 40 "joined"
equal "$(echo f.gz*)" "f.gz f.gz.job" "files"
expect_exit 0 sm verify f.gz
expect_exit 0 sm exec -o f.gz "${job[@]}" -- sh -c "$slow"
expect_text out complete
for n in $(seq 1 "${KILLS:-5}"); do
	rm -rf f.gz f.gz.job
	start run exec -o f.gz "${job[@]}" -- sh -c "$slow"
	sleep "$(random_ms 400)"
	kill -KILL -- -$pid 2>/dev/null
	wait $pid
	# Goes on with the run, or, now and then, by hand.
	if [ $((n % 3)) = 0 ]; then
		expect_exit 0 sm exec -o f.gz "${job[@]}" \
			--no-follow -- sh -c "$slow"
	else
		expect_exit 0 sm exec -o f.gz "${job[@]}" \
			-- sh -c "$slow"
	fi
	same f.gz ref2.gz
	equal "$(echo f.gz*)" "f.gz f.gz.job" "files"
	made_once f.gz.job
done

# Damage in the growing file is seen: bytes are compared with the rows.
export PACE=0.03
rm -rf f.gz f.gz.job
start run exec -o f.gz "${job[@]}" -- sh -c "$slow"
wait_for 20 test -s f.gz.part
kill -KILL -- -$pid
wait $pid
printf 'xyz' | dd of=f.gz.part bs=1 seek=200 conv=notrunc 2>/dev/null
expect_exit 0 sm run f.gz
same f.gz ref.gz

# A batch that is put back while it runs: with the same bytes nothing is lost;
# with others the file is written again from there on, and that is said.
rm -rf f.gz f.gz.job
start run exec -o f.gz "${job[@]}" -- sh -c "$slow"
wait_for 20 test -s f.gz.part
sql f.gz.job "UPDATE batch SET state = 'pending' WHERE id = 0"
ended 0 $pid run
same f.gz ref.gz
equal "$(sql f.gz.job 'SELECT count(*) FROM attempt WHERE batch = 0')" 2
rm -rf f.gz f.gz.job
: >extra
start run exec -o f.gz "${job[@]}" -- sh -c "$slow; cat $PWD/extra"
holds_three() {
	[ "$(stat -c %s f.gz.part)" -ge "$(sql f.gz.job "SELECT iif(count(*) = 3,
		sum(gz_bytes), 1000000000) FROM batch
		WHERE id < 3 AND state = 'done'")" ]
}
wait_for 20 holds_three
echo more >extra
sql f.gz.job "UPDATE batch SET state = 'pending' WHERE id = 2"
ended 0 $pid run
expect_text run.err "batch 2 was made again" "written again from there on"
expect_exit 0 sm verify f.gz
expect_exit 0 sm cat f.gz --batch 2
expect_text out more
expect_exit 0 sm cat f.gz --batch 1
[ -z "$(grep more out)" ] || fail "batch 1 was made again as well"

# Another name: what had grown under the old one goes, and nothing else.
for how in KILL TERM; do
	rm -rf f.gz f.gz.job
	start run exec -o f.gz "${job[@]}" -- sh -c "$slow"
	wait_for 20 test -s f.gz.part
	kill "-$how" -- -$pid
	wait $pid
	[ -s f.gz.part ] || fail "nothing has grown"
	expect_exit 0 sm run f.gz.job -o other.gz -q
	same_text want other.gz
	equal "$(echo f.gz* other.gz*)" "f.gz.job other.gz" "files"
done
rm -rf f.gz.job other.gz
expect_exit 0 sm plan f.gz.job exec -o f.gz "${job[@]}" -- sh -c "$slow"
echo "somebody's" >f.gz.part
expect_exit 0 sm run f.gz.job -o other.gz -q
equal "$(cat f.gz.part)" "somebody's"
rm -rf f.gz.part other.gz

# A shard that rots before it is joined goes back, and the run goes on.
rm -rf f.gz f.gz.job
expect_exit 0 sm plan f.gz.job exec -o f.gz "${job[@]}" -- sh -c "$slow"
sql f.gz.job "UPDATE batch SET priority = 1 WHERE id > 0"
start run run f.gz --follow
wait_for 20 at_least f.gz.job done 12
shard=$(find f.gz.job/shards -name '*.gz' | head -n 1)
printf 'xyz' | dd of="$shard" bs=1 seek=120 conv=notrunc 2>/dev/null
ended 0 $pid run
same f.gz ref.gz
expect_text run.err "making it again"

# run --follow -o FILE of a job without one; without a name it is refused.
expect_exit 0 sm plan bare exec "${job[@]}" -- sh -c "$slow"
expect_exit 2 sm run bare --follow
expect_text err "-o"
expect_exit 0 sm run bare --follow -o bare.gz
same bare.gz ref.gz
echo "somebody else's" >taken
expect_exit 0 sm plan other exec "${job[@]}" -- sh -c "$slow"
expect_exit 7 sm run other --follow -o taken
equal "$(count_of other done)" 0 "done batches"

# Nobody else joins meanwhile; what lacks something may be written all the same.
rm -rf f.gz f.gz.job
start run exec -o f.gz "${job[@]}" -- sh -c "$slow"
wait_for 20 test -s f.gz.part
expect_exit 1 sm finalize f.gz
expect_exit 1 sm finalize f.gz -o some.gz --allow-missing
expect_exit 0 sm verify some.gz
ended 0 $pid run
same f.gz ref.gz

# Another job with the same final file does not write to the same F.part.
rm -rf f.gz f.gz.job
PACE=0.3
twin=(exec -o f.gz "${job[@]}" -- sh -c "echo twin; $slow")
expect_exit 0 sm plan twin "${twin[@]}"
start run exec -o f.gz "${job[@]}" -- sh -c "$slow"
wait_for 20 test -s f.gz.part
expect_exit 8 sm plan third "${twin[@]}"
[ ! -e third ] || fail "a job was left behind"
expect_exit 8 env PACE=0 "$SHARDMILL" run twin
expect_text err "writes '$PWD/f.gz.part'" "-o"
ended 0 $pid run
same f.gz ref.gz
made_once f.gz.job
expect_exit 7 sm run twin
expect_exit 0 sm run twin -o twin.gz
expect_exit 0 sm verify twin.gz
made_once twin

# Nor over what a job that was stopped has there, unless by force.
any_joined() {
	[ "$(sql f.gz.job 'SELECT joined FROM progress')" -gt 0 ]
}
rm -rf f.gz f.gz.job twin twin.gz
PACE=1
start run exec -o f.gz "${job[@]}" --consume -- sh -c "$slow"
wait_for 30 any_joined
kill -KILL -- -$pid
wait $pid
PACE=0
cp f.gz.part part.was
expect_exit 7 sm plan twin "${twin[@]}"
expect_text err f.gz.part --force
expect_exit 0 sm plan twin "${twin[@]/f.gz/g.gz}"
expect_exit 7 sm run twin -o f.gz
equal "$(count_of twin done)" 0 "done batches"
expect_text err f.gz.part --force
same f.gz.part part.was
expect_exit 0 sm run f.gz.job
same f.gz ref.gz
made_once f.gz.job
mv part.was g.gz.part
expect_exit 7 sm run twin
expect_exit 0 sm plan twin exec --force "${twin[@]:1:1}" g.gz "${twin[@]:3}"
expect_exit 0 sm run twin -q
expect_exit 0 sm verify g.gz
