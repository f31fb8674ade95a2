#!/bin/bash
# What grows with a job: the same at 10,000 batches and at 10,000,000, and the
# shares of 64 workers on one job.db.
. "$(dirname "$0")/lib.sh"
need sqlite3
few=10000
many=${BENCH_MANY:-10000000}
t=${BENCH_SECONDS:-1}
room $((many / 2000000 + 1))
c_program bench_claims

# plan N: a job of N batches in the directory job-N, its time and memory
plan() {
	rm -rf "job-$1"
	clock "plan $1" "$PYTHON" "$tests/bench/memory.py" "$SHARDMILL" \
		plan "job-$1" exec -q --range "$1" --size 1 -- true
	note "memory $1" "$(awk '$1 == "self" { print $2 / 1024 }' "$dir/out")"
}

# claim_us N: of a commit and claim of the store, without files
claim_us() {
	./bench_claims -t "$t" store "job-$1" >rate 2>err || fail "claims: $1"
	note "claim $1" "$(awk '{ print 1e6 / $1 }' rate)"
}

# From the command to the first claim of one of its workers.
resume() {
	local begin=$EPOCHREALTIME
	first="SELECT a.started FROM attempt AS a JOIN worker AS w
		ON w.id = a.worker WHERE w.started > $begin ORDER BY a.id LIMIT 1"
	start run run "job-$1" -j 2
	wait_for 60 has_claimed "$1"
	kill -KILL $pid
	wait $pid 2>kill.err || :
	note "resume $1" "$(sql "job-$1" \
		"SELECT CAST(1000 * (($first) - $begin) AS INTEGER)")"
}

has_claimed() {
	[ -n "$(sql "job-$1" "$first")" ]
}

for n in $few $many; do
	plan "$n"
done
for ((i = 0; i < runs; i++)); do
	for n in $few $many; do
		claim_us "$n"
	done
done
for n in $few $many; do
	plan "$n"
	cat "$tests/bench/done.sql" "$root/schema/totals.sql" - <<<"
		PRAGMA journal_mode = WAL;" | sqlite3 "job-$n/job.db" >out ||
		fail "no job of $n batches"
done
for ((i = 0; i < runs; i++)); do
	for n in $few $many; do
		clock "status $n" sm status "job-$n"
		clock "json $n" sm status "job-$n" --json
		clock "report $n" sm report "job-$n" -o "page-$n.html"
	done
done
# The shards of these jobs are nowhere: the start check, which finds that, is
# beside the first claim.
for ((i = 0; i < runs; i++)); do
	for n in $few $many; do
		resume "$n"
	done
done

# share MODE...: the fewest batches of one of 64 workers, of the most
share() {
	local least most
	rm -rf job
	expect_exit 0 sm plan job exec -q --range 200000 --size 1 -- true
	./bench_claims -w 64 -t "$(calc "4 * $t")" "$@" job >shares 2>err ||
		fail "64 workers: $*"
	read -r _ least most <shares
	note "share $*" "$(calc "$least / $most")"
}

for ((i = 0; i < runs; i++)); do
	for mode in store shards; do
		share $mode
		share -s $mode
	done
done

heading "What grows with the number of batches"
columns "" "$(thousands $few)" "$(thousands "$many")" aim
# both TEXT NAME FORMAT AIM
both() {
	row "$1" "$("$3" "$(median "$2 $few")")" \
		"$("$3" "$(median "$2 $many")")" "$4"
}
us() {
	printf '%.0f µs' "$1"
}
mib() {
	printf '%.1f MiB' "$1"
}
both "planning" plan seconds ""
both "its memory" memory mib "the same"
both "\`status\`, all but 1,000 done" status seconds "under 1 s"
both "\`status --json\`" json seconds "under 1 s"
both "\`report\`" report seconds ""
both "the first claim after a resume" resume seconds "under 1 s"
both "a commit and claim, not synced" claim us "the same"
echo
heading "The fewest batches of one of 64 workers, of the most"
columns "" "not synced" synced aim
row "rows alone" "$(median "share store")" "$(median "share -s store")" \
	"above 0.7"
row "with shard files" "$(median "share shards")" \
	"$(median "share -s shards")" "above 0.7"
echo
