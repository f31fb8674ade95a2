#!/bin/bash
# --consume: shards go once the final file has them, and nothing else does.
. "$(dirname "$0")/lib.sh"
seed_random

export PACE=0 # of a batch; no part of the job
# shellcheck disable=SC2016
slow='[ "$PACE" = 0 ] || sleep "$PACE"; seq $((500 * SHARDMILL_FIRST)) $((500 * SHARDMILL_END - 1))'
job=(--range 40 --size 1 -j 3 -q)
seq 0 19999 >want
expect_exit 0 sm exec -o ref.gz "${job[@]}" --sync end -- sh -c "$slow"
same_text want ref.gz

# clean: all shards are gone, and nothing else is left
clean() {
	equal "$(find f.gz.job/shards -type f | wc -l)" 0 "number of shards"
	equal "$(echo f.gz*)" "f.gz f.gz.job" "files"
	equal "$(sql f.gz.job 'SELECT joined FROM progress')" 40 "joined"
	expect_exit 0 sm verify f.gz.job
	expect_text out "40 batches"
	expect_exit 0 sm verify f.gz
}

# consumed: until some shards are gone
consumed() {
	[ "$(sql f.gz.job 'SELECT joined FROM progress')" -gt 0 ]
}

expect_exit 0 sm exec -o f.gz "${job[@]}" --consume -- sh -c "$slow"
expect_text err "if that file is lost"
same f.gz ref.gz
clean
expect_exit 0 sm exec -o f.gz "${job[@]}" -- sh -c "$slow"
for how in "--no-follow" "--sync end"; do
	rm -rf f.gz f.gz.job
	# shellcheck disable=SC2086
	expect_exit 0 sm exec -o f.gz "${job[@]}" $how --consume -- sh -c "$slow"
	same f.gz ref.gz
	clean
done

# Killed at any moment; what was done stays done.
for n in $(seq 1 "${KILLS:-5}"); do
	rm -rf f.gz f.gz.job
	start run exec -o f.gz "${job[@]}" --consume -- sh -c "$slow"
	sleep "$(random_ms 500)"
	kill -KILL -- -$pid 2>/dev/null
	wait $pid
	expect_exit 0 sm exec -o f.gz "${job[@]}" --consume -- sh -c "$slow"
	same f.gz ref.gz
	clean
	made_once f.gz.job
done

