#!/bin/bash
# The main job end to end, plan and finalize included, beside what else could
# do it: the plain Python program, Python at its best, Polars and DuckDB (by
# npm) through `igzip -1` and by their own gzip.  Then rows a second by size and
# by workers; memory.  With OLD, another build of the program, beside that, too.
. "$(dirname "$0")/lib.sh"
most=${BENCH_ROWS:-1000000}
width=300
sizes=()
for n in 10000 20000 100000 1000000; do
	[ "$n" -le "$most" ] && sizes+=("$n")
done
room $((most * 12 / 1000000 + 1))

# Polars and DuckDB, with nothing of them in the tree.
polars=0.26.1 duckdb=1.5.6-r.1
modules=$shared/npm
node_peers() {
	local arch=x64
	[ "$(uname -m)" = x86_64 ] || arch=arm64
	command -v npm >/dev/null && mkdir -p "$modules" &&
		npm install --silent --no-fund --no-audit --prefix "$modules" \
			"nodejs-polars@$polars" \
			"nodejs-polars-linux-$arch-gnu@$polars" \
			"@duckdb/node-api@$duckdb" >"$dir/out" 2>"$dir/err" &&
		cp "$tests"/bench/*.mjs "$modules"
}

peers=("plain" "fast")
if node_peers; then
	peers+=("polars igzip" "polars own" "duckdb igzip" "duckdb own")
else
	echo "_Polars and DuckDB could not be had by npm, and are left out._"
	echo
fi

# peer NAME ROWS: two processes
peer() {
	local name=$1 rows=$2 script=("$PYTHON" "$tests/oracle_fast.py")
	dataset "$rows" $width
	case $name in
	plain) script=("$PYTHON" "$tests/oracle.py" --ids int) ;;
	polars*) script=(node "$modules/polars.mjs" --gzip "${name#* }") ;;
	duckdb*) script=(node "$modules/duckdb.mjs" --gzip "${name#* }") ;;
	esac
	[[ $name != plain && $name != fast ]] ||
		script+=(--score-digits double)
	usage "$name $rows" "${script[@]}" -o "$name.gz" -j 2 \
		--batch-rows $((rows < 10000 ? rows / 2 : 5000)) "${args[@]}"
}

# mill NAME ROWS OPTION...: by $program
program=$SHARDMILL
mill() {
	local name=$1 rows=$2
	shift 2
	dataset "$rows" $width
	rm -rf mill.gz mill.gz.job
	usage "$name $rows" "$program" candidates -q -o mill.gz "$@" \
		"${args[@]}"
}

# scaled NAME SMALL LARGE ROWS: ms for ROWS from the times of two shares, so
# that what starting costs, such as loading the vocabulary, is counted once
scaled() {
	local small large
	small=$(median "$1 $2") large=$(median "$1 $3")
	calc "$large + ($4 - $3) * ($large - $small) / ($3 - $2)" %.0f
}

# What is large is measured by shares of it: Python's plain program and the rest.
declare -A small=([plain]=1000) large=([plain]=10000)
small_rest=10000 large_rest=50000
[ $large_rest -le "$most" ] || small_rest=2000 large_rest=10000

for ((i = 0; i < runs; i++)); do
	for name in "${peers[@]}"; do
		peer "$name" "${small[$name]:-$small_rest}"
		peer "$name" "${large[$name]:-$large_rest}"
	done
	for n in "${sizes[@]}" $large_rest; do
		mill two "$n" -j 2 --score-digits double
	done
	for n in "${sizes[@]}"; do
		mill one "$n" -j 1 --score-digits double
		mill source "$n" -j 2
		[ -z "${OLD:-}" ] || program=$OLD mill old "$n" -j 2 \
			--score-digits double
	done
done

# What is compared must be equal, but for blanks that Polars and DuckDB leave
# out and no text here has.
dataset $large_rest $width
mill check $large_rest -j 2 --score-digits double
cmp <(gzip -dc mill.gz) <(gzip -dc fast.gz) || fail "the texts differ"
for name in "${peers[@]:2}"; do
	cmp <(gzip -dc mill.gz | tr -d ' ') <(gzip -dc "$name.gz") ||
		fail "$name: the text differs"
done
declare -A bytes=()
for name in mill "${peers[@]}"; do
	bytes[$name]=$(stat -c %s "$name.gz")
	rm -f "$name.gz"
done
bytes[plain]=$(calc "${bytes[plain]} * $large_rest / ${large[plain]}" %.0f)
rm -rf mill.gz.job

declare -A titles=(
	[plain]="Python: json.dumps a row, gzip"
	[fast]="Python at its best: numpy, ujson, \`igzip -1\`"
	["polars igzip"]="Polars $polars, \`igzip -1\`"
	["polars own"]="Polars, its own gzip (level 1)"
	["duckdb igzip"]="DuckDB ${duckdb%-*}, \`igzip -1\`"
	["duckdb own"]="DuckDB, its own gzip"
)
declare -A aims=([100000]="8 × Python at its best, 6 × Polars")
for n in "${sizes[@]}"; do
	heading "candidates, $(thousands "$n") rows, end to end"
	columns "" time "of shardmill's" aim
	mill=$(median "two $n")
	row "shardmill" "$(seconds "$mill")" 1 "${aims[$n]:-}"
	row "shardmill, source digits" "$(seconds "$(median "source $n")")" \
		"$(ratio "$(median "source $n")" "$mill" %.2f)" ""
	[ -z "${OLD:-}" ] ||
		row "the build before, $("$OLD" --version | head -n 1)" \
			"$(seconds "$(median "old $n")")" \
			"$(ratio "$(median "old $n")" "$mill" %.2f)" ""
	for name in "${peers[@]}"; do
		ms=$(scaled "$name" "${small[$name]:-$small_rest}" \
			"${large[$name]:-$large_rest}" "$n")
		row "${titles[$name]}" "$(seconds "$ms")" \
			"$(ratio "$ms" "$mill")" ""
	done
	echo
done
cat <<TEXT
Rows of $width candidates, a vocabulary of a million, two processes each, the
digits of a double, falling scores.  Other programs' times are scaled: from
$(thousands "${small[plain]}") and $(thousands "${large[plain]}") rows of the plain one, from $(thousands $small_rest) and $(thousands $large_rest) of the
others.  The texts are equal, but for the blanks after \`:\` and \`,\`, 8 % of the
text, which the writers of JSON of Polars and DuckDB leave out.

TEXT

heading "What $(thousands $large_rest) rows take"
columns "" "CPU time" "of shardmill's" "largest process" "of shardmill's" \
	"file" "of shardmill's"
cpu=$(median "two $large_rest cpu") kib=$(median "two $large_rest kib")
row "shardmill" "$(seconds "$cpu")" 1 "$(calc "$kib / 1024" '%.0f MiB')" 1 \
	"$(megabytes "${bytes[mill]}")" 1
for name in "${peers[@]}"; do
	n=${large[$name]:-$large_rest}
	ms=$(median "$name $n cpu") most_kib=$(median "$name $n kib")
	ms=$(calc "$ms * $large_rest / $n" %.0f)
	row "${titles[$name]}" "$(seconds "$ms")" \
		"$(ratio "$ms" "$cpu")" \
		"$(calc "$most_kib / 1024" '%.0f MiB')" \
		"$(ratio "$most_kib" "$kib")" \
		"$(megabytes "${bytes[$name]}")" \
		"$(ratio "${bytes[$name]}" "${bytes[mill]}" %.2f)"
done
cat <<TEXT

The plain program's CPU time and file are scaled from $(thousands "${large[plain]}") rows.  A process's
memory includes the pages of its inputs, where it maps them.

TEXT

heading "Rows a second, by size and by workers"
columns rows "1 worker" "2 workers" "two are faster by" "rows/s" \
	"largest worker" "of it its own"
for n in "${sizes[@]}"; do
	one=$(median "one $n") two=$(median "two $n")
	dataset "$n" $width
	rm -rf mill.gz mill.gz.job
	read -r _ all own < <("$PYTHON" "$tests/bench/memory.py" "$SHARDMILL" \
		candidates -q -o mill.gz -j 2 --score-digits double \
		"${args[@]}" | grep worker) || fail memory.py
	row "$(thousands "$n")" "$(seconds "$one")" "$(seconds "$two")" \
		"$(ratio "$one" "$two" %.2f)" \
		"$(thousands "$(calc "$n * 1000 / $two" %.0f)")" \
		"$(calc "$all / 1024" '%.1f MiB')" \
		"$(calc "$own / 1024" '%.1f MiB')"
done
cat <<TEXT

A worker's own memory is what it has beyond the mappings of inputs and tables,
which all workers share.

TEXT
rm -rf mill.gz mill.gz.job
