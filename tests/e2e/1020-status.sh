#!/bin/bash
# status: the documented names, in every state of a job, and it changes nothing.
. "$(dirname "$0")/lib.sh"

data small 300 60
args+=(--batch-rows 50 --sync end)

# check STATE=N...: the numbers of status --json
check() {
	local pair
	expect_exit 0 sm status f.gz --json
	for pair; do
		equal "$(json out "${pair%=*}")" "${pair#*=}" "${pair%=*}"
	done
}

expect_exit 0 sm plan f.gz.job candidates -o f.gz "${args[@]}"
check pending=6 running=0 done=0 failed=0 rows=0 records=0 \
	active=false paused=false kind=candidates
"$PYTHON" - out <<'PY' || fail "fields are missing"
import json, sys
s = json.load(open(sys.argv[1]))
missing = {"pending", "running", "done", "failed", "rows", "records",
           "raw_bytes", "gz_bytes", "rows_per_second",
           "elapsed_seconds", "eta_seconds", "fingerprint", "workers"} - set(s)
assert not missing, missing
# They follow from the states.
assert not {"total", "percent"} & set(s), s
PY
equal "$(sql f.gz.job 'SELECT total, pending, done FROM progress')" "6|6|0"

sql f.gz.job "UPDATE batch SET state = 'failed' WHERE id = 5"
check pending=5 failed=1
sql f.gz.job "UPDATE job SET paused = 1"
check paused=true
sql f.gz.job "UPDATE job SET paused = 0"
expect_exit 1 sm run f.gz.job
cat out err >said
expect_text said --retry-failed
check pending=0 failed=1 done=5 rows=250
expect_exit 0 sm status f.gz
expect_text out 5 83
expect_exit 0 sm run f.gz.job --retry-failed
check pending=0 running=0 done=6 failed=0 rows=300 complete=true
equal "$(sql f.gz.job 'SELECT total, percent FROM progress')" "6|100.0"
records=$(gzip -dc f.gz | wc -l)
bytes=$(gzip -dc f.gz | wc -c)
check "records=$records" "raw_bytes=$bytes"
equal "$(sql f.gz.job 'SELECT records, raw_bytes FROM progress')" \
	"$records|$bytes"

expect_exit 0 sm status f.gz --batch 3
expect_text out done
expect_exit 0 sm status f.gz --batch 3 --json
equal "$(json out state)" done
equal "$(json out first)" 150
equal "$(json out end)" 200
code=0
sm status f.gz --batch 6 >out 2>err || code=$?
[[ $code = [23] ]] || fail "status of a batch that is not there: exit $code"
expect_exit 2 sm status f.gz --batch x

# It changes nothing, and needs no right to.
sum() {
	(cd f.gz.job && find . -type f ! -name '*-shm' -exec cksum {} + | sort)
}
sum >before
expect_exit 0 sm status f.gz
expect_exit 0 sm status f.gz --json
sum >after
same before after
if [ "$(id -u)" != 0 ]; then
	chmod -R a-w f.gz.job
	expect_exit 0 sm status f.gz --json
	equal "$(json out done)" 6
	chmod -R u+w f.gz.job
fi
need unshare
if unshare -Urm true 2>/dev/null; then
	expect_exit 0 unshare -Urm sh -c 'mount --bind f.gz.job f.gz.job &&
		mount -o remount,bind,ro f.gz.job && "$1" status f.gz --json' \
		- "$SHARDMILL"
	equal "$(json out done)" 6
fi

# One slow batch at the end: the time left is no less than it has overrun.
# shellcheck disable=SC2016
start slow exec -q -o s.gz --range 20 -j 2 -- \
	sh -c '[ {batch} != 19 ] || sleep 8; echo {batch}'
wait_for 20 at_least s.gz.job done 19
overrun() {
	[ "$(sql s.gz.job 'SELECT eta_s >= 2 AND eta_s <= 8 FROM progress')" \
		= 1 ]
}
wait_for 6 overrun
ended 0 $pid slow
