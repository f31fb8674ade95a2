#!/bin/bash
# A shell with an open transaction: run and work wait for it, others too for a
# while, and nobody is killed for it.
. "$(dirname "$0")/lib.sh"
need sqlite3

data mid 6000 300
opts=(--batch-rows 60 --encoder zlib --level 4 --lease 3 --max-attempts 1)
reference z60 "${opts[@]}"
start run candidates -o f.gz -j 2 "${opts[@]}" "${args[@]}"
run=$pid
wait_for 20 at_least f.gz.job done 3
sqlite3 -cmd '.timeout 10000' f.gz.job/job.db 'BEGIN IMMEDIATE' \
	'UPDATE batch SET priority = 1 WHERE id = 90' '.shell touch busy' \
	'.shell sleep 5' COMMIT &
shell=$!
keep_pid $shell
wait_for 10 test -e busy
sleep 1
before=$(count_of f.gz.job done)
sleep 1
equal "$(count_of f.gz.job done)" "$before" "batches done while locked"
expect_exit 0 sm status f.gz
expect_exit 0 sm retry f.gz.job --failed
wait $shell || fail "the shell failed"
ended 0 $run run
same "$set/z60.gz" f.gz
made_once f.gz.job
outcomes f.gz.job done
equal "$(sql f.gz.job 'SELECT priority FROM batch WHERE id = 90')" 1

# Readers, one of them long, do not stop a run.
rm -rf f.gz f.gz.job
start run candidates -o f.gz -j 2 "${opts[@]}" "${args[@]}"
run=$pid
wait_for 20 at_least f.gz.job done 1
sqlite3 f.gz.job/job.db 'BEGIN' 'SELECT count(*) FROM batch' \
	'.shell sleep 3' COMMIT >/dev/null &
while kill -0 $run 2>/dev/null; do
	sqlite3 -cmd '.timeout 10000' f.gz.job/job.db \
		'SELECT * FROM progress' >/dev/null || fail "a reader failed"
done
ended 0 $run run
same "$set/z60.gz" f.gz
wait
equal "$(sql f.gz.job 'PRAGMA integrity_check')" ok
