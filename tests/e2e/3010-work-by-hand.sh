#!/bin/bash
# `work` by hand, alone and beside `run`: they share the batches.
. "$(dirname "$0")/lib.sh"

data mid 6000 300
opts=(--batch-rows 60 --encoder zlib --level 4)
reference z60 "${opts[@]}"

expect_exit 0 sm plan f.gz.job candidates -o f.gz "${opts[@]}" "${args[@]}"
sql f.gz.job "UPDATE job SET paused = 1"
start run run f.gz.job -j 1
run=$pid
start work work f.gz.job
work=$pid
alive() {
	[ "$(sql f.gz.job 'SELECT count(*) FROM worker WHERE ended IS NULL')" \
		= "$1" ]
}
wait_for 20 alive 2
sql f.gz.job "UPDATE job SET paused = 0"
ended 0 $run run
ended 0 $work work
same "$set/z60.gz" f.gz
equal "$(sql f.gz.job "SELECT count(DISTINCT worker) FROM batch")" 2 \
	"workers that took a part"
equal "$(sql f.gz.job 'SELECT count(*) FROM worker WHERE supervised = 0')" 1
made_once f.gz.job
outcomes f.gz.job done

# SIGKILL to the one by hand while it works: its batch is put back by the
# supervisor, who did not start it.
rm -rf f.gz f.gz.job
expect_exit 0 sm plan f.gz.job candidates -o f.gz --batch-rows 600 \
	--encoder zlib --level 9 "${args[@]}"
reference slow --batch-rows 600 --encoder zlib --level 9
start work work f.gz.job
work=$pid
wait_for 20 at_least f.gz.job running 1
start run run f.gz.job -j 1
kill -KILL $work
ended 0 $pid run
same "$set/slow.gz" f.gz

# Eight by hand at once, without a supervisor.
rm -rf f.gz f.gz.job
expect_exit 0 sm plan f.gz.job candidates -o f.gz "${opts[@]}" "${args[@]}"
for k in 1 2 3 4 5 6 7 8; do
	sm work f.gz.job >w$k.out 2>&1 &
	worker[k]=$!
done
for k in 1 2 3 4 5 6 7 8; do
	wait "${worker[k]}" || fail "work: $(cat w$k.out)"
done
equal "$(count_of f.gz.job done)" 100
made_once f.gz.job
expect_exit 0 sm finalize f.gz
same "$set/z60.gz" f.gz
