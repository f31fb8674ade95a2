#!/bin/bash
# A page of report says what the views say, loads nothing, and lets no text of
# the user's pass for marks: before, while and after a job of two runs with a
# pause and failures runs; with --follow it is written anew until the end.
. "$(dirname "$0")/lib.sh"

page() {
	"$PYTHON" "$tests/report_page.py" "$1.html" "$2/job.db" ||
		fail "the page of $2"
}
state() {
	equal "$("$PYTHON" "$tests/report_page.py" --text "$1.html" state)" \
		"$2" "state on the page"
}

name=$'a<b>&"c\'\xff\x01.gz'
job=$name.job
# shellcheck disable=SC2016
expect_exit 0 sm plan "$job" exec -o "$name" --range 60 -j 2 \
	--max-attempts 2 -- sh -c '
	[ "$1" != 7 ] || { printf "</pre><script>alert(1)</script>\377\1&amp;\n" >&2; exit 3; }
	[ "$1" != 9 ] || { echo "no such table: x" >&2; exit 4; }
	[ ! -e slow ] || until [ -e go ]; do sleep 0.05; done
	seq 1 "$1"' sh '{batch}'
expect_exit 0 sm report "$job" -o plan.html
page plan "$job"
state plan "nobody is working on it"

touch slow
start first run "$job"
first=$pid
wait_for 20 at_least "$job" running 2
start follow report "$job" --follow -o follow.html
follow=$pid
wait_for 20 test -s follow.html
expect_text follow.html 'http-equiv="refresh"'
state follow running
expect_exit 0 sm pause "$job"
expect_exit 0 sm report "$job" -o paused.html
state paused paused
page paused "$job"
expect_exit 0 sm resume "$job"
kill -TERM "$first"
touch go
ended 143 "$first" first
expect_exit 1 sm run "$job"
ended 0 "$follow" follow
! grep -q 'http-equiv="refresh"' follow.html ||
	fail "the last page reloads itself"
state follow "over, with failed batches"
page follow "$job"

expect_exit 0 sm report "$job"
mv out end.html
page end "$job"
expect_text end.html '&lt;script&gt;alert(1)' 'no such table: x' \
	'a&lt;b&gt;&amp;&quot;c&#39;'
! grep -q '<script' end.html || fail "a text became a mark"

# What was left out, by cause.
data small 300 60
expect_exit 0 sm candidates -o c.gz --batch-rows 19 --min-score 0.6 \
	--min-candidates 37 "${args[@]}"
expect_exit 0 sm report c.gz -o c.html
page c c.gz.job
state c complete
expect_text c.html 'by a score below 0.6' 'had fewer than 37 candidates'

# A worker's row that was made by hand is no place in memory.
sql c.gz.job "INSERT INTO worker (id, slot, pid, pid_start, host,
	supervised, started, ended) VALUES (-3, 0, 1, 1, 'h', 1, 1, 1)"
expect_exit 0 sm report c.gz -o c.html
page c c.gz.job

# In parts: one page, with the numbers of the whole.
expect_exit 0 sm plan p exec --range 30 --parts 3 -o p.gz -- seq '{batch}'
expect_exit 0 sm run p
expect_exit 0 sm report p -o p.html
expect_text p.html 'id="done" value="30"' '>batch 29: done in' \
	'aria-label="map of all batches"'
expect_exit 0 sm report p/part-0001 -o p.html
expect_text p.html '>batch 10: done in' '>batch 19: done in'

# An end by signal leaves a page that stays, and nothing beside it.
expect_exit 0 sm plan idle exec -o i.gz --range 3 -- echo
start idle report idle --follow -o idle.html
wait_for 20 test -s idle.html
kill -TERM "$pid"
ended 143 "$pid" idle
! grep -q 'http-equiv="refresh"' idle.html || fail "it reloads itself"

expect_exit 2 sm report idle --follow
expect_exit 2 sm report idle -o .
expect_exit 3 sm report nothing -o x.html
expect_exit 4 sm report idle -o no/x.html
got=0
sm report c.gz >/dev/full 2>err || got=$?
equal $got 4 "exit status on a full device"
[ -z "$(find . -name '*.tmp')" ] || fail "left: $(find . -name '*.tmp')"
[ ! -e x.html ] || fail "a page of no job"
