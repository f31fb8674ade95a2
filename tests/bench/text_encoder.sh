#!/bin/bash
# exec's encoder beside zlib, libdeflate and igzip: sizes, and user time of one
# process each, on JSON Lines, a log, English text and noise; then the wall time
# of a job beside parallel's.  MB of each text: BENCH_MB (20 at most).
. "$(dirname "$0")/lib.sh"
mb=${BENCH_MB:-20}
[ "$mb" -le 20 ] || mb=20
need igzip
need parallel

# English: the manual's and the packages' own, as far as there is any.
find /usr/share/doc /usr/share/vim /usr/share/perl -type f \
	\( -name '*.txt' -o -name '*.md' -o -name copyright \) -print0 \
	2>/dev/null | sort -z | xargs -0 cat 2>/dev/null |
	head -c "${mb}000000" >english
"$PYTHON" - "$mb" <<'PY'
import json, random, sys
random.seed(1)
size = int(sys.argv[1]) * 10**6
words = ["".join(random.choices("etaoinshrdlu", k=random.randrange(2, 10)))
         for _ in range(5000)]
weights = [1 / (i + 3) for i in range(len(words))]
def some(n):
    return random.choices(words, weights, k=n)
def fill(name, line):
    with open(name, "w", encoding="utf-8") as f:
        while f.tell() < size:
            f.write("".join(line() for _ in range(1000)))
clock = 1700000000
def event():
    global clock
    clock += random.randrange(3)
    return json.dumps({"time": clock, "user": random.randrange(10**6),
        "session": "%016x" % random.getrandbits(64),
        "event": random.choice(("view", "click", "buy", "search")),
        "price": round(random.lognormvariate(3, 1), 2),
        "query": " ".join(some(random.randrange(1, 6))),
        "at": [round(random.uniform(-90, 90), 5) for _ in range(2)]}) + "\n"
paths = ["/" + "/".join(some(random.randrange(1, 4))) for _ in range(500)]
def access():
    global clock
    clock += random.randrange(2)
    return '192.168.%d.%d - - [%d] "GET %s HTTP/1.1" %d %d "-" "Agent/%d"\n' % (
        random.randrange(8), random.randrange(256), clock,
        random.choice(paths), random.choice((200, 200, 200, 304, 404)),
        random.randrange(200, 90000), random.randrange(40))
fill("jsonl", event)
fill("log", access)
with open("noise", "wb") as f:
    f.write(random.randbytes(size))
PY
texts=(jsonl log english noise)
c_program bench_text

# pack NAME TEXT CMD...: standard input to standard output, user time
pack() {
	local name=$1 text=$2
	shift 2
	note "$name" "$({
		TIMEFORMAT=%U
		time "$@" <"$text" >packed 2>/dev/null
	} 2>&1 | awk '{ print 1000 * $1 }')"
	cmp -s <(gzip -dc packed) "$text" || fail "$name: the text differs"
	size[$name]=$(stat -c %s packed)
}

declare -A size=()
peers=("igzip -1" "gzip -1" "gzip -6" "libdeflate-gzip -1" "libdeflate-gzip -6")
for ((i = 0; i < runs; i++)); do
	for text in "${texts[@]}"; do
		for level in 1 2 3 4 5 6 7 8 9; do
			pack "level $level $text" "$text" ./bench_text "$level"
		done
		for cmd in "${peers[@]}"; do
			command -v "${cmd% *}" >/dev/null || continue
			# shellcheck disable=SC2086
			pack "$cmd $text" "$text" $cmd -c
		done
	done
done
for text in "${texts[@]}"; do
	heading "$text, $(megabytes "$(stat -c %s "$text")" %.1f)"
	columns "" "user time" size "of igzip -1's" "of gzip -6's"
	for name in "level "{1..9} "${peers[@]}"; do
		[ -n "${size[$name $text]:-}" ] || continue
		row "$name" "$(median "$name $text") ms" \
			"$(megabytes "${size[$name $text]}" %.3f)" \
			"$(calc "${size[$name $text]} / ${size[igzip -1 $text]}" %.3f)" \
			"$(calc "${size[$name $text]} / ${size[gzip -6 $text]}" %.3f)"
	done
	echo
done

pipepart() {
	parallel --will-cite -j2 -k --pipepart -a jsonl --block 2M \
		'cat | igzip -1' >parallel.gz
	sync parallel.gz
}
mill() {
	rm -rf mill.gz mill.gz.job
	sm exec -q -o mill.gz -j 2 --input jsonl --bytes 2M "$@" -- cat
}
for ((i = 0; i < runs; i++)); do
	clock pipepart pipepart
	clock text mill
	clock zlib mill --encoder zlib
done
heading "exec of \`cat\` on jsonl, two workers"
columns command time
row "\`parallel --pipepart 'cat | igzip -1'\`, synced" \
	"$(seconds "$(median pipepart)")"
row "\`shardmill exec\`" "$(seconds "$(median text)")"
row "\`shardmill exec --encoder zlib\`" "$(seconds "$(median zlib)")"
echo
