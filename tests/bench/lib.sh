# shellcheck shell=bash
# lib.sh - what the timed tests share.  Each is a script that sources this file
# and prints Markdown: a heading, tables, and what stands in the way.  By hand:
#
#	SHARDMILL=build-release/shardmill bash tests/bench/claims.sh
#
# Machines are never quite quiet: what is compared is measured in turns, so
# that a busy minute hits all alike, and the median of BENCH_RUNS (3) counts.
# BENCH_ROWS, BENCH_BATCHES, BENCH_TINY, BENCH_MB and BENCH_SECONDS make them
# shorter, and BENCH_FOLLOW_ROWS ("20000 1000000") that of join.sh; DATA is a
# directory in which data sets are kept for the next script.

. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
root=$(cd "$tests/.." && pwd)
runs=${BENCH_RUNS:-3}
declare -A took # NAME: milliseconds, one word for each run

heading() {
	local load
	read -r load _ </proc/loadavg
	printf '### %s\n\n' "$1"
	[ "${load%.*}" -lt 1 ] ||
		printf '_Not a quiet machine: load average %s._\n\n' "$load"
}

# row CELL...: one line of a table; columns CELL...: its first two
row() {
	local cell
	for cell; do
		printf '| %s ' "$cell"
	done
	echo '|'
}

columns() {
	row "$@"
	row "${@//*/---}"
}

ms_since() {
	echo $(((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}) / 1000))
}

# clock NAME CMD...: run it, note how long it took; 1 if it failed.  What was
# written before, a data set of gigabytes perhaps, is on the disk by then.
clock() {
	local name=$1 start
	shift
	sync
	start=$EPOCHREALTIME
	"$@" >"$dir/out" 2>"$dir/err" </dev/null || fail "$name: $*"
	took[$name]+=" $(ms_since "$start")"
}

# usage NAME CMD...: as clock; CPU time is noted as "NAME cpu", the KiB of the
# largest process as "NAME kib"
usage() {
	local name=$1 ms cpu kib
	shift
	sync
	"$PYTHON" "$tests/bench/usage.py" "$dir/usage" "$@" >"$dir/out" \
		2>"$dir/err" </dev/null || fail "$name: $*"
	read -r ms cpu kib <"$dir/usage"
	note "$name" "$ms"
	note "$name cpu" "$cpu"
	note "$name kib" "$kib"
}

# note NAME MS: a time taken otherwise
note() {
	took[$1]+=" $2"
}

middle() {
	tr ' ' '\n' | grep . | sort -g | awk '
		{ v[NR] = $1 }
		END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# median NAME: of its times, ms
median() {
	[ -n "${took[$1]:-}" ] || fail "nothing was timed as '$1'"
	middle <<<"${took[$1]}"
}

# calc EXPRESSION [FORMAT]: arithmetic, as awk does it
calc() {
	awk "BEGIN { printf \"${2:-%.2f}\", $1 }"
}

seconds() {
	calc "$1 / 1000" "${2:-%.2f} s"
}

# ratio A B: how many times A is B
ratio() {
	calc "$1 / $2" "${3:-%.1f} ×"
}

thousands() {
	sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta' <<<"${1%.*}"
}

megabytes() {
	calc "$1 / 1e6" "${2:-%.1f} MB"
}

# dataset ROWS WIDTH [VOCAB]: made once; its options are in the array args
dataset() {
	local set=$shared/sample-$1x$2-${3:-1000000}
	if [ ! -d "$set" ]; then
		mkdir -p "$shared"
		"$SHARDMILL" sample "$set.$$" --rows "$1" --width "$2" \
			--vocab "${3:-1000000}" -q >"$dir/out" 2>"$dir/err" ||
			fail "cannot make data"
		mv -T "$set.$$" "$set"
	fi
	args=(--cands "$set/cands.npy" --scores "$set/scores.npy"
		--keys "$set/keys.json" --vocab "$set/vocab.json")
}

# room GB: skip where the disk has less
room() {
	local free
	free=$(df --output=avail -B 1000000000 . | tail -n 1)
	[ "$free" -ge "$1" ] || skip "needs $1 GB of disk in $PWD, there are $free"
}

# c_program NAME: tests/bench/NAME.c, with the library's own headers
c_program() {
	local build include=()
	build=$(dirname "$SHARDMILL")
	mapfile -t include < <(find "$root/src" -type d -printf '-I%p\n')
	# shellcheck disable=SC2046
	cc -std=c11 -D_GNU_SOURCE -O2 -o "$1" "$tests/bench/$1.c" \
		-I "$root/include" "${include[@]}" "$build/libshardmill.a" \
		$(pkg-config --cflags --libs sqlite3 zlib jansson) \
		-lpthread -lm >out 2>err || fail "cannot build $1"
}
