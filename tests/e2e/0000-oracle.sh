#!/bin/bash
# The oracle itself, against text written by hand.
. "$(dirname "$0")/lib.sh"

mkdir in
"$PYTHON" - <<'PY'
import json
import numpy as np
np.save("in/cands.npy", np.array([[1, 2, 3, 9], [4, 0, 1, 2], [5, 6, 7, 8]],
                                 np.int32))
np.save("in/scores.npy", np.array([[.9, .7131989, .3, .1], [1, 1, 1, 1],
                                   [1e-5, np.nan, 1e16, 2]], np.float32))
open("in/keys.json", "w").write('{"0": "한\\u007f😀", "1": 17, "2": "q\\""}')
open("in/vocab.txt", "w").write("zero\n007\n-0\n12\n1_0\n\n5\n1.5\n+8")
PY
args=(--cands=in/cands.npy --scores=in/scores.npy --keys=in/keys.json
	--vocab=in/vocab.txt)

run() {
	"$PYTHON" "$tests/oracle.py" -o o.gz -j 1 "${args[@]}" "$@" >stats ||
		fail "oracle $*"
	gzip -dc o.gz >got
	cat >want
	same want got
}

run --min-candidates 1 --pad 0 <<'WANT'
{"key": "\ud55c\u007f\ud83d\ude00", "value": [{"track_id": "007", "score": 0.9}, {"track_id": 0, "score": 0.7131989}, {"track_id": 12, "score": 0.3}]}
{"key": 17, "value": [{"track_id": "1_0", "score": 1.0}]}
WANT
run --min-candidates 1 --pad 0 --score-digits double --ids int --stats <<'WANT'
{"key": "\ud55c\u007f\ud83d\ude00", "value": [{"track_id": 7, "score": 0.8999999761581421}, {"track_id": 0, "score": 0.7131989002227783}, {"track_id": 12, "score": 0.30000001192092896}]}
{"key": 17, "value": [{"track_id": 10, "score": 1.0}]}
WANT
equal "$(cat stats)" '{"rows": 3, "records": 2, "skipped": 0}'
run --min-candidates 2 --ids string --no-stop --min-score 0 --pad none \
	--key-field k --max-candidates 2 <<'WANT'
{"k": "\ud55c\u007f\ud83d\ude00", "value": [{"track_id": "007", "score": 0.9}, {"track_id": "-0", "score": 0.7131989}]}
{"k": 17, "value": [{"track_id": "1_0", "score": 1.0}, {"track_id": "zero", "score": 1.0}]}
{"k": "q\"", "value": [{"track_id": "", "score": 1e-05}, {"track_id": "1.5", "score": 1e+16}]}
WANT
run --ids int --min-candidates 0 --min-score 1e-5 --stats --pad 4 <<'WANT'
{"key": "\ud55c\u007f\ud83d\ude00", "value": [{"track_id": 7, "score": 0.9}, {"track_id": 0, "score": 0.7131989}, {"track_id": 12, "score": 0.3}]}
{"key": 17, "value": []}
{"key": "q\"", "value": []}
WANT
equal "$(cat stats)" '{"rows": 3, "records": 3, "skipped": 1}'
run <<'WANT'
WANT

# The fast script writes what the plain one writes.
data small 300 60
"$PYTHON" "$tests/oracle.py" -o plain.gz -j 2 "${args[@]}" \
	--batch-rows 100 --min-candidates 3 || fail oracle.py
"$PYTHON" "$tests/oracle_fast.py" -o fast.gz -j 2 "${args[@]}" \
	--batch-rows 100 --min-candidates 3 || fail oracle_fast.py
gzip -dc plain.gz >plain
[ -s plain ] || fail "nothing was written"
same_text plain fast.gz
"$PYTHON" "$tests/oracle_fast.py" -o fast.gz -j 2 "${args[@]}" \
	--batch-rows 100 --min-candidates 3 --score-digits double ||
	fail "oracle_fast.py, digits of a double"
"$PYTHON" "$tests/oracle.py" -o plain.gz -j 2 "${args[@]}" \
	--batch-rows 100 --min-candidates 3 --score-digits double ||
	fail "oracle.py, digits of a double"
gzip -dc plain.gz >plain
same_text plain fast.gz
