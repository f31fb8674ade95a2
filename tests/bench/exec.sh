#!/bin/bash
# exec with tiny batches beside xargs and parallel, and with a large file.
. "$(dirname "$0")/lib.sh"
tiny=${BENCH_TINY:-2000}
mb=${BENCH_MB:-1000}
room $((mb / 250 + 1))
need parallel

# mill NAME OPTION...
mill() {
	local name=$1
	shift
	rm -rf mill.gz mill.gz.job
	clock "$name" sm exec -q -o mill.gz -j 2 "$@"
}

run_xargs() {
	seq "$tiny" | xargs -P2 -n1 true
}

run_parallel() {
	rm -f joblog
	seq "$tiny" | parallel --will-cite -j2 --joblog joblog true
}

for ((i = 0; i < runs; i++)); do
	clock xargs run_xargs
	clock parallel run_parallel
	mill end --sync end --range "$tiny" -- true
	mill shard --range "$tiny" -- true
done

heading "exec: $(thousands "$tiny") batches of \`true\`, two at a time"
columns command time "of xargs" aim
x=$(median xargs)
row "\`xargs -P2 -n1\`" "$(seconds "$x")" 1 ""
row "\`parallel -j2 --joblog\`" "$(seconds "$(median parallel)")" \
	"$(ratio "$(median parallel)" "$x")" ""
row "\`shardmill exec --sync end\`" "$(seconds "$(median end)")" \
	"$(ratio "$(median end)" "$x")" "1.5 ×"
row "\`shardmill exec\`" "$(seconds "$(median shard)")" \
	"$(ratio "$(median shard)" "$x")" "2 ×"
echo

"$PYTHON" - "$mb" lines <<'PY'
import json, random, sys
random.seed(1)
block = "".join(json.dumps({"id": random.randrange(10**9), "text": " ".join(
    random.choice(("alpha", "beta", "gamma", "delta", "omega")) +
    str(random.randrange(1000)) for _ in range(random.randrange(5, 60)))})
    + "\n" for _ in range(4000)).encode()
with open(sys.argv[2], "wb") as f:
    while f.tell() < int(sys.argv[1]) * 10**6:
        f.write(block)
PY

pipepart() {
	parallel --will-cite -j2 -k --pipepart -a lines --block 8M \
		'cat | gzip -1' >parallel.gz
	sync parallel.gz
}

for ((i = 0; i < runs; i++)); do
	clock pipepart pipepart
	mill large --level 1 --input lines --bytes 8M -- cat
done
cmp <(gzip -dc mill.gz) lines || fail "the lines differ"

heading "exec: $(thousands "$mb") MB of JSON Lines through \`cat\`, level 1"
columns command time size
row "\`parallel --pipepart --block 8M 'cat | gzip -1'\`, synced" \
	"$(seconds "$(median pipepart)")" \
	"$(megabytes "$(stat -c %s parallel.gz)")"
row "\`shardmill exec --bytes 8M --level 1\`" \
	"$(seconds "$(median large)")" "$(megabytes "$(stat -c %s mill.gz)")"
echo
