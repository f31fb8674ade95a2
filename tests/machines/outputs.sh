#!/bin/bash
# outputs.sh PROGRAM INPUTS DIRECTORY - the 27 files that a machine is judged
# by, made in DIRECTORY, and their SHA-256 in DIRECTORY/list
#
# 4 of `sample`; 11 of candidates: each width of ids and scores, the other order
# of bytes and items, both encoders, both kinds of digits; 4 of exec: numbers,
# lines, items, lines of gzip; 4 indexes; 4 cuts by `cat`.
set -eu
program=$1 inputs=$2
cd "$3"
"$program" sample s --rows 400 --width 60 --vocab 3000 -q >/dev/null

# candidates NAME CANDS-AND-SCORES OPTION...
candidates() {
	local name=$1 from=$inputs/$2
	shift 2
	"$program" candidates -q -j 2 -o "$name" --cands "$from-c.npy" \
		--scores "$from-s.npy" --keys "$inputs/keys.json" \
		--vocab "$inputs/vocab.json" --min-candidates 1 \
		--batch-rows 90 "$@"
}
sample() {
	"$program" candidates -q -j 2 -o "$1" --cands s/cands.npy \
		--scores s/scores.npy --keys s/keys.json --vocab s/vocab.json \
		--batch-rows 100 --min-candidates 10 "${@:2}"
}
sample record.gz
sample zlib.gz --encoder zlib --level 9
sample record-double.gz --score-digits double
sample zlib-double.gz --encoder zlib --score-digits double
candidates i4f4.gz i4 --min-score 0.25
candidates i8f2.gz i8 --no-stop --max-candidates 20
candidates u4f8.gz u4 --ids string
candidates u8f4.gz u8 --pad 7
candidates swapped.gz swapped
candidates hard.gz hard --min-score none
candidates hard-zlib.gz hard --min-score none --encoder zlib

lines=$inputs/lines
"$program" exec -q -j 2 -o range.gz --range 5000 -N 700 -- \
	seq '{first}' '{last}'
"$program" exec -q -j 2 -o lines.gz --input "$lines" --lines 300 -- \
	tr 0-9 a-j
"$program" exec -q -j 2 -o items.gz -- echo '{1}-{2}' ::: a b c ::: 1 2 3
gzip -nc "$lines" >lines-in.gz
"$program" exec -q -j 2 -o gzip.gz --input lines-in.gz --bytes 4k -- cat

for file in record i4f4 lines swapped; do
	"$program" index "$file.gz" >"$file.index"
done
"$program" cat --rows 95-305 record.gz >rows.cut
"$program" cat --records 11-222 hard.gz >records.cut
"$program" cat --batch 2-3 i8f2.gz >batch.cut
"$program" cat -j 2 gzip.gz >whole.cut
for file in *.gz; do
	[ "$file" = lines-in.gz ] || gzip -t "$file"
done
rm lines-in.gz
sha256sum s/* ./*.gz ./*.index ./*.cut >list
[ "$(wc -l <list)" -eq 27 ]
