#!/bin/bash
# Write errors by `ulimit -f`: a short write, then EFBIG, which is I/O trouble
# and no reason to fail batches.
. "$(dirname "$0")/lib.sh"

data mid 6000 300
opts=(--batch-rows 300 --max-attempts 1)
reference by300 "${opts[@]}"
expect_exit 0 sm plan f.gz.job candidates -o f.gz "${opts[@]}" "${args[@]}"
limited() {
	(ulimit -f 100; sm "$@")
}
expect_exit 4 limited run f.gz.job -j 2
[ ! -e f.gz ] || fail "a file was made"
equal "$(count_of f.gz.job failed)" 0 "failed batches"
expect_exit 4 limited work f.gz.job
expect_text err "ulimit -f"
equal "$(count_of f.gz.job failed)" 0 "failed batches after work"
expect_exit 0 sm run f.gz.job -j 2
same "$set/by300.gz" f.gz
no_leftovers f.gz.job

# No try is used up, and a command of the user's has the signal as ever.
limited_exec() {
	(ulimit -f 2000; sm exec -o e.gz --range 2 --no-follow --max-attempts 1 -- sh -c "$1")
}
expect_exit 4 limited_exec 'head -c 4000000 /dev/urandom | od -An -tx1'
equal "$(count_of e.gz.job failed)" 0 "failed batches"
rm -rf e.gz.job
expect_exit 1 limited_exec 'exec head -c 4000000 /dev/zero >own'
grep -q SIGXFSZ err || fail "the command's own signal"
