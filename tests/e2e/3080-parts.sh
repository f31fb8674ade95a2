#!/bin/bash
# A job in parts: planned, run in any order, by part and as a whole; the final
# file has the very bytes of one that was made without.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
data small 300 60
opts=(--batch-rows 25 --sync end)
reference by25 "${opts[@]}"

expect_exit 0 sm plan job candidates -o f.gz --parts 5 "${opts[@]}" "${args[@]}"
expect_text out "in 5 parts" "12 batches"
[ ! -e job/job.db ] && [ ! -e job/shards ] || fail "the whole has shards"
[ ! -e job/part-0000/tables ] || fail "the tables are not shared"
equal "$(sql job/part-0002 'SELECT part, parts, first_batch, batches,
	whole_batches FROM job')" "2|5|4|3|12" "job row of part 2"
equal "$(for n in 0 1 2 3 4; do sql job/part-000$n 'SELECT id FROM batch'
	done | tr '\n' ' ')" "0 1 2 3 4 5 6 7 8 9 10 11 " "batches of the parts"
equal "$(for n in 0 1 2 3 4; do sql job/part-000$n 'SELECT fingerprint FROM job'
	done | sort -u | wc -l)" 1 "fingerprints"

# The same command finds it; another one is refused.
expect_exit 0 sm plan job candidates -o f.gz "${opts[@]}" "${args[@]}"
expect_text out "planned before in 5 parts"
expect_exit 7 sm plan job candidates -o f.gz --parts 4 "${opts[@]}" "${args[@]}"
expect_text err "in 5 parts, not 4" "--restart"
expect_exit 7 sm plan job candidates --min-score 0.5 "${opts[@]}" "${args[@]}"
expect_text err "--min-score was 0.3, is 0.5"
expect_exit 2 sm plan few candidates --parts 13 "${opts[@]}" "${args[@]}"
expect_text err "13 parts of 12 batches"
[ ! -e few ] || fail "a refused plan left its directory"
expect_exit 0 sm plan one candidates "${opts[@]}" "${args[@]}"
expect_exit 7 sm plan one candidates --parts 2 "${opts[@]}" "${args[@]}"
expect_text err "without parts"

# Parts in any order, and what a whole job cannot be used for.
expect_exit 0 sm run job/part-0003
expect_exit 0 sm run --takeover job/part-0001
expect_exit 2 sm work job
expect_text err "name one of them" "part-0000"
expect_exit 0 sm status job
expect_text out "part-0000: 0 of 2 done" "2 of 5 parts are done"
expect_exit 0 sm status job --json
equal "$(json out done)" "$(($(json out parts.1.done) + $(json out \
	parts.3.done)))" "done in all"
equal "$(jq ".pending + .running + .done + .failed" out)" 12 "total"
expect_exit 0 sm status job --batch 7
expect_text out "batch 7: done"
expect_exit 1 sm finalize job
expect_text err "0 of part-0000, 1 of part-0000, 4 of part-0002"
[ ! -e f.gz ] || fail "a final file of a job that is not done"

# retry finds the part; a part knows what is not its own.
expect_exit 0 sm retry job --batch 2-3,8
expect_text out 3
equal "$(count_of job/part-0001 pending)" 2 "pending in part 1"
expect_exit 2 sm retry job/part-0001 --batch 8
expect_text err "in another part"
expect_exit 2 sm retry job --batch 12

# The whole: the rest is made, and joined.
expect_exit 0 sm run job
same "$set/by25.gz" f.gz
expect_exit 0 sm run job
expect_text out "is complete"
expect_exit 0 sm finalize job
expect_text out "is complete"
expect_exit 0 sm status job
expect_text out "complete:" "5 of 5 parts are done"
expect_exit 0 sm verify job
expect_text out "12 batches" "whole"
expect_exit 0 sm verify f.gz
rm f.gz
expect_exit 0 sm finalize job
same "$set/by25.gz" f.gz
expect_exit 1 sm finalize one -o x.gz --allow-missing

# A part alone: its batches keep their numbers.
expect_exit 2 sm finalize job/part-0002
expect_exit 0 sm finalize job/part-0002 -o p2.gz
expect_exit 0 sm cat p2.gz
cp out p2.text
sm cat f.gz --batch 4-6 >want.text || fail "cat"
same want.text p2.text
# Without one of its own, of some of its batches, or where nobody is its whole.
expect_exit 2 sm finalize job/part-0002 -o x2.gz --batches 4-5
expect_text err "finalize the whole job"
mv job/part-0002 alone
expect_exit 3 sm finalize alone -o x2.gz
expect_text err "part 2 of a job that is not in" "put it back there"
[ ! -e x2.gz ] || fail "a file that was refused"
mv alone job/part-0002

