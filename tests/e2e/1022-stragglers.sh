#!/bin/bash
# A batch that hangs is told: in the progress, by a notice, in status and in the
# view, with the command's own pid and what it has said so far; and no time left
# is promised while it alone is waited for, or while all is stopped.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016
start run exec -o f.gz --range 44 -j 2 -- sh -c \
	'[ {batch} != 40 ] || { echo $$ >pid; echo at the gate >&2
	 until [ -e go ]; do sleep 0.1; done; }; echo {batch}'
stuck() { [ "$(sql f.gz.job 'SELECT batch FROM stragglers')" = 40 ]; }
wait_for 20 at_least f.gz.job done 43
wait_for 20 stuck

# What its processes are called.
worker=$(sql f.gz.job "SELECT pid FROM running")
slot=$(sql f.gz.job "SELECT slot FROM worker WHERE pid = $worker")
equal "$(tr -d '\0' <"/proc/$worker/cmdline")" \
	"shardmill: f.gz, worker $slot, batch 40" "the name of the worker"
equal "$(cat "/proc/$worker/comm")" "shardmill-w$slot"
for p in $(children $pid); do
	[ "$p" = "$worker" ] || grep -qz ', idle' "/proc/$p/cmdline" ||
		[ "$(cat "/proc/$p/comm")" = shardmill-guard ] ||
		fail "a worker without a batch: $(tr '\0' ' ' <"/proc/$p/cmdline")"
done
for p in $(children "$worker"); do
	[ "$(cat "/proc/$p/comm")" != shardmill-guard ] ||
		guard=$(tr -d '\0' <"/proc/$p/cmdline")
done
equal "$guard" "shardmill: f.gz, worker $slot, guard" "the name of the guard"
equal "$(sql f.gz.job 'SELECT command_pid FROM running')" "$(cat pid)" \
	"the command's pid in the view"

equal "$(sql f.gz.job 'SELECT stragglers, eta_s IS NULL FROM progress')" "1|1"
expect_exit 0 sm status f.gz
expect_text out "waiting for 1 batch that takes far longer than usual" \
	"(usually 0." "command $(cat pid)"
! grep -q ' left$' out || fail "status promises a time left"
expect_exit 0 sm status f.gz --batch 40
expect_text out "  | at the gate" ", command $(cat pid), for " \
	"next: shardmill stop f.gz --batch 40"
expect_exit 0 sm status f.gz --json
equal "$(json out eta_seconds)" null
equal "$(json out stragglers)" 1
equal "$(json out batches.0.straggler)" true
equal "$(json out batches.0.command_pid)" "$(cat pid)"
waits() { grep -q 'waiting for batch 40, running for .*, usually 0' run.err; }
wait_for 20 waits

# Stopped, as by Ctrl-Z: all workers, and no time is left that could pass.
kill -STOP -- -$pid
stopped() {
	expect_exit 0 sm status f.gz --json
	[ "$(json out stopped)" = true ]
}
wait_for 5 stopped
equal "$(json out eta_seconds)" null
expect_exit 0 sm status f.gz
expect_text out "stopped by a signal"
kill -CONT -- -$pid

touch go
ended 0 $pid run
equal "$(grep -c 'batch 40 has been running for' run.err)" 1 "notices"
expect_exit 0 sm status f.gz
! grep -q 'usual' out || fail "a straggler that is done"
