#!/bin/bash
# What commands say and end with, in attempt rows: of batches whose lines nobody
# has counted (--bytes) as of any.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

seq 100 >lines.txt
# shellcheck disable=SC2016
expect_exit 0 sm exec -o b.gz --input lines.txt --bytes 100 -- \
	sh -c 'echo "said of $SHARDMILL_BATCH" >&2; cat'
gzip -dc b.gz | cmp - lines.txt || fail "other lines"
equal "$(sql b.gz.job "SELECT count(*) FROM batch WHERE first IS NULL")" \
	"$(sql b.gz.job "SELECT count(*) FROM batch")" "batches of unknown lines"
equal "$(sql b.gz.job "SELECT outcome, stderr FROM attempt WHERE batch = 1")" \
	"done|said of 1" "attempt that succeeded"
cp b.gz before.gz
rm b.gz.job/job.db*
expect_exit 0 sm recover b.gz.job
expect_exit 0 sm finalize b.gz.job
same before.gz b.gz

# By whatever signal, with nobody asking the run to end: failed tries.
for signal in HUP INT TERM KILL; do
	rm -rf s.job
	expect_exit 0 sm plan s.job exec --range 1 --max-attempts 1 -- \
		sh -c "kill -$signal \$\$"
	expect_exit 1 sm run s.job
	equal "$(sql s.job "SELECT outcome, signal FROM attempt")" \
		"signal|$(kill -l "$signal")" "attempt by $signal"
	equal "$(sql s.job "SELECT state FROM batch")" failed "batch by $signal"
done
