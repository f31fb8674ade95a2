#!/bin/bash
# --memory: what asks for more fails its batch alone, and the limit is named;
# a command that lives too.  A run may raise it.
. "$(dirname "$0")/lib.sh"

cat >hog.py <<'END2'
import sys
asked = bytearray(200 << 20) if sys.argv[1] == "1" else b""
print(sys.argv[1], len(asked))
END2
hog=("$PYTHON" hog.py '{first}')
expect_exit 1 sm exec -o f.gz -j 2 --range 3 --max-attempts 1 --memory 100M \
	--depends hog.py -- "${hog[@]}"
equal "$(sql f.gz.job "SELECT group_concat(state) FROM (SELECT state FROM batch
	ORDER BY id)")" done,failed,done "states"
expect_text err "MemoryError" "104857600 bytes, --memory"
expect_exit 1 sm try f.gz.job 1
expect_text err MemoryError
expect_exit 1 sm run f.gz.job --retry-failed
expect_exit 0 sm run f.gz.job --retry-failed --memory 1G
printf '%s\n' "0 0" "1 209715200" "2 0" >want
same_text want f.gz

cat >lives.py <<'END2'
import shardmill
for batch in shardmill.batches():
    with batch:
        batch.write("%d %d\n" % (batch.number,
                                 len(bytearray((batch.number % 2) * 200 << 20))))
END2
PYTHONPATH=$("$SHARDMILL" python-path) || fail "no python-path"
export PYTHONPATH
expect_exit 1 sm exec -o s.gz -j 1 --range 3 --serve --max-attempts 1 \
	--memory 100M -- "$PYTHON" lives.py
equal "$(sql s.gz.job "SELECT group_concat(state) FROM (SELECT state FROM batch
	ORDER BY id)")" done,failed,done "states of the living"
expect_text err "MemoryError" "104857600 bytes, --memory"
expect_exit 0 sm run s.gz.job --retry-failed --memory 1G
same_text want s.gz
