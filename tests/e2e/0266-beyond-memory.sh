#!/bin/bash
# Arrays that the address space has no room for are read by blocks: the text is
# that of arrays that are mapped.  A limit stands for a machine of 32 bits.
. "$(dirname "$0")/lib.sh"

case $(ldd "$SHARDMILL") in
*san.so*) skip "a sanitizer needs more addresses than the limit leaves" ;;
esac

# 256 MB each, nearly all of it holes.
"$PYTHON" - <<'PY'
import json
import numpy as np
rows, width = 800, 40000
for order, c, s in ("C", "<i8", "<f8"), ("F", ">i8", "<f8"):
    cands = np.lib.format.open_memmap(f"c-{order}.npy", "w+", c, (rows, width),
                                      order == "F")
    scores = np.lib.format.open_memmap(f"s-{order}.npy", "w+", s, (rows, width),
                                       order == "F")
    for row in range(0, rows, 7):
        cands[row, :50] = np.arange(50) + row % 10
        scores[row, :50] = 0.9 - np.arange(50) / 128 - row / 4096
np.lib.format.open_memmap("many.npy", "w+", "<i8", (32 << 20,))
json.dump([f"user-{i}" for i in range(rows)], open("keys.json", "w"))
json.dump([f"t{i}" for i in range(64)], open("vocab.json", "w"))
PY

keys=keys.json
candidates() {
	"$SHARDMILL" candidates -q -j 1 -o "$1" --cands "c-$2.npy" \
		--scores "s-$2.npy" --keys $keys --vocab vocab.json \
		--min-score 0.125 --min-candidates 1 --batch-rows 700 "${@:3}"
}
candidates whole.gz C || fail "exit $?"
[ "$(gzip -dc whole.gz | wc -l)" -gt 100 ] || fail "too few records"
for order in C F; do
	(ulimit -v 220000 && candidates "blocks-$order.gz" $order) ||
		fail "$order: exit $?"
	cmp <(gzip -dc whole.gz) <(gzip -dc "blocks-$order.gz") ||
		fail "$order: the text differs"
done
# Keys are compiled into a table of their size, which has no room either.
keys=many.npy
(ulimit -v 220000 && candidates keys.gz C >out 2>err)
[ $? -eq 4 ] || fail "keys of 256 MB: not 4"
grep -qE "no room for its [0-9]{9} bytes" out err || fail "the reason is not told"
