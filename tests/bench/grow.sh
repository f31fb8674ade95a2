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
c_program bench_notes

# What runs for minutes says where it is.
say() {
	printf '%(%T)T grow: %s\n' -1 "$*" >&2
}

# plan N: a job of N batches in the directory job-N, its time and memory
plan() {
	rm -rf "job-$1"
	say "planning $1"
	clock "plan $1" "$PYTHON" "$tests/bench/memory.py" "$SHARDMILL" \
		plan "job-$1" exec -q --range "$1" --size 1 -- true
	note "memory $1" "$(awk '$1 == "self" { print $2 / 1024 }' "$dir/out")"
}

# claim_us N: of a commit and claim of the store, without files.  10,000 batches
# last for one time only.
claim_us() {
	[ "$1" = "$many" ] || plan "$1"
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
say "claims"
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
say "status and report"
for ((i = 0; i < runs; i++)); do
	for n in $few $many; do
		clock "status $n" sm status "job-$n"
		clock "json $n" sm status "job-$n" --json
		usage "report $n" "$SHARDMILL" report "job-$n" \
			-o "page-$n.html"
	done
done
# The shards of these jobs are nowhere: the start check, which finds that, is
# beside the first claim.
say "resuming"
for ((i = 0; i < runs; i++)); do
	for n in $few $many; do
		resume "$n"
	done
done
rm -rf job-*

# first_line FILE: of the whole text, from the command to the end of both
first_line() {
	"$SHARDMILL" cat "$1" 2>first.err | head -n 1 >first
	[ -s first ]
}

# A final file of which one batch in ten has a record, and the others nothing.
for n in $few $many; do
	say "a final file of $n batches"
	mkdir "final-$n"
	./bench_notes "$n" 60 "final-$n" 10 2>err || fail "no final file of $n"
	rm "final-$n/plain.gz"
done
say "cat"
for ((i = 0; i < runs; i++)); do
	for n in $few $many; do
		f=final-$n/final.gz
		clock "first $n" first_line "$f"
		usage "ten $n" "$SHARDMILL" cat "$f" \
			--records $((n / 20))-$((n / 20 + 9))
		[ "$(wc -l <out)" = 10 ] || fail "not ten records of $n batches"
		usage "batches $n" "$SHARDMILL" cat "$f" \
			--batch $((n / 2))-$((n / 2 + 99))
		usage "cat $n" "$SHARDMILL" cat "$f"
		[ "$(wc -l <out)" = "$(sm index --json "$f" | "$PYTHON" -c \
			'import json, sys
print(json.load(sys.stdin)["records"])')" ] ||
			fail "not all records of $n batches"
	done
done
rm -rf final-*

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

say "the shares of 64 workers"
for ((i = 0; i < runs; i++)); do
	for mode in store shards; do
		share $mode
		share -s $mode
	done
done

heading "What grows with the number of batches"
columns "" "$(thousands $few)" "$(thousands "$many")" aim
# both TEXT NAME FORMAT AIM [cpu|kib]
both() {
	row "$1" "$("$3" "$(median "$2 $few${5:+ $5}")")" \
		"$("$3" "$(median "$2 $many${5:+ $5}")")" "$4"
}
ms() {
	printf '%.0f ms' "$1"
}
kib() {
	calc "$1 / 1024" '%.1f MiB'
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
both "its CPU time" report seconds "" cpu
both "its memory" report kib "the same" kib
both "the first claim after a resume" resume seconds "under 1 s"
both "a commit and claim, not synced" claim us "the same"
both "\`cat\`, text in a tenth of the batches" cat seconds ""
both "its memory" cat kib "the same" kib
both "its first record" first ms "under 1 s"
both "ten records from the middle" ten ms "under 1 s"
both "their memory" ten kib "" kib
both "100 batches from the middle" batches ms "under 1 s"
echo
heading "The fewest batches of one of 64 workers, of the most"
columns "" "not synced" synced aim
row "rows alone" "$(median "share store")" "$(median "share -s store")" \
	"above 0.7"
row "with shard files" "$(median "share shards")" \
	"$(median "share -s shards")" "above 0.7"
echo
