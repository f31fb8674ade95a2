#!/bin/bash
# The main job end to end, plan and finalize included, beside the two Python
# programs it replaces; rows a second by size and by workers; memory.
. "$(dirname "$0")/lib.sh"
most=${BENCH_ROWS:-1000000}
width=300
sizes=()
for n in 10000 20000 100000 1000000; do
	[ "$n" -le "$most" ] && sizes+=("$n")
done
room $((most * 12 / 1000000 + 1))

# python NAME SCRIPT ROWS BATCH_ROWS OPTION...: two processes
python() {
	local name=$1 script=$2 rows=$3 batch=$4
	shift 4
	dataset "$rows" $width
	clock "$name $rows" "$PYTHON" "$tests/$script" -o python.gz -j 2 \
		--batch-rows "$batch" --score-digits double "$@" "${args[@]}"
}

# mill NAME ROWS OPTION...
mill() {
	local name=$1 rows=$2
	shift 2
	dataset "$rows" $width
	rm -rf mill.gz mill.gz.job
	clock "$name $rows" sm candidates -q -o mill.gz "$@" "${args[@]}"
}

# scaled NAME SMALL LARGE ROWS: ms for ROWS from the times of two shares, so
# that what starting costs, such as loading the vocabulary, is counted once
scaled() {
	local small large
	small=$(median "$1 $2") large=$(median "$1 $3")
	calc "$large + ($4 - $3) * ($large - $small) / ($3 - $2)" %.0f
}

plain_small=1000 plain=10000 fast_small=10000 fast=50000
[ $fast -le "$most" ] || fast_small=2000 fast=10000

for ((i = 0; i < runs; i++)); do
	python plain oracle.py $plain_small 500 --ids int
	python plain oracle.py $plain 5000 --ids int
	python fast oracle_fast.py $fast_small $((fast_small / 2))
	python fast oracle_fast.py $fast 5000
	for n in "${sizes[@]}"; do
		mill two "$n" -j 2 --score-digits double
		mill one "$n" -j 1 --score-digits double
		mill source "$n" -j 2
	done
done

# What is compared must be equal.
dataset $fast $width
mill check $fast -j 2 --score-digits double
clock check "$PYTHON" "$tests/oracle_fast.py" -o fast.gz -j 2 \
	--score-digits double "${args[@]}"
cmp <(gzip -dc mill.gz) <(gzip -dc fast.gz) || fail "the texts differ"
rm -rf mill.gz mill.gz.job fast.gz python.gz

heading "candidates, end to end"
columns rows "plain Python" "Python at its best" shardmill "source digits" \
	"than plain" "than the best" "aims"
declare -A aims=([100000]="80 ×, 9 ×" [1000000]="100 ×, 12 ×")
for n in "${sizes[@]}"; do
	p=$(scaled plain $plain_small $plain "$n")
	f=$(scaled fast $fast_small $fast "$n")
	m=$(median "two $n")
	row "$(thousands "$n")" "$(seconds "$p")" "$(seconds "$f")" \
		"$(seconds "$m")" "$(seconds "$(median "source $n")")" \
		"$(ratio "$p" "$m")" "$(ratio "$f" "$m")" "${aims[$n]:-}"
done
cat <<TEXT

Rows of $width candidates, a vocabulary of a million, two processes each, the
digits of a double.  Python's times are scaled: of the plain program (json.dumps
and gzip at its default level) from $plain_small and $(thousands $plain) rows, of
the best one (a batch at a time by numpy, ujson's digits, igzip -1) from
$(thousands $fast_small) and $(thousands $fast).

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
