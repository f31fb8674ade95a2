#!/bin/bash
# cat: all of a final file, rows, records, batches; exact where rows were
# dropped; without an index from the start; a reader that goes away; damage.
. "$(dirname "$0")/lib.sh"

# A third of the rows is dropped.
data small 300 60
args+=(--sync end --min-score 0.6 --min-candidates 37)
for encoder in record zlib; do
	expect_exit 0 sm candidates -o $encoder.gz --encoder $encoder \
		--batch-rows 37 "${args[@]}"
	rm -rf $encoder.gz.job
done
gzip -dc record.gz >want
[ "$(wc -l <want)" -lt 290 ] && [ "$(wc -l <want)" -gt 100 ] ||
	fail "$(wc -l <want) of 300 rows are left"

for file in record.gz zlib.gz; do
	for threads in 1 2 5; do
		expect_exit 0 sm cat $file -j $threads
		same out want
		[ ! -s err ] || fail "cat has something to say: $(cat err)"
	done
done

# Row N has the key user-N.
rows() {
	"$PYTHON" -c 'import json, sys
for line in open("want"):
    row = int(json.loads(line)["key"].split("-")[1])
    if int(sys.argv[1]) <= row <= int(sys.argv[2]):
        sys.stdout.write(line)' "$@"
}
seed_random
for _ in {1..25}; do
	a=$((RANDOM % 300)) b=$((a + RANDOM % 80))
	expect_exit 0 sm cat zlib.gz --rows $a-$b
	rows $a $b >part
	same out part
	a=$((RANDOM % $(wc -l <want))) b=$((a + RANDOM % 80))
	expect_exit 0 sm cat record.gz --records $a-$b -j 2
	sed -n "$((a + 1)),$((b + 1))p" want >part
	same out part
done
expect_exit 0 sm cat record.gz --rows 150
rows 150 150 >part
same out part
expect_exit 0 sm cat record.gz --batch 2
rows 74 110 >part
same out part
expect_exit 0 sm cat record.gz --batch 1-3
rows 37 147 >part
same out part

# The index says where all of that stands.
expect_exit 0 sm index record.gz
expect_text out "9 batches" "300 rows"
expect_exit 0 sm index --json record.gz
cp out index.json
"$PYTHON" - index.json record.gz <<'END' || fail "index --json"
import json, sys, zlib
index = json.load(open(sys.argv[1]))
data = open(sys.argv[2], "rb").read()
want = open("want", "rb").read()
assert index["file_bytes"] == len(data)
assert index["batches"] == len(index["entries"]) == 9
for e in index["entries"]:
    part = data[e["at"]:e["at"] + e["bytes"]]
    text = zlib.decompress(part + b"\3\0", -15) if part else b""
    assert text == want[e["raw_at"]:e["raw_at"] + e["raw_bytes"]]
    assert zlib.crc32(part) == e["gz_crc32"]
    assert text.count(b"\n") == e["records"]
    assert e["rows"] == (37 if e["batch"] < 8 else 4)
END

# A command says nothing of its rows: one line for each, or all lines.
seq 0 99 >lines
expect_exit 0 sm exec -o each.gz --input lines --lines 10 -q -- cat
expect_exit 0 sm cat each.gz --rows 25-34
seq 25 34 >part
same out part
expect_exit 0 sm exec -o some.gz --input lines --lines 10 -q -- sed /7/d
expect_exit 0 sm cat some.gz --rows 25-34
seq 20 39 | grep -v 7 >part
same out part
expect_text err "all lines"
expect_exit 0 sm cat some.gz --rows 20-39
same out part
[ ! -s err ] || fail "whole batches are exact: $(cat err)"

# What there is not.
expect_exit 3 sm cat record.gz --rows 300
expect_text err "has 300 rows"
expect_exit 3 sm cat record.gz --batch 9
expect_exit 3 sm cat record.gz --records 100000-100001
expect_exit 0 sm cat record.gz --rows 290-100000
expect_exit 2 sm cat record.gz --rows 1-2 --records 1-2
expect_exit 2 sm cat record.gz --rows 2-1
expect_exit 2 sm cat record.gz --rows 1,3
expect_exit 2 sm cat record.gz -j 0
expect_exit 3 sm cat missing.gz
expect_exit 3 sm cat each.gz.job

# A shard is the final file of its one batch.
expect_exit 0 sm cat each.gz.job/shards/000003.gz
seq 30 39 >text
same out text
expect_exit 0 sm index each.gz.job/shards/000003.gz
expect_exit 0 sm verify each.gz.job/shards/000003.gz

# No index: from the start, and that is said.
gzip -c want >plain.gz
gzip -dc plain.gz >text
expect_exit 0 sm cat plain.gz
same out text
expect_text err "no index" "from the start"
expect_exit 0 sm cat plain.gz --records 3-6
sed -n 4,7p text >part
same out part
expect_exit 3 sm cat plain.gz --rows 3-6
expect_exit 3 sm index plain.gz
expect_exit 3 sm cat want
expect_text err "no gzip"

# A reader that goes away ends it as it ends cat; no reader at all is said.
sm cat record.gz | head -c 10 >out
equal "$(wc -c <out)" 10
seq 1000000 >many
gzip -c many >many.gz
{ sm cat many.gz 2>err; echo $? >status; } | head -n 1 >/dev/null
equal "$(cat status)" 141 "exit status behind a closed pipe"
if [ -e /dev/full ]; then
	"$SHARDMILL" cat record.gz >/dev/full 2>err && fail "a full disk"
	expect_text err "No space left"
fi

# Damage ends it with 9; the batches before it were written.
cp record.gz bad.gz
printf damage | dd of=bad.gz bs=1 conv=notrunc status=none \
	seek=$(($(stat -c %s bad.gz) / 2))
for threads in 1 3; do
	code=0
	sm cat bad.gz -j $threads >got 2>err || code=$?
	equal $code 9 "exit status on damage"
	bad=$(sed -n 's/.*batch \([0-9]*\),.*/\1/p' err)
	sm cat record.gz --batch 0-$((bad - 1)) >part
	[ -s part ] || fail "damage in batch '$bad'"
	cmp -n "$(stat -c %s part)" got part >cmp.out 2>&1 ||
		fail "other text before the damage: $(head -c 200 cmp.out)"
done
: >got
expect_exit 0 sm cat bad.gz --batch 0
head -c -5 record.gz >cut.gz
expect_exit 9 sm cat cut.gz
same out want
expect_text err "its end is missing" "from the start"
head -c $(($(stat -c %s record.gz) / 2)) record.gz >cut.gz
expect_exit 9 sm cat cut.gz
expect_text err "too soon"
