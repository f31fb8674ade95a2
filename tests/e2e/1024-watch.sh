#!/bin/bash
# status --watch on a terminal: a screen of its own that fits any width, leaves
# no trace, and gives the terminal back however it ends.  work by hand shows a
# line of progress, in the middle of a batch too.
. "$(dirname "$0")/lib.sh"

# What failed says so in wide characters, and some of none: an accent of its own.
wide=no$'\033'"[2J such "$(printf '漢字e\u0301%.0s' {1..60})
export wide
# shellcheck disable=SC2016
start run exec -q -o f.gz --range 5000 -j 2 --max-attempts 1 -- sh -c \
	'[ {batch} != 30 ] || { until [ -e go ]; do sleep 0.2; done; }
	 [ {batch} != 5 ] || { printf %s "$wide" >&2; exit 3; }
	 sleep 0.05; echo {batch}'
stuck() { [ "$(sql f.gz.job 'SELECT batch FROM stragglers')" = 30 ]; }
wait_for 30 stuck
expect_exit 0 "$PYTHON" "$tests/watch.py" "$SHARDMILL" f.gz
touch go
kill -INT $pid
wait $pid

# Elsewhere than on a terminal it is text, again and again.
sm status f.gz --watch >watched &
keep_pid $!
twice() { [ "$(grep -c '^pending' watched)" -ge 2 ]; }
wait_for 20 twice
kill $!
! grep -q $'\033' watched || fail "control codes in a file"

# One that is not over for long is told as it goes on.
# shellcheck disable=SC2016
expect_exit 0 sm plan w.job exec --range 3 -- sh -c \
	'[ {batch} != 2 ] || until [ -e on ]; do sleep 0.1; done; echo {batch}'
start work work w.job
shown() {
	grep -qE '^[0-9:]{8} run +66[.]7%.* 1 worker .*batch 2 for [0-9.]+ s' \
		work.err
}
wait_for 30 shown
touch on
ended 0 $pid work
