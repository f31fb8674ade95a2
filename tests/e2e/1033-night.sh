#!/bin/bash
# A night with a job, as an operator sees it on the terminal, in status and on
# the page: a batch hangs, others fail for three reasons, the number of workers
# is changed, the job is paused in the evening and goes on the next day.
. "$(dirname "$0")/lib.sh"
need tmux faketime

# The clock of every process is the real one plus what the file says; how long
# things take is not changed.
preload=$(faketime -f +1d env | sed -n 's/^LD_PRELOAD=//p')
[ -n "$preload" ] || skip "faketime does not say what it loads"
echo +0 >clock
export FAKETIME_TIMESTAMP_FILE=$dir/clock FAKETIME_NO_CACHE=1
export FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
clock() {
	LD_PRELOAD=$preload "$@"
}
sm() {
	clock "$SHARDMILL" "$@"
}
day() {
	clock date +%F
}

# Two windows of a terminal, whose server is this test's own.
export TMUX_TMPDIR=$dir TERM=xterm-256color
unset TMUX NO_COLOR
window() {
	tmux -L night -f /dev/null "$@"
}
screen() {
	window capture-pane -p -t "$1"
}
# seen WINDOW REGEX: it stands there; what one line cannot hold is wrapped
seen() {
	screen "$1" >screen.txt && grep -qE -- "$2" screen.txt
}
shows() {
	local end=$((SECONDS + 60))
	until seen "$@"; do
		[ $SECONDS -lt $end ] || {
			cat screen.txt >&2
			fail "not on the terminal: $2"
		}
		sleep 0.1
	done
}
keep() {
	[ -z "${PICTURES:-}" ] || {
		window capture-pane -e -p -t "$1" >"$PICTURES/$2.txt"
	}
}
# open_window NAME COLUMNS COMMAND: what it leaves ends with the test
open_window() {
	window new-session -d -s "$1" -x "$2" -y 24 "$3; exec sleep 1000" ||
		fail "tmux"
	keep_pid "-$(window display -p -t "$1" '#{pane_pid}')"
}
finish() {
	window kill-server 2>/dev/null
	cleanup
}
trap finish EXIT

# shellcheck disable=SC2016
cat >batch.sh <<'END'
#!/bin/sh
[ -e back ] || case $1 in
11 | 12 | 13) echo "no such table: t$1" >&2; exit 3 ;;
20 | 21) echo "cannot connect to db$1:5432" >&2; exit 7 ;;
25) kill -SEGV $$ ;;
30) until [ -e go ]; do sleep 0.1; done ;;
esac
# From here on only once the last step was seen.
[ "$1" -lt 60 ] || until [ -e evening ]; do sleep 0.05; done
[ "$1" -lt 75 ] || until [ -e morning ]; do sleep 0.05; done
sleep 0.1
seq "$1" 40
END
chmod +x batch.sh
expect_exit 0 sm plan out.gz.job exec -o out.gz --range 90 -j 2 \
	--max-attempts 1 -- ./batch.sh "{batch}"
evening=$(day)
open_window run 140 "LD_PRELOAD='$preload' $SHARDMILL run out.gz
	echo \"the end: \$?\""

# A hang and three reasons, on the line, in status, in the views.
shows run '^run \[?.*  6 failed .*slow: batch 30 for'
keep run 1-terminal
expect_exit 0 sm status out.gz
expect_text out 'failed 6' 'batch 30 for' 'usually 0.' \
	'3 batches failed, such as 11, 12, 13' 'no such table: t1' \
	'2 batches failed, such as 20, 21' 'cannot connect to db2' \
	'batch 25 failed' SIGSEGV
equal "$(sql out.gz.job 'SELECT count(*) FROM failures')" 3 "reasons"
equal "$(sql out.gz.job 'SELECT batch FROM stragglers')" 30 "the straggler"
equal "$(screen run | grep -c 'no such table')" 1 "lines of one reason"

# The same on the other window, and more workers by a key there.
open_window watch 80 \
	"LD_PRELOAD='$preload' $SHARDMILL status out.gz --watch"
shows watch '^slow  batch 30  for [0-9.]+.* s, usually'
shows watch '^3 failed, such as batch 11, 12, 13: '
shows watch '^2 failed, such as batch 20, 21: '
shows watch '^1 failed, such as batch 25: '
for _ in 1 2; do
	workers=$(clock "$SHARDMILL" status out.gz --json | "$PYTHON" -c \
		'import json, sys; print(json.load(sys.stdin)["target_workers"])')
	window send-keys -t watch +
	shows watch "of $((workers + 1)) workers"
