#!/bin/bash
# SIGKILL to the whole process group at random moments.  And a job of
# tiny batches besides, where nearly every kill meets a commit.
. "$(dirname "$0")/lib.sh"
seed_random

data mid 6000 300
opts=(--max-attempts 1 --quiet)
reference z60 "${opts[@]}" --encoder zlib --level 4 \
	--batch-rows 60
data small 300 60
reference tiny "${opts[@]}" --batch-rows 1

# rounds KILLS MS 'SET ROWS WIDTH' REFERENCE OPTION...: each job is killed up to four times
rounds() {
	local kills=0 want=$1 ms=$2 ref=$4
	# shellcheck disable=SC2086
	data $3
	shift 4
	while [ $kills -lt "$want" ]; do
		rm -rf f.gz f.gz.job
		: >before
		for n in 1 2 3 4; do
			start run candidates -o f.gz -j 3 "$@" "${args[@]}"
			sleep "$(random_ms "$ms")"
			gone $pid && break
			kill -KILL -- -$pid
			kills=$((kills + 1))
			wait $pid
			wait_for 2 gone $pid
			sleep 0.05
			[ -e f.gz.job/job.db ] || continue
			kept_inodes f.gz.job before
			cp inodes.now before
		done
		expect_exit 0 sm candidates -o f.gz -j 2 "$@" "${args[@]}"
		same "$set/$ref.gz" f.gz
		kept_inodes f.gz.job before
		no_leftovers f.gz.job
		made_once f.gz.job
		outcomes f.gz.job done interrupted returned
	done
	echo "$kills kills"
}

rounds "${KILLS:-6}" 600 'mid 6000 300' z60 --batch-rows 60 --encoder zlib --level 4 \
	"${opts[@]}"
rounds "${KILLS:-6}" 150 'small 300 60' tiny --batch-rows 1 "${opts[@]}"
rounds "${KILLS:-4}" 80 'small 300 60' tiny --batch-rows 1 --sync end "${opts[@]}"
