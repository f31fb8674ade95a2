#!/bin/bash
# Batches of 256 KiB and more begin at a block of the final file, after padding
# that readers skip; what is where does not depend on how the file came about.
. "$(dirname "$0")/lib.sh"

# Lines of noise, and how many of them each batch has.
"$PYTHON" -c 'import base64, random
noise = random.Random(21)
for n in range(25000):
    print(base64.b64encode(noise.randbytes(33)).decode())' >noise
items="9000 20 8000 8500 1 300 8200 9001 12000 5 8600 3000 573"
# shellcheck disable=SC2086
printf '%s\n' $items >items
# shellcheck disable=SC2016
job=(--items items -q --sync end --level 1 -- sh -c 'tail -n "+$1" noise |
	head -n "$1"' - "{}")
for n in $items; do
	tail -n "+$n" noise | head -n "$n"
done >want

# whole FILE: as all others, and read by those who know nothing of padding
whole() {
	cmp "$1" f.gz || fail "$1: other bytes"
	rm -rf "$1" "$1.job"
}
expect_exit 0 sm exec -o f.gz -j 1 --no-follow "${job[@]}"
same_text want f.gz
gzip -t f.gz || fail "gzip -t"
expect_exit 0 sm verify f.gz
expect_exit 0 sm verify f.gz.job
cp -r f.gz.job g.job

expect_exit 0 sm exec -o a.gz -j 3 "${job[@]}"
whole a.gz
expect_exit 0 sm exec -o b.gz -j 2 --consume "${job[@]}"
expect_exit 0 sm verify b.gz.job
# Of those shards nothing is left but what the final file has.
rm b.gz.job/job.db*
expect_exit 0 sm recover b.gz.job
equal "$(count_of b.gz.job 'done')" 13 "batches reused"
expect_exit 0 sm run b.gz.job
whole b.gz
expect_exit 0 sm finalize f.gz.job -o c.gz
whole c.gz

# Most begin where they do in their shards, and all where the index says.
expect_exit 0 sm index --json f.gz
"$PYTHON" - out f.gz >pads <<'END' || fail "the index"
import json, sys
data = open(sys.argv[2], "rb").read()
large = [e["at"] for e in json.load(open(sys.argv[1]))["entries"]
         if e["bytes"] >= 1 << 18]
assert len(large) == 7, large
placed = [at for at in large if at % 4096 == 10]
assert len(placed) >= 4, large
for at in placed:
    if data[at - 5:at] == b"\0\0\0\xff\xff" and data[at - 10] == 0:
        print(at - 3)
END
for n in 0 3 8; do
	"$PYTHON" "$tests/index_reader.py" f.gz batch $n >got ||
		fail "index_reader.py"
	expect_exit 0 sm cat f.gz --batch $n
	same out got
done
# Lines of the final file, across what pads.
expect_exit 0 sm exec -o again.gz -q --sync end --input f.gz --lines 7001 -- cat
same_text want again.gz

# A bit of what pads.
at=$(head -n 1 pads)
[ -n "$at" ] || fail "nothing pads"
cp f.gz bad.gz
printf '\1' | dd of=bad.gz bs=1 seek="$at" conv=notrunc status=none
expect_exit 9 sm verify bad.gz
expect_text out "what pads"

# The file grows on from wherever it was cut.
size=$(stat -c %s f.gz)
for cut in $((at + 20)) $((size / 2)); do
	rm -rf f.gz.job f.gz
	cp -r g.job f.gz.job
	sql f.gz.job "UPDATE job SET final_size = NULL, final_digest = NULL"
	head -c "$cut" bad.gz >f.gz.part
	expect_exit 0 sm run f.gz.job
	expect_exit 0 sm verify f.gz
	same_text want f.gz
done
