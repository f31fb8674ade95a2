#!/bin/bash
# What the notes in a final file of tiny batches cost a reader.
. "$(dirname "$0")/lib.sh"
need gzip
c_program bench_notes
batches=${BENCH_NOTES:-1000000}

heading "Notes: 'gzip -dc' of a final file of $(thousands "$batches") batches"
columns "text of a batch" "bytes of notes a batch" "without notes" "with them" \
	ratio aim
for bytes in 120 563 2130; do
	./bench_notes "$batches" "$bytes" . >out 2>err || fail "bench_notes"
	cmp <(gzip -dc plain.gz) <(gzip -dc final.gz) || fail "other text"
	for ((i = 0; i < runs; i++)); do
		clock "plain$bytes" gzip -dc plain.gz
		clock "final$bytes" gzip -dc final.gz
	done
	plain=$(median "plain$bytes") final=$(median "final$bytes")
	notes=$(($(stat -c %s final.gz) - $(stat -c %s plain.gz)))
	row "$bytes B" "$(calc "$notes / $batches" %.1f)" "$(seconds "$plain")" \
		"$(seconds "$final")" "$(ratio "$final" "$plain" %.2f)" "1.20 ×"
	rm plain.gz final.gz
done
echo
