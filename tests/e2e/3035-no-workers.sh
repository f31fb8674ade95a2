#!/bin/bash
# A job that is to have no workers: the run says so and how to go on, and
# neither it nor anybody else promises a time that is left.
. "$(dirname "$0")/lib.sh"

sm plan f.gz.job exec -o f.gz --range 40 -j 1 -- \
	bash -c 'sleep 0.1; echo {first}' >/dev/null
start run run f.gz.job
run=$pid
eta() {
	sql f.gz.job "SELECT count(*) FROM progress WHERE eta_s > 0"
}
estimated() {
	[ "$(eta)" = 1 ]
}
wait_for 20 at_least f.gz.job done 2
wait_for 20 estimated

told() { # TIMES
	[ "$(grep -cE 'shardmill set .* -j 1' run.err)" = "$1" ]
}
no_eta() {
	equal "$(eta)" 0 "a time left in the view"
	expect_exit 0 sm status f.gz --json
	equal "$(json out eta_seconds)" null
	expect_exit 0 sm status f.gz
	! grep -q 'about .* left' out || fail "status promises a time left"
}
idle() {
	[ "$(sql f.gz.job 'SELECT count(*) FROM worker WHERE ended IS NULL')" \
		= 0 ]
}
sql f.gz.job "UPDATE job SET workers = 0"
wait_for 20 told 1
wait_for 20 idle
at_least f.gz.job pending 1 || fail "all was done before"
no_eta
expect_text out 'shardmill set '
kill -0 $run || fail "the run ended"
sleep 2.5
told 1 || fail "it is told again and again"

# A run that begins so is told as well.
kill -TERM $run
ended 143 $run run
start run run f.gz.job
run=$pid
wait_for 20 told 1
no_eta

sql f.gz.job "UPDATE job SET workers = 2"
wait_for 20 estimated

# Paused, nothing goes on either.
sql f.gz.job "UPDATE job SET paused = 1"
equal "$(eta)" 0 "a time left while paused"
sql f.gz.job "UPDATE job SET paused = 0"
ended 0 $run run
equal "$(gzip -dc f.gz | sort -n | tail -n 1)" 39
