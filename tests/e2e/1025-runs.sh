#!/bin/bash
# Each run is a row that says how it ended, and status says it of the last one;
# what is said outside of a terminal has a time, and JOB/log has it too.
. "$(dirname "$0")/lib.sh"

row() {
	sql "$1" "SELECT command, done, failed, exit_status, signal FROM run
		ORDER BY id DESC LIMIT 1"
}
why() {
	equal "$(sql "$1" "SELECT why LIKE '$2' AND ended >= started FROM run
		ORDER BY id DESC LIMIT 1")" 1 "why: $(
		sql "$1" 'SELECT why FROM run ORDER BY id DESC LIMIT 1')"
}

# By itself, and with failed batches.
# shellcheck disable=SC2016
expect_exit 1 sm exec -o f.gz -j 2 --range 6 --max-attempts 1 -- \
	sh -c 'test {first} -ne 4 -o -e ok && echo {first}'
equal "$(row f.gz.job)" "run|5|1|1|" "row of a run with a failure"
why f.gz.job '1 of 6 batches failed%'
grep -qE '^[0-2][0-9]:[0-5][0-9]:[0-6][0-9] shardmill: batch 4: .*try 1 of 1' \
	err || fail "a notice without a time"
grep -qE '^[0-2][0-9]:[0-5][0-9]:[0-6][0-9] shardmill: 1 of 6' err ||
	fail "the last line has no time"
expect_exit 2 sm run f.gz --no-such
grep -q '^shardmill: unknown' err || fail "a usage error has a time"
expect_exit 0 sm status f.gz
expect_text out 'the last run, ' 'made 5 batches, 1 failed; ended with 1: 1 of 6'
touch ok
expect_exit 0 sm run f.gz --retry-failed
equal "$(row f.gz.job)" "run|1|0|0|" "row of the second run"
why f.gz.job 'all batches are done%'
expect_exit 0 sm status f.gz --json
equal "$(json out last_run.exit_status)" 0
equal "$(json out last_run.run)" 2
equal "$(sql f.gz.job "SELECT group_concat(run || '.' || done || '.' || failed)
	FROM runs")" "1.5.1,2.1.0" "view runs"

# The log: a date on each line, begin, notices, end.
equal "$(grep -cvE '^20[0-9]{2}-[01][0-9]-[0-3][0-9] [0-9:]{8}[+-][0-9]{4} \[[0-9]+\] ' \
	f.gz.job/log)" 0 "lines without a date"
expect_text f.gz.job/log 'run 1 began: 2 workers' 'batch 4: the command exited' \
	'run 1 ended with 1: 1 of 6' 'run 2 ended with 0: '

# By a signal.
start term exec -o t.gz -j 1 --range 40 -- sh -c 'sleep 0.2; echo {first}'
wait_for 20 at_least t.gz.job "done" 2
kill -TERM $pid
ended 143 $pid term
equal "$(row t.gz.job | cut -d '|' -f 1,3-)" "run|0|143|15" "row after TERM"
why t.gz.job 'stopped with % left%'
expect_exit 0 sm status t.gz
expect_text out 'ended with 143 by signal 15 (Terminated)'

# kill -9: status says so at once, the next run writes it down.
before=$(count_of t.gz.job "done")
start killed run t.gz
wait_for 20 at_least t.gz.job "done" $((before + 2))
equal "$(sql t.gz.job 'SELECT ended IS NULL AND done >= 1 FROM runs
	ORDER BY run DESC LIMIT 1' | head -n 1)" 1 "a run that goes on"
kill -KILL -- "-$pid"
wait "$pid" 2>/dev/null
killed_at=$(date +%s)
expect_exit 0 sm status t.gz
expect_text out 'the last run, from ' 'ended: killed, or its host went down'
expect_exit 0 sm status t.gz --json
equal "$(json out last_run.why)" "killed, or its host went down"
sleep 1.5
expect_exit 0 sm run t.gz
equal "$(sql t.gz.job "SELECT why LIKE 'killed%' AND exit_status IS NULL AND
	done >= 1 AND ended <= $killed_at + 1 FROM run WHERE id = 2")" 1 \
	"row of the killed run: $(sql t.gz.job 'SELECT * FROM run')"
equal "$(sql t.gz.job 'SELECT sum(done) FROM runs')" 40 "batches of all runs"
made_once t.gz.job

# A worker by hand is a run of its own.
expect_exit 0 sm plan w.job exec --range 8 -- sh -c 'sleep 0.1; echo {first}'
start hand work w.job
wait_for 20 at_least w.job "done" 2
kill -KILL $pid
wait "$pid" 2>/dev/null
expect_exit 0 sm work w.job
equal "$(sql w.job "SELECT group_concat(command || ':' || coalesce(exit_status,
	'none') || ':' || why, ' ') FROM run")" \
	"work:none:killed, or its host went down work:0:nothing was left to take"
equal "$(sql w.job 'SELECT sum(done) FROM run')" 8 "batches of both"

# Parts have runs of their own.
expect_exit 0 sm plan p.job exec -o p.gz --range 4 --parts 2 -- echo '{first}'
expect_exit 0 sm run p.job
for part in 0 1; do
	equal "$(row p.job/part-000$part)" "run|2|0|0|" "row of part $part"
done
expect_exit 0 sm status p.job --json
equal "$(json out last_run.done)" 2 "last run of a part"

# A log that cannot be written is no fault of the job's.
expect_exit 0 sm plan n.job exec -o n.gz --range 2 -- echo '{first}'
mkdir n.job/log
expect_exit 0 sm run n.job
