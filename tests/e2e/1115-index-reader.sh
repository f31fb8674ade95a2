#!/bin/bash
# A reader of the index that shares nothing with the program finds what `cat`
# finds: rows, records, batches; with rows dropped, batches without text and
# batches left out.
. "$(dirname "$0")/lib.sh"

reader() {
	"$PYTHON" "$tests/index_reader.py" "$@" >got || fail "reader: $*"
}
# same_as_cat FILE WHAT N
same_as_cat() {
	reader "$1" "$2" "$3"
	expect_exit 0 sm cat "$1" --"$4" "$3"
	same out got
}

data small 700 60
expect_exit 0 sm candidates -o f.gz --batch-rows 19 --sync end \
	--min-score 0.6 --min-candidates 37 "${args[@]}"
seed_random
for _ in {1..12}; do
	same_as_cat f.gz row $((RANDOM % 700)) rows
	same_as_cat f.gz record $((RANDOM % $(zcat f.gz | wc -l))) records
	same_as_cat f.gz batch $((RANDOM % 37)) batch
done

# One batch with more rows than a row note speaks of.
data large 9000 12
expect_exit 0 sm candidates -o g.gz --batch-rows 9000 --sync end \
	--min-score 0.6 --min-candidates 4 "${args[@]}"
[ "$(zcat g.gz | wc -l)" -lt 9000 ] || fail "no row was dropped"
for _ in {1..12}; do
	same_as_cat g.gz row $((RANDOM % 9000)) rows
done

# Of 50 batches every fifth has text.
expect_exit 0 sm exec -o e.gz --range 50 -q -- \
	sh -c '[ $(($1 % 5)) -ne 0 ] || seq $1 $(($1 + 2))' sh '{first}'
for n in 0 4 5 45 49; do
	same_as_cat e.gz batch $n batch
done
for n in 0 1 17 29; do
	same_as_cat e.gz record $n records
done

# Batches that were left out.
sql e.gz.job "UPDATE batch SET state = 'failed' WHERE id IN (3, 10, 11, 48)"
expect_exit 1 sm finalize e.gz.job -o some.gz --allow-missing
for n in 0 5 45; do
	same_as_cat some.gz batch $n batch
done
reader some.gz batch 10
[ ! -s got ] || fail "text of a batch that was left out"

# The rows say where in the file a batch is, as the index does.
expect_exit 0 sm index --json f.gz
"$PYTHON" -c 'import json
for e in json.load(open("out"))["entries"]:
    print(e["batch"], e["at"], e["bytes"], e["gz_crc32"], sep="|")' >want
sql f.gz.job "SELECT batch, offset, gz_bytes, gz_crc32 FROM shards" >got
same want got
