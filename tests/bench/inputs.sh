#!/bin/bash
# exec over JSON Lines in gzip, beside zcat and GNU parallel: time, and memory of
# the largest process.  BENCH_MB is the size of the text.
. "$(dirname "$0")/lib.sh"
mb=${BENCH_MB:-1000}
room $((mb / 200 + 1))
need parallel

"$PYTHON" - "$mb" <<'PY' | gzip -6 >lines.gz
import json, random, sys
random.seed(1)
block = "".join(json.dumps({"id": random.randrange(10**9), "text": " ".join(
    random.choice(("alpha", "beta", "gamma", "delta", "omega")) +
    str(random.randrange(1000)) for _ in range(random.randrange(5, 60)))})
    + "\n" for _ in range(4000)).encode()
done = 0
while done < int(sys.argv[1]) * 10**6:
    done += sys.stdout.buffer.write(block)
PY

# peak CMD...: run it; the most memory of one of its processes, in MB
peak() {
	"$PYTHON" - "$@" <<'PY'
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL,
               stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, "MB")
PY
}

pipe() {
	zcat lines.gz |
		parallel --will-cite -j2 -k --pipe -N5000 wc -l >parallel.txt
}
export -f pipe

lines=(exec -o mill.gz --input lines.gz --lines 5000 -- wc -l)
for ((i = 0; i < runs; i++)); do
	clock zcat bash -c 'zcat lines.gz >/dev/null'
	clock pipe pipe
	rm -rf mill.gz mill.gz.job
	clock plan sm plan mill.gz.job "${lines[@]}"
	clock run sm run -q -j 2 mill.gz.job
done
cmp <(gzip -dc mill.gz) parallel.txt || fail "the counts differ"
tables=$(du -sk mill.gz.job/tables | cut -f 1)
of_pipe=$(peak bash -c pipe)
rm -rf mill.gz mill.gz.job
of_plan=$(peak "$SHARDMILL" plan mill.gz.job "${lines[@]}")
of_run=$(peak "$SHARDMILL" run -q -j 2 mill.gz.job)

heading "exec: $(thousands "$mb") MB of JSON Lines in gzip, $(($(stat -c %s \
	lines.gz) / 1000000)) MB, through \`wc -l\`, 5,000 a batch"
columns command time memory
row "\`zcat >/dev/null\`" "$(seconds "$(median zcat)")" ""
row "\`zcat \| parallel -j2 -k --pipe -N5000\`" "$(seconds "$(median pipe)")" \
	"$of_pipe"
row "\`shardmill plan\`: one pass, $tables kB of points" \
	"$(seconds "$(median plan)")" "$of_plan"
row "\`shardmill run -j 2\`" "$(seconds "$(median run)")" "$of_run"
