#!/bin/bash
# exec --serve: a start that takes seconds, and batches that take none.
. "$(dirname "$0")/lib.sh"
served=${BENCH_SERVED:-100000}
each=${BENCH_EACH:-2000}
PYTHONPATH=$(sm python-path)
export PYTHONPATH

# mill NAME OPTION...
mill() {
	local name=$1
	shift
	rm -rf mill.gz mill.gz.job
	clock "$name" sm exec -q -o mill.gz -j 2 "$@"
}

cat >slow.py <<'END'
import shardmill, time
time.sleep(3)
for batch in shardmill.batches():
    time.sleep(0.1 * (batch.end - batch.first))
END
cat >quick.py <<'END'
import shardmill
for batch in shardmill.batches():
    batch.write("%d\n" % batch.first)
END
cat >once.py <<'END'
import sys
print(sys.argv[1])
END
cat >pool.py <<'END'
import concurrent.futures, gzip, sys
with concurrent.futures.ProcessPoolExecutor(2) as pool, \
        gzip.open("pool.gz", "wt", 6) as out:
    for text in pool.map("{}\n".format, range(int(sys.argv[1])), chunksize=1):
        out.write(text)
END
for ((i = 0; i < runs; i++)); do
	mill two --range 40 --size 20 --serve -- "$PYTHON" slow.py
	mill forty --range 40 --serve -- "$PYTHON" slow.py
	mill served --sync end --range "$served" --serve -- "$PYTHON" quick.py
	mill each --sync end --range "$each" -- "$PYTHON" once.py '{first}'
	mill true --sync end --range "$each" -- true
	clock pool "$PYTHON" pool.py "$served"
done
mill served --sync end --range "$served" --serve -- "$PYTHON" quick.py
gzip -dc mill.gz | cmp - <(seq 0 $((served - 1))) || fail "other lines"

heading "exec --serve: a start of 3 s, 40 times 0.1 s of work, two workers"
columns batches time "of 2" aim
x=$(median two)
row 2 "$(seconds "$x")" 1 ""
row 40 "$(seconds "$(median forty)")" "$(ratio "$(median forty)" "$x")" "1.2 ×"
echo

# rate NAME BATCHES: a second
rate() {
	calc "$2 * 1000 / $(median "$1")" %.0f
}
heading "exec: batches of one line by Python, two at a time, --sync end"
columns command batches "a second" aim
row "\`--serve\`" "$(thousands "$served")" "$(rate served "$served")" \
	"5 × a process per batch"
row "a process per batch" "$(thousands "$each")" "$(rate each "$each")" ""
row "a process per batch, \`true\`" "$(thousands "$each")" \
	"$(rate true "$each")" ""
row "ProcessPoolExecutor, chunks of 1" "$(thousands "$served")" \
	"$(rate pool "$served")" ""
echo
