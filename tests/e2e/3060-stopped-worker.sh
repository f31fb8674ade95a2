#!/bin/bash
# A worker that is stopped for longer than its lease: killed, its batch made by
# another, the final file the same.
. "$(dirname "$0")/lib.sh"
seed_random

data mid 6000 300
opts=(--batch-rows 60 --encoder zlib --level 4 --lease 3)
reference z60 "${opts[@]}"
for n in 1 2 3; do
	rm -rf f.gz f.gz.job
	start run candidates -o f.gz -j 2 "${opts[@]}" "${args[@]}"
	run=$pid
	wait_for 20 at_least f.gz.job done 1
	sleep "$(random_ms 150)"
	read -r -a workers <<<"$(children $run | tr '\n' ' ')"
	[ ${#workers[@]} -gt 0 ] || fail "no worker to stop"
	kill -STOP "${workers[0]}"
	keep_pid "${workers[0]}"
	wait_for 60 gone "${workers[0]}"
	ended 0 $run run
	same "$set/z60.gz" f.gz
	no_leftovers f.gz.job
	made_once f.gz.job
	outcomes f.gz.job done stalled fenced interrupted
done

# Ctrl-Z of everything for longer than the lease expires nothing.
rm -rf f.gz f.gz.job
start run candidates -o f.gz -j 2 "${opts[@]}" "${args[@]}"
wait_for 20 at_least f.gz.job done 1
kill -STOP -- -$pid
sleep 5
kill -CONT -- -$pid
ended 0 $pid run
same "$set/z60.gz" f.gz
made_once f.gz.job
outcomes f.gz.job done
