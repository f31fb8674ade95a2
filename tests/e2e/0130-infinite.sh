#!/bin/bash
# An infinite score that would be written fails its batch, and no other.
. "$(dirname "$0")/lib.sh"

mkdir in
"$PYTHON" - <<'PY'
import numpy as np
s = np.full((40, 5), .9, np.float32)
np.save("in/good.npy", s)
s[3, 4] = -np.inf
s[7] = [np.inf, .9, np.nan, .9, .9]    # id 99 is not in the vocabulary
np.save("in/still-good.npy", s)
s[25, 2] = np.inf
np.save("in/bad.npy", s)
c = np.arange(200).reshape(40, 5) % 50 + 1
c[7, 0] = 99
np.save("in/cands.npy", c)
open("in/keys.txt", "w").write("".join(f"k{n}\n" for n in range(40)))
open("in/vocab.txt", "w").write("".join(f"{n}\n" for n in range(60)))
PY
args=(--cands=in/cands.npy --keys=in/keys.txt --vocab=in/vocab.txt
	--min-candidates 1 --batch-rows 10)

expect_exit 0 sm candidates -o ok.gz --scores in/still-good.npy "${args[@]}"
"$PYTHON" "$tests/oracle.py" -o want.gz --scores in/still-good.npy "${args[@]}"
gzip -dc want.gz >want
same_text want ok.gz

cp in/bad.npy in/scores.npy
expect_exit 1 sm candidates -o f.gz --scores in/scores.npy "${args[@]}"
[ ! -e f.gz ] || fail "a partial file was made"
equal "$(count_of f.gz.job done)" 3
sql f.gz.job "SELECT id, error FROM failed" >failed ||
	sql f.gz.job "SELECT id, error FROM batch WHERE state = 'failed'" >failed
expect_text failed 2 25
grep -qi 'inf' failed || fail "the error does not say infinite"
cat out err >said
expect_text said "--retry-failed"
# Bad input is not worth a second attempt.
equal "$(sql f.gz.job 'SELECT count(*) FROM attempt WHERE batch = 2')" 1

# A rerun does not retry it; a changed input is refused, then accepted.
expect_exit 1 sm candidates -o f.gz --scores in/scores.npy "${args[@]}"
equal "$(sql f.gz.job 'SELECT count(*) FROM attempt WHERE batch = 2')" 1
expect_exit 1 sm finalize f.gz
expect_text err 2
cp in/good.npy in/scores.npy
expect_exit 7 sm candidates -o f.gz --scores in/scores.npy "${args[@]}"
expect_exit 0 sm candidates -o f.gz --scores in/scores.npy "${args[@]}" \
	--accept-changed --retry-failed
gzip -dc f.gz | wc -l | grep -qx 40 || fail "not all rows"
