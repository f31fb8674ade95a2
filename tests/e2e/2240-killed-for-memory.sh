#!/bin/bash
# Commands that are killed beside others, each alone fitting: tried again with
# fewer at once, which counts against no batch; alone it does.  As many as there
# are workers run again later.
# shellcheck disable=SC2016
. "$(dirname "$0")/lib.sh"

mkdir now
# The OOM killer: whoever finds more than $most at work dies.
cat >fits.sh <<'END2'
: >"now/$1"
set -- "$1" now/*
most=1
[ "$1" -lt 6 ] || most=99
if [ $(($# - 1)) -gt $most ]; then
	rm "now/$1"
	kill -KILL $$
fi
sleep 0.2
rm "now/$1"
echo "$1"
END2
seq 0 39 >want
expect_exit 0 sm exec -o f.gz -j 4 --range 40 --max-attempts 1 -- sh fits.sh '{first}'
same_text want f.gz
expect_text err "batches were in hand: from now on at most " "this try does not count" \
	"as many batches as there are workers may be in hand again"
equal "$(sql f.gz.job "SELECT count(*) > 0 FROM attempt
	WHERE message LIKE '%from now on at most 1 are%'")" 1 "down to one"
equal "$(sql f.gz.job "SELECT group_concat(DISTINCT outcome) FROM (SELECT
	outcome FROM attempt ORDER BY outcome)")" done,returned outcomes
equal "$(sql f.gz.job "SELECT max(attempts) FROM batch")" 1 "counted tries"
equal "$(sql f.gz.job "SELECT at_once IS NULL FROM job")" 1 "no limit is left"
# Few of them: it is not tried at once what has just failed.
[ "$(sql f.gz.job "SELECT count(*) FROM attempt WHERE outcome = 'returned'")" \
	-le 12 ] || fail "too many were killed"
made_once f.gz.job
no_leftovers f.gz.job

# A shell tells it of its own command, by 137.
expect_exit 0 sm exec -o s.gz -j 3 --range 6 --max-attempts 1 -- \
	sh -c 'sh fits.sh "$0"; exit $?' '{first}'
equal "$(count_of s.gz.job "done")" 6 "done by a shell"

# What dies alone as well has failed, and the others are made.
expect_exit 1 sm exec -o g.gz -j 4 --range 8 --max-attempts 2 -- \
	sh -c '[ $0 != 3 ] || kill -KILL $$; echo $0' '{first}'
equal "$(sql g.gz.job 'SELECT group_concat(batch) FROM failed')" 3 "failed"
equal "$(sql g.gz.job "SELECT count(*) FROM attempt
	WHERE batch = 3 AND outcome = 'signal' AND signal = 9")" 2 "tries of 3"
expect_text err "no other batch was in hand"
expect_exit 1 sm exec -o h.gz -j 1 --range 1 --max-attempts 1 -- \
	sh -c 'kill -KILL $$'
equal "$(sql h.gz.job "SELECT count(*) FROM attempt")" 1 "tries alone"

# Commands that live take memory between batches too.
mkdir alive
cat >lives.sh <<'END2'
: >"alive/$$"
trap 'rm -f "alive/$$"' EXIT
while IFS= read -r line; do
	for pid in alive/*; do
		[ -e "/proc/${pid#alive/}" ] || rm -f "$pid"
	done
	set -- alive/*
	[ $# = 1 ] || kill -KILL $$
	sleep 0.05
	out=${line##*\"output\": \"}
	echo made >"${out%%\"*}"
	echo ok
done
END2
expect_exit 0 sm exec -o l.gz -j 3 --range 12 --serve --max-attempts 1 \
	--timeout 60 -- bash lives.sh
equal "$(count_of l.gz.job "done")" 12 "done by commands that live"
expect_text err "does not count"
