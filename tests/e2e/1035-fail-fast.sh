#!/bin/bash
# --fail-fast ends the run at the first batch that has failed, and says so; a
# try that is to be repeated is no failure yet.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016
cmd=(sh -c 'echo "$1"; test "$1" -ne 2' -- '{first}')
opts=(-o f.gz --range 60 --size 1)
made() {
	equal "$(count_of f.gz.job "done") $(count_of f.gz.job failed) $(
		count_of f.gz.job pending)" "$1" "done, failed, pending"
}

expect_exit 1 sm exec "${opts[@]}" -j 1 --max-attempts 1 --fail-fast -- "${cmd[@]}"
expect_text err "batch 2 failed" "57 are left (--fail-fast)"
made "2 1 57"
[ ! -e f.gz ] || fail "there is a final file"
sql f.gz.job "UPDATE job SET fail_fast = 0"
expect_exit 1 sm run f.gz.job
made "59 1 0"

# The others go on while it waits for its second try.
rm -rf f.gz.part f.gz.job
expect_exit 1 sm exec "${opts[@]}" -j 1 --max-attempts 2 --fail-fast -- "${cmd[@]}"
made "59 1 0"
equal "$(sql f.gz.job "SELECT count(*) FROM attempt WHERE batch = 2")" 2 tries

# Nobody is left behind when one of several stops.
rm -rf f.gz.part f.gz.job
expect_exit 1 sm exec "${opts[@]}" -j 3 --max-attempts 1 --fail-fast -- \
	sh -c 'sleep 0.2; exit 3'
[ "$(count_of f.gz.job pending)" -gt 40 ] || fail "it did not stop"
equal "$(count_of f.gz.job running)" 0 "batches in hand"
equal "$(sql f.gz.job 'SELECT count(*) FROM worker WHERE ended IS NULL')" 0 \
	"workers"
