#!/bin/bash
# Output that lacks its last newline, and no output at all: told once, or no
# result, or mended, as --check says.
. "$(dirname "$0")/lib.sh"

odd() {
	sm exec -o "$1" --range 6 --max-attempts 1 "${@:2}" -- \
		sh -c 'case $1 in 0 | 3) ;; 5) echo "{}" ;;
			*) printf "{\"n\": %s}" "$1" ;; esac' sh '{first}'
}
expect_exit 0 odd a.gz
expect_text err "2 of 6 batches have no output" \
	"the output of 3 of 6 batches ends without a newline"
printf '{"n": 1}{"n": 2}{"n": 4}{}\n' >want
same_text want a.gz
equal "$(sql a.gz.job 'SELECT group_concat(id) FROM batch WHERE open_line')" 1,2,4
equal "$(sql a.gz.job 'SELECT group_concat(id) FROM batch WHERE raw_bytes = 0')" 0,3

# JSON Lines are lines.
expect_exit 0 odd b.gz --check jsonl
! grep -q newline err || fail "nothing to tell"
printf '{"n": 1}\n{"n": 2}\n{"n": 4}\n{}\n' >want
same_text want b.gz
expect_exit 0 sm verify b.gz

# Nothing is a failure where that is asked for.
for check in nonempty jsonl,nonempty; do
	expect_exit 1 odd c.gz --check $check
	expect_text err "printed nothing (--check nonempty)"
	equal "$(sql c.gz.job "SELECT group_concat(id) FROM batch
		WHERE state = 'failed'")" 0,3 "$check"
	rm -rf c.gz.job
done
