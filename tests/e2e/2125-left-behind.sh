#!/bin/bash
# Output that a process writes after its command's end belongs to the batch;
# output that had to be cut off is no result.
. "$(dirname "$0")/lib.sh"

cat >late.sh <<'SH'
printf '{"id": 1, "text": "'
(for part in a b c; do sleep "$1"; printf $part; done; printf '"}\n') &
SH
# Slow, but it goes on.
expect_exit 0 sm exec -o a.gz --range 1 -- sh late.sh 3
echo '{"id": 1, "text": "abc"}' >want
same_text want a.gz
# bash does not wait for it.
expect_exit 0 sm exec -o b.gz --range 1 -- \
	bash -c 'seq 3 > >(sleep 1; sort -r)'
seq 3 | sort -r >want
same_text want b.gz
# Silent for too long: which process, and what to do.
expect_exit 1 sm exec -o c.gz --range 1 --max-attempts 1 -- sh late.sh 60
expect_text err "left behind"
expect_text err "'sh')"
equal "$(sql c.gz.job 'SELECT state FROM batch')" failed
[ ! -e c.gz ] || fail "a cut output became a file"
# --timeout holds for the rest too.
expect_exit 1 sm exec -o d.gz --range 1 --max-attempts 1 --timeout 4 -- \
	sh late.sh 2
expect_text err "longer than 4 s"
