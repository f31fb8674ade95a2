#!/bin/bash
# exec with tiny batches beside xargs and parallel, and with a large file.  With
# OLD, another build of the program, the file by that at level 6, too.
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

# pipepart SUFFIX CMD: parts of the file, each through it, in order
pipepart() {
	parallel --will-cite -j2 -k --pipepart -a lines --block 8M \
		"cat | $2" >"parallel.$1"
	sync "parallel.$1"
}

peers=("gzip -1" "gzip -6" "igzip -1" "pigz -1 -p 1" "zstd -q -1")
for ((i = 0; i < runs; i++)); do
	for peer in "${peers[@]}"; do
		clock "$peer" pipepart "${peer// /}" "$peer"
	done
	for level in 1 6; do
		mill "level $level" --level $level --input lines --bytes 8M \
			-- cat
		cmp <(gzip -dc mill.gz) lines || fail "the lines differ"
		stat -c %s mill.gz >"size.$level"
	done
	[ -n "${OLD:-}" ] || continue
	rm -rf mill.gz mill.gz.job
	clock old "$OLD" exec -q -o mill.gz -j 2 --level 6 --input lines \
		--bytes 8M -- cat
	stat -c %s mill.gz >size.old
done

heading "exec: $(thousands "$mb") MB of JSON Lines through \`cat\`"
columns command time "of igzip's" size "of igzip's"
best=$(median "igzip -1") least=$(stat -c %s parallel.igzip-1)
for peer in "${peers[@]}"; do
	size=$(stat -c %s "parallel.${peer// /}")
	row "\`parallel --pipepart --block 8M 'cat \| $peer'\`, synced" \
		"$(seconds "$(median "$peer")")" \
		"$(calc "$(median "$peer") / $best")" \
		"$(megabytes "$size")" "$(calc "$size / $least")"
done
for level in 1 6; do
	size=$(cat size.$level)
	row "\`shardmill exec --bytes 8M --level $level\`" \
		"$(seconds "$(median "level $level")")" \
		"$(calc "$(median "level $level") / $best")" \
		"$(megabytes "$size")" "$(calc "$size / $least")"
done
[ -z "${OLD:-}" ] ||
	row "the build before, $("$OLD" --version | head -n 1), level 6" \
		"$(seconds "$(median old)")" "$(calc "$(median old) / $best")" \
		"$(megabytes "$(cat size.old)")" "$(calc "$(cat size.old) / $least")"
echo
