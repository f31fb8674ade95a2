#!/bin/bash
# SIGKILL while joining: the target is the old file or the new one, and the
# same command goes on.
. "$(dirname "$0")/lib.sh"
seed_random

data mid 6000 300
reference by60 --batch-rows 60 --quiet
expect_exit 0 sm plan job candidates --batch-rows 60 "${args[@]}"
expect_exit 0 sm run job -j 2
start=$EPOCHREALTIME
expect_exit 0 sm finalize job -o f.gz
ms=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000 + 2))
same "$set/by60.gz" f.gz

for n in $(seq 1 "${KILLS:-12}"); do
	rm -f f.gz
	start run finalize job -o f.gz
	sleep "$(random_ms $ms)"
	kill -KILL $pid 2>/dev/null
	wait $pid
	[ ! -e f.gz ] || same "$set/by60.gz" f.gz
	expect_exit 0 sm finalize job -o f.gz
	same "$set/by60.gz" f.gz
	[ "$(echo f.gz*)" = f.gz ] || fail "left behind: $(echo f.gz*)"
done
