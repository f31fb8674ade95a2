#!/bin/bash
# SIGKILL to the supervisor at random moments, from its first millisecond: its
# workers end within 2 s, the same command resumes, nothing is made twice.
. "$(dirname "$0")/lib.sh"
seed_random

data mid 6000 300
opts=(--batch-rows 60 --encoder zlib --level 4 --max-attempts 1 --quiet)
reference z60 "${opts[@]}"

kills=0
while [ $kills -lt "${KILLS:-10}" ]; do
	rm -rf f.gz f.gz.job
	: >before
	for n in 1 2 3 4; do
		start run candidates -o f.gz -j 2 "${opts[@]}" "${args[@]}"
		sleep "$(random_ms 600)"
		read -r -a workers <<<"$(children $pid | tr '\n' ' ')"
		gone $pid && break
		kill -KILL $pid
		kills=$((kills + 1))
		wait $pid
		wait_for 2 gone "${workers[@]}"
		[ -e f.gz.job/job.db ] || continue
		kept_inodes f.gz.job before
		cp inodes.now before
	done
	expect_exit 0 sm candidates -o f.gz -j 2 "${opts[@]}" "${args[@]}"
	same "$set/z60.gz" f.gz
	kept_inodes f.gz.job before
	no_leftovers f.gz.job
	made_once f.gz.job
	outcomes f.gz.job done interrupted returned
done
echo "$kills kills"
