#!/bin/bash
# What candidates leaves out is counted by cause, each entry and row once; and
# data as faiss, implicit and LightFM make them lose nothing without a word.
. "$(dirname "$0")/lib.sh"

"$PYTHON" - <<'PY'
import json
import numpy as np
rng = np.random.default_rng(7)
rows, width, items = 400, 60, 900

def save(name, ids, scores):
    np.save(name + "-c.npy", ids)
    np.save(name + "-s.npy", scores.astype(np.float32))

ids = np.array([rng.permutation(items)[:width] for _ in range(rows)])
falling = -np.sort(-rng.random((rows, width)), axis=1)
# implicit: numbers from 0, and 0 is the most popular item.
popular = ids.astype(np.int32)
popular[:, 3] = 0
save("implicit", popular, falling)
# faiss: -1 where fewer were found, with the lowest of all scores.
fewer, low = ids.astype(np.int64), falling.copy()
for row in range(rows):
    n = rng.integers(20, width + 1)
    fewer[row, n:], low[row, n:] = -1, np.finfo(np.float32).min
save("faiss", fewer, low)
# faiss with METRIC_L2: distances, the nearest first.
save("l2", ids.astype(np.int64), 1 - falling)
# LightFM: scores of any size, most of them negative.
save("lightfm", ids.astype(np.int32), 3 * falling - 4)
# A column that was divided by 0.
odd = falling.copy()
odd[5::7, 10] = np.nan
save("nan", ids.astype(np.int32), odd)
json.dump({str(i): f"user-{i}" for i in range(rows)}, open("keys.json", "w"))
json.dump({str(i): str(10 * i) for i in range(items)}, open("vocab.json", "w"))
json.dump({f"t{i}": i for i in range(items)}, open("inverted.json", "w"))
PY
candidates() {
	sm candidates -o f.gz --keys keys.json --vocab vocab.json \
		--cands "$1-c.npy" --scores "$1-s.npy" --batch-rows 90 "${@:2}"
}
# account COLUMN: its sum
account() { sql f.gz.job "SELECT $1 FROM progress"; }
again() { rm -rf f.gz f.gz.job; }

# Zero is an item, unless it is said to be none.
expect_exit 0 candidates implicit --min-candidates 10
equal "$(account records)" 400
equal "$(gzip -dc f.gz | grep -c '"track_id": 0,')" 400
again
expect_exit 0 candidates implicit --min-candidates 10 --pad 0
expect_text err "--pad 0 seems to be no padding" "come after it" \
	"had fewer than 10 candidates"
equal "$(account records)" 0
again
# -1 is none, without a word to be given.
expect_exit 0 candidates faiss --min-score none --min-candidates 20
equal "$(account records)" 400
[ "$(account padding)" -gt 0 ] || fail "nothing was padding"
! gzip -dc f.gz | grep -q '"track_id": -' || fail "a line has -1"
again
# Distances.
expect_exit 3 candidates l2
expect_text err "rising scores" "--no-stop" "--min-score none"
[ ! -e f.gz ] || fail "a file"
# Also where none is below the minimum, so that nothing is lost yet.
expect_exit 3 candidates l2 --min-score -1
expect_text err "rising scores" "--no-stop" "--min-score none"
expect_exit 0 candidates l2 --min-score none
equal "$(account records)" 400
again
# The threshold of other scores.
expect_exit 0 candidates lightfm
expect_text err "the output is empty" "by a score below 0.3" \
	"100 % of the rows had fewer than 50 candidates"
again
expect_exit 0 candidates lightfm --min-score none
equal "$(account records) $(account entries)" "400 24000"
again
# One NaN ends a row.
expect_exit 0 candidates nan --min-score none --min-candidates 30
expect_text err "57 had fewer than 30 candidates" "by a score that is NaN"
equal "$(account records) $(account nan)" "343 2850"
again

# A vocabulary from token to candidate.
expect_exit 3 sm candidates -o f.gz --keys keys.json --vocab inverted.json \
	--cands nan-c.npy --scores nan-s.npy
expect_text err --vocab-inverted
expect_exit 0 sm candidates -o f.gz --keys keys.json --vocab inverted.json \
	--vocab-inverted --cands implicit-c.npy --scores implicit-s.npy
gzip -dc f.gz | grep -q '"track_id": "t0"' || fail "no token t0"
again

# A header in the keys shifts every key by one.
{ echo user_id; seq -f 'u%g' 400; } >keys.csv
expect_exit 3 sm candidates -o f.gz --keys keys.csv --vocab vocab.json \
	--cands nan-c.npy --scores nan-s.npy
expect_text err "401 keys for 400 rows" "'user_id'" header

# Every sum, against one that is made column by column.
cat >account.py <<'PY'
import json, sys
import numpy as np
name, low, pad, least, most, no_stop = json.loads(sys.argv[1])
cands, scores = np.load(name + "-c.npy"), np.load(name + "-s.npy")
sums = dict.fromkeys(("entries low_score too_few of_too_few padding skipped "
                      "nan over_maximum").split(), 0)
for ids, values in zip(cands, scores):
    have, ended = 0, None
    for c, s in zip(ids, values):
        if ended:
            sums[ended] += 1
        elif have == most:
            ended = "over_maximum"
            sums[ended] += 1
        else:
            cause = None
            if not s >= low or c == pad:
                cause = ("padding" if c == pad or c < 0 else
                         "nan" if s != s else "low_score")
                ended = None if no_stop else cause
            elif c < 0:
                cause = "padding"
            elif c >= 700:      # the vocabulary of this test
                cause = "skipped"
            if cause:
                sums[cause] += 1
            else:
                have += 1
    if have < least:
        sums["too_few"] += 1
        sums["of_too_few"] += have
    else:
        sums["entries"] += have
print(*sums.values(), sep="|")
PY
"$PYTHON" -c 'import json
json.dump({str(i): str(i) for i in range(700)}, open("vocab.json", "w"))'
while read -r name low pad least most stop; do
	options=(--min-score "$low" --min-candidates "$least")
	[ "$pad" = null ] || options+=(--pad "$pad")
	[ "$most" = 0 ] || options+=(--max-candidates "$most")
	[ "$stop" = false ] || options+=(--no-stop)
	expect_exit 0 candidates "$name" "${options[@]}"
	[ "$most" != 0 ] || most=1000
	equal "$(account 'entries, low_score, too_few, of_too_few, padding,
		skipped, nan, over_maximum')" "$("$PYTHON" account.py \
		"[\"$name\", $low, $pad, $least, $most, $stop]")" "$name"
	equal "$(account 'records + too_few = rows AND entries + low_score +
		of_too_few + padding + skipped + nan + over_maximum
		= 60 * rows')" 1 "$name: the sum"
	again
done <<'END'
implicit 0.3 0 5 0 false
implicit 0.3 null 20 25 false
faiss 0.2 null 10 0 true
faiss -1 17 15 30 false
nan 0.5 null 3 0 false
nan 0.5 3 3 12 true
lightfm -3 null 12 0 false
END
