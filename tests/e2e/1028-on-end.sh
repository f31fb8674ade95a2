#!/bin/bash
# --on-end CMD is told how the run ended, however it did.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016
tell='env | grep ^SHARDMILL_ | sort >told; exit 5'
told() {
	local line
	for line; do
		grep -qxF -- "$line" told || fail "'$line' is not in: $(cat told)"
	done
	rm told
}
expect_exit 1 sm exec -o f.gz --range 4 --max-attempts 1 --on-end "$tell" -- \
	sh -c 'test {first} != 2 -o -e ok && echo {first}'
expect_text err 'the command of --on-end exited with status 5'
grep -q '^SHARDMILL_WHY=1 of 4 batches failed' told || fail "why: $(cat told)"
grep -q OUTPUT told && fail "a file that is not whole is named"
told "SHARDMILL_JOB=$PWD/f.gz.job" SHARDMILL_STATUS=1 SHARDMILL_DONE=3 \
	SHARDMILL_FAILED=1 SHARDMILL_LEFT=0

touch ok
expect_exit 0 sm run f.gz --retry-failed --on-end "$tell"
told SHARDMILL_STATUS=0 "SHARDMILL_WHY=all batches are done" \
	"SHARDMILL_OUTPUT=$PWD/f.gz" SHARDMILL_DONE=4 SHARDMILL_FAILED=0

start term exec -o t.gz --range 50 --on-end "$tell" -- \
	sh -c 'sleep 0.1; echo {first}'
wait_for 20 at_least t.gz.job "done" 1
kill -TERM $pid
ended 143 $pid term
told SHARDMILL_STATUS=143

# One that is not let in is told as well.
start on exec -o u.gz --range 50 -- sh -c 'sleep 0.1; echo {first}'
wait_for 20 at_least u.gz.job "done" 1
expect_exit 8 sm run u.gz --on-end "$tell"
told SHARDMILL_STATUS=8
kill -TERM $pid
ended 143 $pid on
# Nothing that this program ignores is ignored there.
expect_exit 0 sm run u.gz --on-end 'sed -n "s/^SigIgn:\t*//p" /proc/self/status >told'
equal "$((0x$(cat told) & 0x1001000))" 0 "ignored signals"
