#!/bin/bash
# Claims and commits a second, beside a bare loop of the same transactions and
# a bare loop of create and rename; and whether all workers get their share.
. "$(dirname "$0")/lib.sh"
t=${BENCH_SECONDS:-1}
c_program bench_claims

# measure NAME BATCHES OPTION... MODE
measure() {
	local name=$1 batches=$2
	shift 2
	rm -rf job
	expect_exit 0 sm plan job exec -q --range "$batches" --size 1 -- true
	./bench_claims -t "$t" "$@" job >rate 2>err || fail "$name"
	local rate least most
	read -r rate least most <rate
	note "$name" "$rate"
	note "$name share" "$(calc "$least / ($most > 0 ? $most : 1)")"
}

plenty=$(calc "60000 * $t" %.0f)
for ((i = 0; i < runs; i++)); do
	for sync in "" -s; do
		# shellcheck disable=SC2086
		{
			measure "bare$sync" "$plenty" $sync bare
			measure "files$sync" 10 $sync files
			for w in 1 2 8; do
				measure "store$sync $w" "$plenty" \
					-w $w $sync store
				measure "shards$sync $w" "$plenty" \
					-w $w $sync shards
			done
		}
	done
done

heading "Claims and commits a second"
columns "" "a bare loop, one process" "1 worker" "2 workers" "8 workers" \
	"least of the most, 2 and 8"

# line TEXT BARE NAME
line() {
	row "$1" "$(thousands "$(median "$2")")" \
		"$(thousands "$(median "$3 1")")" \
		"$(thousands "$(median "$3 2")")" \
		"$(thousands "$(median "$3 8")")" \
		"$(median "$3 2 share"), $(median "$3 8 share")"
}
line "rows alone, not synced (\`--sync end\`)" bare store
line "rows alone, each commit synced" bare-s store-s
line "with shard files, not synced" files shards
line "with shard files, each synced" files-s shards-s
cat <<TEXT

One transaction marks a batch done and claims the next.  The bare loops: for
rows alone, the same statements through SQLite's API by one process that nobody
disturbs; with shard files, create, write and rename, without any database.

TEXT
