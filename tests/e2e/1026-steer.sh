#!/bin/bash
# set, pause, resume and stop change a job that runs, at once, and say what they
# did.
. "$(dirname "$0")/lib.sh"

alive() {
	[ "$(sql s.gz.job 'SELECT count(*) FROM worker WHERE ended IS NULL')" \
		= "$1" ]
}
few() {
	[ "$(sql s.gz.job 'SELECT count(*) FROM worker WHERE ended IS NULL')" \
		-le 2 ]
}
# Batch 5 hangs at its first try; the others take half a second at first.
start run exec -o s.gz -j 2 --range 150 --max-attempts 1 -- sh -c \
	'test {first} != 5 -o -e hung || { touch hung; exec sleep 600; }
	test -e fast || sleep 0.5; echo {first}'
run=$pid
wait_for 20 alive 2

# Workers.
expect_exit 0 sm set s.gz -j 4
expect_text out '4 workers wanted, it was 2'
wait_for 10 alive 4
expect_exit 8 sm run s.gz -j 3
expect_text err 'shardmill set'
expect_exit 0 sm set s.gz -j 1 --max-attempts 7
expect_text out '1 worker wanted, it was 4' '7 tries before'
wait_for 10 few # one may be busy with batch 5 still

# Stop a batch: at once, not counted, and the run goes on.
wait_for 20 test -e hung
expect_exit 2 sm stop s.gz
expect_exit 7 sm stop s.gz --batch 149
expect_text err 'is not running: it is pending'
code=0
sm stop s.gz --batch 999 >out 2>err || code=$?
[[ $code = [23] ]] || fail "a batch that is not there: $code"
expect_exit 0 sm stop s.gz --batch 5
expect_text out 'batch 5 was ended by hand after' 'does not count'
equal "$(sql s.gz.job "SELECT b.state, b.attempts, b.priority, a.outcome,
	a.reason IS NULL FROM batch b JOIN attempt a ON a.batch = b.id
	WHERE b.id = 5")" "pending|0|-1|stopped|1" "batch 5"
expect_text s.gz.job/log 'batch 5 was ended by hand' 'set: 4 workers, not 2'
expect_exit 0 sm retry s.gz --batch 5

# Pause and resume.
expect_exit 0 sm pause s.gz
expect_text out ': paused' 'shardmill resume'
expect_exit 0 sm pause s.gz
expect_text out 'paused already'
nothing_runs() {
	[ "$(count_of s.gz.job running)" = 0 ]
}
wait_for 10 nothing_runs
done=$(count_of s.gz.job "done")
sleep 0.5
equal "$(count_of s.gz.job "done")" "$done" "batches while paused"
expect_exit 0 sm status s.gz
expect_text out 'paused; to go on: shardmill resume'
# What waits longest is not first: the priority is.
expect_exit 0 sm set s.gz --priority 147,148-149=5
expect_text out 'priority 5 for 3 batches'
expect_exit 0 sm resume s.gz
expect_text out ': goes on'
wait_for 20 at_least s.gz.job "done" $((done + 4))
equal "$(sql s.gz.job "SELECT state FROM batch WHERE id IN (147, 148, 149)" |
	sort -u)" "done" "batches of the highest priority"
expect_exit 0 sm set s.gz --paused no -j 3
expect_text out 'it was not paused'
touch fast
ended 0 "$run" run
equal "$(gzip -dc s.gz | cksum)" "$(seq 0 149 | cksum)" "text"
equal "$(sql s.gz.job 'SELECT count(*), count(ended) FROM pause')" "1|1" pauses
expect_exit 0 sm pause s.gz
sql s.gz.job "UPDATE job SET paused = 0"

# A pause by hand is noted by the run.
start hand exec -o h.gz -j 1 --range 30 -- sh -c 'sleep 0.1; echo {first}'
wait_for 20 at_least h.gz.job "done" 2
sql h.gz.job "UPDATE job SET paused = 1"
noted() {
	[ "$(sql h.gz.job 'SELECT count(*), count(ended) FROM pause')" = "$1" ]
}
wait_for 10 noted "1|0"
expect_exit 0 sm resume h.gz
noted "1|1" || fail "the pause has no end"
ended 0 $pid hand
expect_text hand.err "the job is paused: 'shardmill resume"

# A limit holds from the next batch on, without a new start.
# shellcheck disable=SC2016
start limit exec -o l.gz -j 1 --range 6 --max-attempts 1 -- sh -c \
	'test {first} != 3 || sleep 600; test {first} != 1 || { touch one
	while [ ! -e go ]; do sleep 0.05; done; }; echo {first}'
wait_for 20 test -e one
expect_exit 0 sm set l.gz --timeout 1
expect_text out 'the limits hold from'
expect_exit 0 sm set l.gz --timeout 1
expect_text out 'were these already'
expect_exit 2 sm set l.gz --range 7
expect_exit 2 sm set l.gz
expect_exit 2 sm set l.gz --priority 3
touch go
ended 1 $pid limit
equal "$(sql l.gz.job "SELECT outcome FROM attempt WHERE batch = 3")" timeout
equal "$(sql l.gz.job "SELECT count(*) FROM worker")" 1 "workers"
grep -q '"timeout": 1\b' l.gz.job/spec.json || fail "the copy is an older one"

# All parts, or those that have the batches.
expect_exit 0 sm plan p.job exec -o p.gz --range 4 --parts 2 -- echo '{first}'
expect_exit 0 sm set p.job --priority 1-2=3 -j 2
equal "$(sql p.job/part-0000 'SELECT priority FROM batch') $(
	sql p.job/part-0001 'SELECT priority FROM batch')" "0
3 3
0" "priorities in parts"
expect_exit 0 sm pause p.job
expect_exit 0 sm resume p.job
expect_exit 0 sm run p.job

# A worker that has no command yet is replaced.
start wait exec -o w.gz -j 2 --range 2 --delay 600 -- echo '{first}'
waits() {
	[ "$(count_of w.gz.job "done") $(count_of w.gz.job running)" = "1 1" ]
}
wait_for 20 waits
# Either worker may be the first to start its command.
id=$(sql w.gz.job "SELECT id FROM batch WHERE state = 'running'")
expect_exit 0 sm stop w.gz --batch "$id"
expect_text out "batch $id was ended by hand"
replaced() {
	[ "$(sql w.gz.job 'SELECT count(*) > 2 FROM worker')" = 1 ]
}
wait_for 10 replaced
equal "$(sql w.gz.job "SELECT b.attempts, a.outcome FROM batch b JOIN attempt a
	ON a.batch = b.id WHERE b.id = $id")" "0|stopped" "batch $id"
equal "$(find w.gz.job -name '*.tmp')" "" "left behind"
kill -TERM "$pid"
ended 143 "$pid" wait
