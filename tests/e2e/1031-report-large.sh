#!/bin/bash
# A page about a million batches is small, and still counts each of them.
. "$(dirname "$0")/lib.sh"

expect_exit 0 sm plan job exec -o f.gz --range 1 -j 2 -- echo
sqlite3 job/job.db <"$tests/million.sql" || fail "the batches"
expect_exit 0 sm report job -o page.html
size=$(stat -c %s page.html)
[ "$size" -lt 2000000 ] || fail "the page has $size bytes"
[ "$(wc -l <page.html)" -lt 20000 ] || fail "the page has too many lines"
"$PYTHON" "$tests/report_page.py" page.html job/job.db || fail "the page"