# Damage: found, put back, made again, in whatever part.
for shard in part-0001/shards/000003.gz part-0004/shards/000010.gz; do
	printf X | dd of=job/$shard bs=1 seek=60 conv=notrunc 2>/dev/null
done
expect_exit 9 sm verify job
expect_text out "batch 3: " "part-0001: " "batch 10: " "part-0004: " damaged
rm f.gz
expect_exit 9 sm finalize job
equal "$(count_of job/part-0001 pending)/$(count_of job/part-0004 pending)" \
	1/1 "pending after a damaged join"
expect_exit 0 sm run job
same "$set/by25.gz" f.gz

# A part is lost: named, and rebuilt with what is whole.
rm job/part-0002/job.db
expect_exit 0 sm status job
expect_text out "part-0002: cannot be read"
rm -r job/part-0004
for command in run retry slurm; do
	expect_exit 3 sm $command job
	expect_text err "part-000" "shardmill recover $dir/job"
done
expect_exit 3 sm finalize job -o g.gz
expect_text err "part-0002" "shardmill recover $dir/job"
expect_exit 9 sm verify job
expect_exit 0 sm recover job
expect_text out "3 of 6 batches were whole"
expect_exit 7 sm recover job
rm job/spec.json
expect_exit 3 sm run job
expect_text err "shardmill recover"
expect_exit 6 sm plan job candidates --parts 5 "${opts[@]}" "${args[@]}"
expect_exit 0 sm recover job
expect_exit 0 sm run job
expect_exit 0 sm finalize job -o g.gz
same "$set/by25.gz" g.gz
rm f.gz

# A row is lost; and what was planned is known again from a part.
sql job/part-0001 'DELETE FROM batch WHERE id = 3'
expect_exit 0 sm recover job
expect_text out "2 of 2 batches were whole"
rm job/spec.json
expect_exit 0 sm recover job
equal "$(jq -r .output job/spec.json)" "$dir/f.gz" "output"

# An empty database, as a sqlite3 that is told to open it leaves one.
: >job/job.db
expect_exit 0 sm status job
expect_text out "5 of 5 parts are done"
expect_exit 0 sm plan job candidates -o f.gz "${opts[@]}" "${args[@]}"
expect_text out "planned before in 5 parts"
expect_exit 0 sm run job
expect_exit 0 sm finalize job
expect_exit 7 sm recover job
rm job/job.db

# --restart, and one command for all.
expect_exit 0 sm plan job candidates -o f.gz --parts 3 --restart --yes \
	"${opts[@]}" "${args[@]}"
equal "$(echo job/part-*)" "job/part-0000 job/part-0001 job/part-0002" "parts"
expect_exit 0 sm run job
expect_exit 0 sm plan job candidates -o f.gz --parts 2 --restart --yes \
	"${opts[@]}" "${args[@]}"
expect_text out "planned in 2 parts"
mv job f.gz.job
expect_exit 0 sm candidates -o f.gz "${opts[@]}" "${args[@]}"
same "$set/by25.gz" f.gz

# A leave to replace what stands there holds until it is replaced.
for force in new again; do
	echo foreign >$force.gz
	[ $force = new ] || expect_exit 0 sm plan $force exec --parts 2 \
		--range 4 -o else.gz -- echo "{first}"
	expect_exit 0 sm plan $force exec --parts 2 --range 4 -o $force.gz \
		--force -- echo "{first}"
	expect_exit 0 sm run $force
	echo foreign >other.gz
	expect_exit 7 sm finalize $force -o other.gz
done

# What only an undivided job can do.
expect_exit 2 sm plan c exec --parts 2 --consume --range 4 -- true
expect_exit 0 sm plan c exec --parts 2 --range 4 -- echo "{first}"
expect_exit 2 sm run c --consume -o c.gz
expect_exit 2 sm run c --follow -o c.gz
expect_exit 2 sm run c/part-0000 -o c.gz
expect_exit 0 sm run c -o c.gz
expect_exit 0 sm verify c.gz
