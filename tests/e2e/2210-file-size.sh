#!/bin/bash
# Write errors by `ulimit -f`: a short write, then EFBIG, which is I/O trouble
# and no reason to fail batches.
. "$(dirname "$0")/lib.sh"

data mid 6000 300
opts=(--batch-rows 300 --max-attempts 1)
reference by300 "${opts[@]}"
expect_exit 0 sm plan f.gz.job candidates -o f.gz "${opts[@]}" "${args[@]}"
limited() {
	(trap '' XFSZ; ulimit -f 100; sm "$@")
}
expect_exit 4 limited run f.gz.job -j 2
[ ! -e f.gz ] || fail "a file was made"
equal "$(count_of f.gz.job failed)" 0 "failed batches"
expect_exit 0 sm run f.gz.job -j 2
same "$set/by300.gz" f.gz
no_leftovers f.gz.job
