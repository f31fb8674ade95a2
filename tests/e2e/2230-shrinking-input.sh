#!/bin/bash
# An input that shrinks while a worker has it mapped: no crash, the batch is
# given back, and with the planned file the same job goes on.
. "$(dirname "$0")/lib.sh"

data shrink 1600 300
opts=(--batch-rows 800 --encoder zlib --level 9)
reference shrink "${opts[@]}"
cp "$set"/cands.npy cands.npy
mine=("${args[@]/$set\/cands.npy/cands.npy}")

# In the middle of a batch: its file is there, and not yet whole.
expect_exit 0 sm plan f.gz.job candidates -o f.gz "${opts[@]}" "${mine[@]}"
start work work f.gz.job
writing() {
	compgen -G 'f.gz.job/shards/000000.*.tmp' >/dev/null
}
wait_for 20 writing
kill -STOP "$pid"
writing || fail "the batch was made too fast"
truncate -s 8192 cands.npy
kill -CONT "$pid"
ended 7 "$pid" work
expect_text work.err "an input shrank while batch 0 was made" \
	"put the planned file back"
equal "$(sql f.gz.job "SELECT group_concat(outcome || ' ' || error_class)
	FROM attempt")" "returned refused" "the attempt"
equal "$(sql f.gz.job 'SELECT max(attempts) FROM batch')" 0 "counted attempts"
no_leftovers f.gz.job

# Noticed before any batch begins, too; then with the planned one.
expect_exit 7 sm run f.gz.job
cp "$set"/cands.npy cands.npy
expect_exit 0 sm run f.gz.job -j 2
same "$set/shrink.gz" f.gz
equal "$(sql f.gz.job "SELECT count(*) FROM attempt WHERE outcome = 'done'")" 2