done
shows watch '4 of 4 workers'
shows run ' 4 workers '
keep watch 2-watch
expect_exit 8 sm run out.gz -j 4
expect_text err 'shardmill set'

# Paused: no time left is shown, nothing new begins; the hang is ended by hand.
touch evening
wait_for 60 at_least out.gz.job "done" 66
expect_exit 0 sm pause out.gz
expect_text out ': paused'
shows watch ' paused  '
! seen watch ' left$' || fail "a time left while paused"
expect_exit 0 sm stop out.gz --batch 30
expect_text out 'batch 30 was ended by hand' 'does not count'
touch morning
nothing_runs() {
	[ "$(count_of out.gz.job running)" = 0 ]
}
wait_for 60 nothing_runs
touch go
done=$(count_of out.gz.job "done")
expect_exit 0 sm status out.gz
expect_text out 'of 4 wanted, paused' 'paused; to go on: shardmill resume'
! grep -q 'left$' out || fail "status tells a time left while paused"
keep watch 3-paused
shows run "^run .* $done/90 batches  6 failed  4 workers"
! seen run ' left$' || fail "the line tells a time left while paused"
expect_exit 0 sm report out.gz -o evening.html
expect_exit 0 sm ls -q
grep -qE '^paused +[0-9]+/90 +6 +- ' out || fail "ls of a paused job"

# The next day.
echo +1d >clock
[ "$(day)" != "$evening" ] || fail "the clock was not moved"
expect_exit 0 sm status out.gz
expect_text out 'paused; to go on: shardmill resume'
expect_exit 0 sm resume out.gz
expect_text out ': goes on'
shows watch '(running  |last run)'
shows run 'the end: 1'
keep run 4-end
shows run '^3 batches failed, such as 11, 12, 13: .*no such table'
shows run '^2 batches failed, such as 20, 21: .*cannot connect'
shows run '^batch 25 failed: .*SIGSEGV'
equal "$(count_of out.gz.job "done")" 84 "done batches"
expect_exit 0 sm status out.gz
expect_text out "the last run, $evening" "to $(day)" 'ended with 1' \
	'next: shardmill run out.gz --retry-failed'
# In the other window the screen was given back, and shows how it ended.
shows watch 'next: shardmill run out.gz --retry-failed'
keep watch 5-watch-end
expect_text out.gz.job/log "$evening" "$(day)" 'batch 30 was ended by hand' \
	paused
equal "$(sql out.gz.job "SELECT count(*), max(ended - started) > 80000,
	max(ended - started) < 90000 FROM pause")" "1|1|1" "the pause"
equal "$(sql out.gz.job "SELECT rows_per_s > 0.1 AND elapsed_s > 80000
	FROM progress")" 1 "the rate, of what was not the night"
equal "$(sql out.gz.job "SELECT outcome FROM attempt WHERE batch = 30
	ORDER BY id" | xargs)" "stopped done" "tries of batch 30"
# What hung for a day counts as long as it ran, and no longer.
equal "$(sql out.gz.job "SELECT max(finished - started) < 3600 FROM batch
	WHERE state = 'done'")" 1 "durations of done batches"

# The page says the same as the views, in the evening and in the end.
expect_exit 0 sm report out.gz -o page.html
for page in evening page; do
	[ $page = evening ] || "$PYTHON" "$tests/report_page.py" page.html \
		out.gz.job/job.db || fail "the page and the views differ"
	grep -q 'batch 30' $page.html || fail "batch 30 is not on $page.html"
done
grep -q 'paused from' page.html || fail "the pause is not drawn"
# A night of waiting takes no room, and counts in no rate.
grep -qE 'nothing ran for (23 h|1 d)' page.html || fail "the night is not folded"
"$PYTHON" - page.html <<'END' || fail "the rate is that of a day"
import re, sys
rate = re.search(r"in all, ([0-9.]+)/s on average", open(sys.argv[1]).read())
assert float(rate[1]) > 0.1, rate[0]
END
for word in 'no such table: t1' 'cannot connect to db2' SIGSEGV; do
	grep -q "$word" page.html || fail "the page does not say '$word'"
done
if command -v chromium >/dev/null; then
	timeout 200 "$PYTHON" "$tests/browser.py" page.html \
		${PICTURES:+"$PICTURES"} || fail "in the browser"
fi

# What failed is tried again, since the services are back; then it may go.
touch back
expect_exit 0 sm run out.gz -q --retry-failed
expect_exit 0 sm status out.gz
expect_text out 'complete: '
expect_exit 0 sm clean out.gz --yes
