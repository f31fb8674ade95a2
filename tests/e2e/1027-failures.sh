#!/bin/bash
# Failures are told by reason: once, with a count and examples, on the terminal,
# in status and in the view; tries are numbered from 1.
. "$(dirname "$0")/lib.sh"

# Three reasons: 40 batches that differ by number and name, one, and one that is
# tried twice.
cat >fails <<'S'
n=$1
case $n in
41) echo "out of tokens" >&2; exit 7;;
42) [ -e again ] && exit 0; touch again; echo "reset by peer $$" >&2; exit 9;;
43) exit 0;;
esac
echo "cannot reach 'host$n.example' after $n s" >&2
exit 3
S
expect_exit 1 sm exec -q -o f.gz -j 2 --range 44 --max-attempts 1 -- sh fails '{first}'
equal "$(grep -c 'cannot reach' err)" 4 "lines of the first reason: $(cat err)"
equal "$(grep -c 'out of tokens' err)" 2 "lines of the second"
expect_text err 'for the 10th time' '41 times in all: batch N: ' \
	'41 batches failed, such as 0, 1, 2: the command exited with status 3' \
	'batch 41 failed: the command exited with status 7' 'shardmill status'
[ "$(wc -l <err)" -lt 16 ] || fail "too many lines: $(cat err)"

equal "$(sql f.gz.job "SELECT group_concat(tries || ' ' || failed || ' ' ||
	examples, '; ') FROM failures")" \
	"41 41 0, 1, 2; 1 1 41; 1 1 42" "view failures"
equal "$(sql f.gz.job "SELECT reason FROM failures LIMIT 1")" \
	"the command exited with status 3: cannot reach '*' after N s" reason
expect_exit 0 sm status f.gz
expect_text out '41 batches failed, such as 0, 1, 2: ' 'batch 41 failed: '
[ "$(wc -l <out)" -lt 14 ] || fail "status is long"
expect_exit 0 sm status f.gz --json
equal "$(json out failures.0.failed)" 41
equal "$(json out failures.0.examples)" "[0, 1, 2]"

# A try that is repeated is told as such, and is gone once its batch is done.
# shellcheck disable=SC2016
start slow exec -o s.gz -j 1 --range 2 --max-attempts 9 -- sh -c \
	'test {first} = 1 || test -e ok || { echo "no service" >&2; exit 1; }'
wait_for 20 at_least s.gz.job "done" 1
tried_twice() {
	[ "$(sql s.gz.job "SELECT count(*) FROM attempt
		WHERE reason IS NOT NULL")" -ge 2 ]
}
wait_for 20 tried_twice
expect_exit 0 sm status s.gz
expect_text out 'tries that failed:' ' of 1 batch, such as 0: '
touch ok
sql s.gz.job "UPDATE batch SET not_before = 0 WHERE state = 'pending'"
ended 0 "$pid" slow
expect_text slow.err 'try 1 of 9: it will be retried'
expect_exit 0 sm status s.gz
grep -q 'tries that failed' out && fail "told though it is done"
expect_exit 0 sm status s.gz --batch 0
expect_text out 'try 1: ' 'try 2: '
expect_exit 0 sm status s.gz --batch 0 --json
equal "$(json out attempt.1.try)" 2
equal "$(sql s.gz.job "SELECT max(try) = count(*) AND min(try) = 1 AND
	sum(outcome = 'done') = 1 FROM tries WHERE batch = 0")" 1 "view tries"

# A last line of stderr that is longer than a message takes is cut between two
# characters, and told once.
# shellcheck disable=SC2016
expect_exit 1 sm exec -q -o l.gz --range 1 --max-attempts 1 -- sh -c \
	'printf "x%s\n" "$(printf "é%.0s" $(seq 300))" >&2; exit 3'
equal "$(grep -c 'batch 0 failed: .*: xé*$' err)" 1 "summary: $(cat err)"
! grep -q 'é.*: x' err || fail "the line is told twice: $(cat err)"
equal "$(sql l.gz.job "SELECT message LIKE '%é' AND length(stderr) = 302
	FROM attempt")" 1 "message: $(sql l.gz.job "SELECT message FROM attempt")"
expect_exit 0 sm status l.gz
equal "$(grep -c 'batch 0 failed: .*: xé*$' out)" 1 "status: $(cat out)"
! grep -q 'é.*: x' out || fail "the line is told twice: $(cat out)"

# Of parts, equal reasons are one.
expect_exit 0 sm plan p.job exec --range 6 --parts 2 --max-attempts 1 -- \
	sh -c 'echo "bad {first}" >&2; exit 1'
expect_exit 1 sm run p.job
expect_exit 0 sm status p.job
expect_text out '6 batches failed, such as 0, 1, 2: '

# A service that is gone ends the run, in a few lines.
expect_exit 1 sm exec -q -o g.gz -j 2 --range 1000 --max-attempts 1 \
	--max-failures 20 -- sh -c 'echo "no route to {first}" >&2; exit 1'
[ "$(count_of g.gz.job failed)" -lt 60 ] || fail "it went on"
[ "$(wc -l <err)" -lt 16 ] || fail "too many lines: $(cat err)"

# retry says why it put nothing back.
expect_exit 0 sm retry s.gz
expect_text out '0 batches put back' 'none has failed (done 2, pending 0'