# Put back by hand: with the same bytes nothing is written again.
before=$(stat -c %i f.gz)
sql f.gz.job "UPDATE batch SET state = 'pending' WHERE id IN (3, 27)"
expect_exit 0 sm run f.gz -q
equal "$(stat -c %i f.gz)" "$before" inode
same f.gz ref.gz
clean
# With other bytes the file is, and no other batch is made again.
sql f.gz.job "UPDATE batch SET state = 'pending' WHERE id IN (3, 39)"
other=${slow#*; }
expect_exit 0 sm exec -o f.gz "${job[@]}" --accept-changed -- \
	sh -c "$other; echo more"
expect_text err "written again"
clean
{ seq 0 1999; echo more; seq 2000 19999; echo more; } >want2
same_text want2 f.gz
equal "$(sql f.gz.job "SELECT count(*) FROM attempt WHERE outcome = 'done'")" \
	44 attempts
# The old bytes once more, and killed at any moment of the rewriting.
cp f.gz second.gz
for n in $(seq 1 "${KILLS:-5}"); do
	sql f.gz.job "UPDATE batch SET state = 'pending' WHERE id = 3"
	if [ $((n % 2)) = 1 ]; then text="$other" want=want3; else
		text="$other; echo more" want=want2; fi
	{ seq 0 19999; echo more; } >want3
	sh=(sh -c "$text")
	start run exec -o f.gz "${job[@]}" --accept-changed -- "${sh[@]}"
	sleep "$(random_ms 120)"
	kill -KILL -- -$pid 2>/dev/null
	wait $pid
	expect_exit 0 sm exec -o f.gz "${job[@]}" --accept-changed -- \
		"${sh[@]}"
	clean
	same_text $want f.gz
done

# Put back in the midst of a run, with other bytes.
rm -rf f.gz f.gz.job
PACE=0.6
start run exec -o f.gz "${job[@]}" --consume -- sh -c "$slow"
wait_for 30 consumed
kill -KILL -- -$pid
wait $pid
rows=$(count_of f.gz.job done)
sql f.gz.job "UPDATE batch SET state = 'pending' WHERE id = 1"
expect_exit 0 sm exec -o f.gz "${job[@]}" --accept-changed -- \
	sh -c "$other; echo more"
clean
equal "$(gzip -dc f.gz | grep -c more)" $((40 - rows + 1)) "new batches"

# The database is lost: the final file, growing or finished, has the batches.
rm -f f.gz.job/job.db*
expect_exit 6 sm exec -o f.gz "${job[@]}" --consume -- sh -c "$other; echo more"
expect_exit 0 sm recover f.gz.job
equal "$(sql f.gz.job 'SELECT consume FROM job')" 1 consume
rm -rf f.gz f.gz.job
start run exec -o f.gz "${job[@]}" --consume -- sh -c "$slow"
wait_for 30 consumed
kill -KILL -- -$pid
wait $pid
rows=$(count_of f.gz.job done)
rm -f f.gz.job/job.db*
# Another job's file, of more batches, stands at the path.
PACE=0
expect_exit 0 sm exec -o other.gz "${job[@]}" -- sh -c "$slow; echo more"
mv other.gz f.gz
rm -rf other.gz.job
expect_exit 0 sm recover f.gz.job
equal "$(count_of f.gz.job done)" "$rows" "batches that were recovered"
rm f.gz
expect_exit 0 sm run f.gz -q
same f.gz ref.gz
clean

# Lost or damaged, the final file's batches are made again: all, or that one.
rm f.gz
expect_exit 0 sm run f.gz -q
expect_text err "40 done batches"
same f.gz ref.gz
clean
at=$(sql f.gz.job 'SELECT joined_at FROM batch WHERE id = 30')
printf 'xyz' | dd of=f.gz bs=1 seek=$((at + 150)) conv=notrunc 2>/dev/null
expect_exit 9 sm verify f.gz.job --requeue
expect_text out "batch 30"
equal "$(count_of f.gz.job pending)" 1 "number of batches put back"
expect_exit 0 sm run f.gz -q
same f.gz ref.gz
clean

# A lost database costs a file that stands whole nothing.
before=$(stat -c %i f.gz)
rm -f f.gz.job/job.db*
expect_exit 0 sm recover f.gz.job
expect_exit 0 sm run f.gz -q
equal "$(stat -c %i f.gz)" "$before" inode
clean

# Its name stays; parts of it are written from its ranges.
expect_exit 7 sm finalize f.gz -o moved.gz
expect_exit 0 sm finalize f.gz -o part.gz --batches 10-11
seq 5000 5999 >want
same_text want part.gz

# The job is deleted with all that is its own.
expect_exit 0 sm exec -o f.gz "${job[@]}" --restart --yes -- sh -c "$slow"
same f.gz ref.gz
equal "$(echo f.gz*)" "f.gz f.gz.job" "files"
[ ! -e f.gz.job/consumed ] || fail "the note of the old job is left"

# Half done as well.
rm -rf f.gz f.gz.job
PACE=0.6
start run exec -o f.gz "${job[@]}" --consume -- sh -c "$slow"
wait_for 30 consumed
kill -KILL -- -$pid
wait $pid
PACE=0
expect_exit 0 sm exec -o g.gz "${job[@]}" -- sh -c "$slow"
expect_exit 0 sm plan f.gz.job exec -o h.gz "${job[@]}" --restart --yes -- \
	sh -c "$slow"
equal "$(echo f.gz*)" "f.gz.job" "files"
rm -rf f.gz.job

# A part of it is written beside the run that consumes: nothing is made twice.
rm -rf f.gz f.gz.job
PACE=0
# shellcheck disable=SC2016
start run exec -o f.gz --range 160 --size 1 -j 2 --level 1 --sync end \
	--consume -q -- sh -c 'head -c 1000000 /dev/urandom'
wait_for 30 consumed
until gone $pid; do
	sm finalize f.gz -o beside.gz --allow-missing >out 2>err </dev/null
	code=$?
	# Where nothing is missing any more it is the whole file, elsewhere: 7.
	[ $code -le 1 ] ||
		{ [ $code = 7 ] && [ "$(count_of f.gz.job done)" = 160 ]; } ||
		fail "finalize beside the run: exit $code"
done
ended 0 $pid run
expect_exit 0 sm verify beside.gz
made_once f.gz.job
expect_exit 0 sm verify f.gz
rm beside.gz

# The disk is needed once: the final file and the shards in flight.
# shellcheck disable=SC2016
big='sleep 0.4; head -c 3000000 /dev/urandom'
rm -rf f.gz f.gz.job
start run exec -o f.gz --range 60 --size 1 -j 2 --level 1 --consume -- \
	sh -c "$big"
peak=0
while ! gone $pid; do
	size=$(du -s --block-size=1 . 2>/dev/null | cut -f 1)
	[ "${size:-0}" -le "$peak" ] || peak=$size
	sleep 0.1
done
ended 0 $pid run
final=$(stat -c %s f.gz)
echo "peak $peak bytes, final file $final bytes"
# Shards in flight: what comes in the few seconds between two syncs.
[ "$peak" -lt $((final * 3 / 2)) ] || fail "the peak was $peak bytes"
