#!/bin/bash
# A supervisor and its workers are frozen; another one takes the job over and
# finishes it; thawed, the first ones can neither commit nor claim, and end.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# A batch that waits for the file `go`, so that it can be frozen in the middle.
cat >slow.sh <<'END'
while [ ! -e go ] && [ "$1" != 7 ]; do sleep 0.02; done
echo "batch $1"
END
sm plan job exec --range 8 -- sh slow.sh '{first}' >out 2>err || fail "plan"
sm plan ref exec --range 8 -- sh slow.sh '{first}' >out 2>err || fail "plan"

sm run job -j 2 >first.out 2>first.err &
first=$!
keep_pid $first
running() { [ "$(sql job 'SELECT count(*) FROM running')" = 2 ]; }
wait_for 20 running
# The workers and their commands too: a host stands still as a whole.
group=("$first")
for pid in $(children "$first"); do
	group+=("$pid")
	for sub in $(children "$pid"); do
		group+=("$sub")
	done
done
keep_pid "${group[@]}"
kill -STOP "${group[@]}"

expect_exit 8 sm run job
expect_text err "holds the job" "--takeover"
touch go
expect_exit 0 sm run --takeover job -j 2
expect_text err "2 batches that another supervisor's workers held are put back"
equal "$(sql job 'SELECT run FROM job')" 1 "run"
equal "$(sql job "SELECT count(*) FROM batch WHERE state = 'done'")" 8 "done"
equal "$(sql job "SELECT count(*) FROM attempt WHERE outcome = 'interrupted'")" \
	2 "interrupted attempts"
ls -i job/shards >shards.before

kill -CONT "${group[@]}"
code=0
wait "$first" || code=$?
equal "$code" 8 "status of the first supervisor"
expect_text first.err "another supervisor took the job" "run --takeover"
wait_for 20 gone "${group[@]}"
ls -i job/shards >shards.after
same shards.before shards.after
# Their late writes are on record, and changed nothing.
equal "$(sql job "SELECT count(*) FROM attempt WHERE outcome = 'fenced'")" 2 \
	"fenced attempts"
equal "$(sql job "SELECT max(n), min(n) FROM (SELECT count(*) AS n FROM attempt
	WHERE outcome = 'done' GROUP BY batch)")" "1|1" "commits per batch"
[ -z "$(sql job "SELECT 1 FROM job WHERE ended IS NULL")" ] ||
	fail "the run has no end"

# Finished: a takeover changes nothing.
expect_exit 0 sm run --takeover job
equal "$(sql job 'SELECT run FROM job')" 1 "run"

# But for a final file that is asked for.
expect_exit 0 sm run --takeover job -o late.gz
expect_exit 0 sm verify late.gz

expect_exit 0 sm run ref
expect_exit 0 sm finalize job -o job.gz
expect_exit 0 sm finalize ref -o ref.gz
same job.gz ref.gz
same late.gz ref.gz
expect_exit 0 sm verify job

# The lock is taken as soon as its holder lets it go.
rm -f go
sm plan two exec --range 4 -- sh slow.sh '{first}' >out 2>err || fail "plan"
sm run two -j 1 >first.out 2>first.err &
first=$!
keep_pid $first
running() { [ "$(sql two 'SELECT count(*) FROM running')" = 1 ]; }
wait_for 20 running
sm run two -j 1 --takeover >second.out 2>second.err &
second=$!
keep_pid $second
code=0
wait "$first" || code=$?
equal "$code" 8 "status of the supervisor that lives"
locked() { grep -q ":$(stat -c %i two/run.lock) " /proc/locks; }
wait_for 20 locked
expect_exit 8 sm run two
touch go
wait "$second" || fail "the second supervisor: $(cat second.err)"
equal "$(sql two "SELECT count(*) FROM batch WHERE state = 'done'")" 4 "done"
