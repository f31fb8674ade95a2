#!/bin/bash
# The number of workers and the pause are read from the job row while it runs.
. "$(dirname "$0")/lib.sh"

data mid 6000 300
opts=(--batch-rows 60 --encoder zlib --level 4)
reference z60 "${opts[@]}"
expect_exit 0 sm plan f.gz.job candidates -o f.gz "${opts[@]}" "${args[@]}"
sql f.gz.job "UPDATE job SET paused = 1"
start run run f.gz.job -j 1
run=$pid
workers() {
	[ "$(children $run | wc -w)" = "$1" ]
}
wait_for 20 workers 1
sql f.gz.job "UPDATE job SET workers = 4"
wait_for 10 workers 4
sql f.gz.job "UPDATE job SET workers = 2"
wait_for 10 workers 2
equal "$(count_of f.gz.job pending)" 100 "claims while paused"

sql f.gz.job "UPDATE job SET paused = 0"
wait_for 20 at_least f.gz.job done 2
sql f.gz.job "UPDATE job SET paused = 1"
idle() {
	[ "$(count_of f.gz.job running)" = 0 ]
}
wait_for 20 idle
count=$(count_of f.gz.job done)
at_least f.gz.job pending 1 || fail "all was done before the pause"
sleep 2
equal "$(count_of f.gz.job done)" "$count" "batches done while paused"
expect_exit 0 sm status f.gz --json
equal "$(json out paused)" true
kill -0 $run || fail "the run ended while paused"
sql f.gz.job "UPDATE job SET paused = 0, workers = 3"
ended 0 $run run
same "$set/z60.gz" f.gz
made_once f.gz.job
outcomes f.gz.job done
