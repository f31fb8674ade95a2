#!/bin/bash
# --dry-run prints each command as a shell reads it back, and makes nothing.
# shellcheck disable=SC1083,SC2016 # braces and scripts are for the program
. "$(dirname "$0")/lib.sh"

# The job's output, by a shell from what was printed.
as_made() {
	rm -rf m.gz m.gz.job
	ls -A . "$TMPDIR" >before
	expect_exit 0 sm exec --dry-run -o m.gz "$@"
	cp out commands
	ls -A . "$TMPDIR" >after
	cmp -s before after || fail "a dry run made: $(diff before after)"
	expect_exit 0 sm exec -o m.gz "$@"
	zcat m.gz >want
	bash ./commands >got || fail "the commands fail: $*"
	cmp want got || fail "not what was run: $*"
}

export TMPDIR=$dir/tmp
mkdir tmp
touch out err before after commands want got
printf '%s\n' 'it'\''s "$HOME"' 'a  b' '*' "$(printf 'tab\there')" >items
as_made --items items -- printf '<%s>\n' {} 'x {}'
as_made --range 1003 --size 10 -- echo {first} {last} {#}
as_made -- echo {2} {1} ::: a 'b c' ::: ';' '|'
as_made --no-replace --range 2 -- echo '{}'
equal "$(wc -l <commands)" 2

seq 10 >lines
expect_exit 0 sm plan none.job exec --dry-run --input lines --lines 4 -- wc -l
printf 'wc -l # lines %s\n' '0 to 3' '4 to 7' '8 to 9' | cmp - out
[ ! -e none.job ] || fail "a job was made"
sm exec --dry-run --input - --bytes 10 -- wc -l <lines >out || fail "no bytes"
expect_text out 'wc -l # bytes 0 to 9'
sm exec --dry-run -- echo {} :::: - <lines >out || fail "no standard input"
equal "$(wc -l <out)" 10

# It comes as it is cut, and ends where nobody reads.
sm exec --dry-run --range 100000000 -- echo {first} 2>said | head -n 2 >out
printf 'echo 0\necho 1\n' | cmp - out || fail "not the first two"
[ ! -s said ] || fail "the reader's end is told: $(cat said)"

expect_exit 3 sm exec --dry-run -- none-such ::: a
expect_exit 2 sm candidates --dry-run
[ -z "$(ls tmp)" ] || fail "left behind: $(ls tmp)"

# A job that is there stays as it is.
rm -rf m.gz m.gz.job
expect_exit 0 sm exec -o m.gz --range 3 -- echo {first}
sum=$(sha256sum m.gz m.gz.job/job.db)
expect_exit 0 sm exec -o m.gz --restart --dry-run --range 4 -- echo {first}
equal "$(wc -l <out)" 4
equal "$(sha256sum m.gz m.gz.job/job.db)" "$sum"
exit 0
