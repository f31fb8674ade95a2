#!/bin/bash
# SIGKILL to random workers at random moments: the run goes on, and its final
# file is byte for byte that of a run that nothing disturbs.
. "$(dirname "$0")/lib.sh"
seed_random

data mid 6000 300
opts=(--batch-rows 60 --encoder zlib --level 4 --max-attempts 100 --quiet)
reference z60 "${opts[@]}"

kills=0
rounds=0
while [ $kills -lt "${KILLS:-15}" ]; do
	rounds=$((rounds + 1))
	rm -rf f.gz f.gz.job
	j=$((RANDOM % 3 + 2))
	start run candidates -o f.gz -j $j "${opts[@]}" "${args[@]}"
	for n in 1 2 3 4 5 6; do
		sleep "$(random_ms 250)"
		read -r -a workers <<<"$(children $pid | tr '\n' ' ')"
		[ ${#workers[@]} -gt 0 ] || continue
		kill -KILL "${workers[RANDOM % ${#workers[@]}]}" 2>/dev/null &&
			kills=$((kills + 1))
	done
	code=0
	wait $pid || code=$?
	# Three that die in a row before a claim end the run: it resumes.
	if [ $code = 4 ]; then
		inodes f.gz.job before
		expect_exit 0 sm candidates -o f.gz "${opts[@]}" "${args[@]}"
		kept_inodes f.gz.job before
	elif [ $code != 0 ]; then
		fail "exit $code: $(cat run.err)"
	fi
	same "$set/z60.gz" f.gz
	no_leftovers f.gz.job
	made_once f.gz.job
	outcomes f.gz.job done signal interrupted
done
echo "$kills kills in $rounds rounds"
expect_exit 0 sm verify f.gz.job
