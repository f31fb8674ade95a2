#!/bin/bash
# Keys and vocabulary of a million entries each, compiled; time, and memory
# beside that for a tenth of them.
. "$(dirname "$0")/lib.sh"
n=${BENCH_ROWS:-1000000}
tenth=$((n / 10))

# compile ENTRIES
compile() {
	dataset "$1" 1 "$1"
	rm -rf job
	clock "plan $1" sm plan job candidates -q "${args[@]}"
	rm -rf job
	clock "load $1" "$PYTHON" -c 'import json, sys
for name in sys.argv[1:]:
    json.load(open(name))' "${args[5]}" "${args[7]}"
}

# own_memory CMD...: KiB beyond mappings, of the process itself
own_memory() {
	"$PYTHON" "$tests/bench/memory.py" "$@" >peak 2>err || fail "$*"
	awk '$1 == "self" { print $3 }' peak
}

for ((i = 0; i < runs; i++)); do
	compile "$tenth"
	compile "$n"
done
heading "Keys and vocabulary, compiled"
columns "entries each" "their JSON" "plan" "its own memory" "Python's json.load"
for entries in "$tenth" "$n"; do
	dataset "$entries" 1 "$entries"
	rm -rf job
	own=$(own_memory "$SHARDMILL" plan job candidates -q "${args[@]}")
	row "$(thousands "$entries")" \
		"$(megabytes "$(cat "${args[5]}" "${args[7]}" | wc -c)")" \
		"$(seconds "$(median "plan $entries")")" \
		"$(calc "$own / 1024" '%.1f MiB')" \
		"$(seconds "$(median "load $entries")")"
done
cat <<TEXT

The whole \`plan\`: digests of the inputs, both tables compiled and synced, the
database.

TEXT
