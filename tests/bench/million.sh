#!/bin/bash
# A million batches of one row: planning, status with nine tenths done, the
# first claim after a resume, and a claim while 40,000 batches wait.
. "$(dirname "$0")/lib.sh"
n=${BENCH_BATCHES:-1000000}
waiting=$((n / 25))
c_program bench_claims
dataset "$n" 1 1000
options=("${args[@]}" --batch-rows 1 --min-candidates 1 --sync end)

# A job of which nine tenths are done.
nine_tenths() {
	sm run job -q -j 2 >out 2>err || fail "run: $(cat err)"
	sql job "UPDATE batch SET state = 'pending' WHERE id >= $n * 9 / 10;
		PRAGMA wal_checkpoint(TRUNCATE)" >out
}

# From the command to the first claim, as the attempts tell it.
resume() {
	local begin last
	last=$(sql job 'SELECT coalesce(max(id), 0) FROM attempt')
	begin=$EPOCHREALTIME
	start run run job -j 2
	wait_for 60 more_attempts "$last"
	kill -TERM $pid
	wait $pid
	note resume "$(sql job "SELECT CAST(1000 * (started - $begin) AS INTEGER)
		FROM attempt WHERE id > $last ORDER BY id LIMIT 1")"
}

more_attempts() {
	[ "$(sql job 'SELECT max(id) FROM attempt')" -gt "$1" ]
}

# claim_us NAME [WAITING]: of a claim and commit, without files; so many of
# the last tenth wait
claim_us() {
	sql job "UPDATE batch SET state = 'pending', not_before = iif(id < $n -
		${2:-0}, 0, unixepoch() + 1000) WHERE id >= $n * 9 / 10"
	./bench_claims -t "$(calc "$n / 1e6")" store job >rate 2>err ||
		fail "$1"
	note "$1" "$(awk '{ print 1e6 / $1 }' rate)"
}

for ((i = 0; i < runs; i++)); do
	rm -rf job
	clock plan sm plan job candidates -q "${options[@]}"
done
nine_tenths
for ((i = 0; i < runs; i++)); do
	clock status sm status job
	clock json sm status job --json
	clock report sm report job -o page.html
done
for ((i = 0; i < runs; i++)); do
	resume
done

for ((i = 0; i < runs; i++)); do
	claim_us due
	claim_us waiting $waiting
done

heading "$(thousands "$n") batches of one row"
columns "" "" aim
row "planning" "$(seconds "$(median plan)")" "under 5 s"
row "\`status\`, $(thousands $((n * 9 / 10))) done" \
	"$(seconds "$(median status)")" "under 0.5 s"
row "\`status --json\`" "$(seconds "$(median json)")" "under 0.5 s"
row "\`report\`, a page of $(du -k page.html | cut -f 1) kB" \
	"$(seconds "$(median report)")" "under 2 s"
row "the first new claim after a resume" "$(seconds "$(median resume)")" \
	"under 1 s"
row "claim and commit, not synced" "$(median due | xargs printf '%.0f µs')" ""
row "the same while $(thousands $waiting) batches wait for their backoff" \
	"$(median waiting | xargs printf '%.0f µs')" "as cheap"
echo
