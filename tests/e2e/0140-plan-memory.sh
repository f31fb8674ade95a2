#!/bin/bash
# Keys and vocabulary are compiled in memory that does not grow with them, and
# batches planned in memory that does not grow with their number.
. "$(dirname "$0")/lib.sh"

# own ENTRIES: KiB of its own that plan has at most
own() {
	"$PYTHON" - "$1" <<'PY'
import json, sys
import numpy as np
n = int(sys.argv[1])
np.save("cands.npy", np.arange(n, dtype=np.int32).reshape(n, 1))
np.save("scores.npy", np.ones((n, 1), np.float32))
json.dump({i: f"user-{i}" for i in range(n)}, open("keys.json", "w"))
json.dump({i: str(7 * i) for i in range(n)}, open("vocab.json", "w"))
PY
	rm -rf job
	"$PYTHON" "$tests/bench/memory.py" "$SHARDMILL" plan job candidates -q \
		--cands cands.npy --scores scores.npy --keys keys.json \
		--vocab vocab.json --batch-rows 50000 --min-candidates 1 >peak || fail "plan"
	awk '$1 == "self" { print $3 }' peak
}

small=$(own 50000) large=$(own 500000)
echo "50,000 entries: $small KiB, 500,000: $large KiB"
[ "$large" -lt $((small + 1024)) ] ||
	fail "$small KiB for 50,000 entries, $large KiB for 500,000"

# own_of BATCHES: likewise, of a job of so many
own_of() {
	rm -rf job
	"$PYTHON" "$tests/bench/memory.py" "$SHARDMILL" plan job exec -q \
		--range "$1" -- echo >peak || fail "plan of $1 batches"
	equal "$(sql job 'SELECT count(*) FROM batch')" "$1" "batches"
	awk '$1 == "self" { print $3 }' peak
}

small=$(own_of 20000) large=$(own_of 400000)
echo "20,000 batches: $small KiB, 400,000: $large KiB"
[ "$large" -lt $((small + 4096)) ] ||
	fail "$small KiB for 20,000 batches, $large KiB for 400,000"
