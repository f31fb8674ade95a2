# shellcheck shell=bash
# lib.sh - what the end-to-end tests share.  Each test is a bash script that
# sources this file, works in a directory of its own ($PWD, removed at its end
# unless KEEP is set) and ends with 0 (passed), 77 (skipped) or anything else.
#
# From the caller: SHARDMILL (the program), PYTHON (one with numpy), and DATA
# (a directory that the tests of one run share).  Defaults below let a test be
# started by hand.

set -u
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SHARDMILL=${SHARDMILL:-$tests/../build-release/shardmill}
export SHARDMILL
SHARDMILL=$(realpath -e "$SHARDMILL") || exit 1
PYTHON=${PYTHON:-/usr/bin/python3}
export LC_ALL=C.UTF-8

dir=$(mktemp -d "${TMPDIR:-/tmp}/shardmill-e2e.XXXXXX")
shared=${DATA:-$dir/data}
cd "$dir" || exit 1

# Processes that a test leaves are its own: they are named by `keep_pid`.
pids=()
cleanup() {
	local pid
	for pid in "${pids[@]}"; do
		kill -CONT -- "$pid" 2>/dev/null
		kill -KILL -- "$pid" 2>/dev/null
	done
	cd /
	if [ -n "${KEEP:-}" ]; then
		echo "kept: $dir"
	else
		chmod -R u+rwX "$dir" 2>/dev/null
		rm -rf -- "$dir"
	fi
}
trap cleanup EXIT
trap 'exit 1' INT TERM HUP

keep_pid() {
	pids+=("$@")
}

fail() {
	echo "FAIL: $*" >&2
	local file
	for file in out err; do
		[ -s "$dir/$file" ] || continue
		echo "--- last $file:" >&2
		tail -n 20 -- "$dir/$file" >&2
	done
	exit 1
}

skip() {
	echo "SKIP: $*"
	exit 77
}

need() {
	local tool
	for tool; do
		command -v "$tool" >/dev/null || skip "$tool is not installed"
	done
}

sm() {
	"$SHARDMILL" "$@"
}

# expect_exit CODE CMD...: output goes to the files out and err
expect_exit() {
	local want=$1 got=0
	shift
	"$@" >"$dir/out" 2>"$dir/err" </dev/null || got=$?
	[ "$got" = "$want" ] || fail "exit $got, not $want: $*"
}

# expect_text FILE WORD...: each WORD stands in FILE
expect_text() {
	local file=$1 word
	shift
	for word; do
		grep -qF -e "$word" -- "$file" ||
			fail "'$word' is not in $file"
	done
}

same() {
	cmp -- "$1" "$2" >/dev/null || fail "'$1' and '$2' differ"
}

# same_text PLAIN GZ: the decompressed bytes
same_text() {
	gzip -dc -- "$2" >"$2.text" || fail "gzip -d of '$2'"
	cmp -- "$1" "$2.text" >/dev/null || fail "the text of '$2' differs"
	rm -f -- "$2.text"
}

equal() {
	[ "$1" = "$2" ] || fail "${3:-value} is '$1', not '$2'"
}

# An own timeout: the shell has none, and the workers write all the time.  The
# shell would make a database that is not there.
sql() {
	local db=$1/job.db
	shift
	[ -e "$db" ] && sqlite3 -cmd '.timeout 10000' "$db" "$@"
}

json() {
	"$PYTHON" -c 'import json, sys
value = json.load(open(sys.argv[1]))
for name in sys.argv[2].split("."):
    value = value[int(name)] if isinstance(value, list) else value[name]
print(json.dumps(value) if isinstance(value, (bool, list, dict, type(None)))
      else value)' "$@"
}

# wait_for SECONDS CMD...: until CMD succeeds
wait_for() {
	local end=$((SECONDS + $1))
	shift
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || fail "waited too long for: $*"
		sleep 0.05
	done
}

children() {
	cat /proc/"$1"/task/*/children 2>/dev/null
}

gone() {
	local pid
	for pid; do
		[ ! -e "/proc/$pid" ] ||
			grep -q "^State:.[ZX]" "/proc/$pid/status" 2>/dev/null ||
			return 1
	done
}

# data NAME ROWS WIDTH: a plain data set, made once; its options are in the
# array args, its directory in $set, the text that must come out in $set/want
data() {
	set=$shared/$1-$2x$3
	if [ ! -d "$set" ]; then
		local tmp=$set.$$
		"$PYTHON" "$tests/nasty.py" --plain "$2" "$3" 1 "$tmp" ||
			fail "cannot make data"
		sed -i "s|$tmp|$set|" "$tmp/args"
		mv -T "$tmp" "$set" 2>/dev/null || rm -rf "$tmp"
	fi
	mapfile -t args <"$set/args"
}

# oracle: $set/want, the text of a job with $args
oracle() {
	if [ ! -e "$set/want" ]; then
		"$PYTHON" "$tests/oracle.py" -j 2 -o "$set/want.$$.gz" \
			"${args[@]}" || fail "the oracle failed"
		gzip -dc "$set/want.$$.gz" >"$set/want.$$"
		mv "$set/want.$$" "$set/want"
		rm -f "$set/want.$$.gz"
	fi
}

# reference NAME OPTION...: $set/NAME.gz, the final file of a run that nothing
# disturbs; its job goes away
reference() {
	local ref=$set/$1.gz tmp=$set/$1.$$
	shift
	if [ ! -e "$ref" ]; then
		"$SHARDMILL" candidates -o "$tmp" -j 2 \
			"${args[@]}" "$@" >"$dir/out" 2>"$dir/err" ||
			fail "the undisturbed run failed"
		rm -rf "$tmp.job"
		mv "$tmp" "$ref"
	fi
}

# inodes JOB FILE: "id inode" of each done batch's shard.  Read from a copy of
# the database: a shell that closes it would tidy up what a crash left.  Not
# while the job runs.
inodes() {
	local id name
	rm -rf copy
	mkdir copy
	cp "$1/job.db" copy/ 2>/dev/null || true
	cp "$1/job.db-wal" copy/ 2>/dev/null || true
	sql copy "SELECT id FROM batch WHERE state = 'done'" 2>/dev/null |
	while read -r id; do
		name=$(printf '%06d' "$id")
		echo "$id $(stat -c %i "$1/shards/$name.gz" 2>/dev/null)"
	done | sort >"$2"
}

# kept_inodes JOB BEFORE: every shard named in BEFORE is still the same file
kept_inodes() {
	inodes "$1" inodes.now
	[ -z "$(comm -23 "$2" inodes.now)" ] ||
		fail "made again: $(comm -23 "$2" inodes.now | tr '\n' ' ')"
}

# start NAME ARG...: the program in the background, in a process group of its
# own with the signals of a terminal's foreground; its pid is in $pid, its
# output in NAME.out and NAME.err
start() {
	local name=$1
	shift
	set -m
	"$SHARDMILL" "$@" >"$name.out" 2>"$name.err" </dev/null &
	pid=$!
	set +m
	keep_pid "$pid" "-$pid"
}

# ended CODE PID NAME: wait for it
ended() {
	local got=0
	wait "$2" || got=$?
	[ "$got" = "$1" ] || fail "$3: exit $got, not $1: $(tail -n 3 "$3.err")"
}

count_of() {
	sql "$1" "SELECT count(*) FROM batch WHERE state = '$2'" 2>/dev/null ||
		echo 0
}

# at_least JOB STATE N: so many batches are in that state
at_least() {
	[ "$(count_of "$1" "$2")" -ge "$3" ]
}

# no_leftovers JOB: no temporary file, no batch in hand
no_leftovers() {
	local left
	left=$(find "$1" -name '*.tmp' -o -name '*.part')
	[ -z "$left" ] || fail "left behind: $left"
	equal "$(count_of "$1" running)" 0 "number of running batches"
}

# random_ms N: a moment of up to N ms, in seconds
random_ms() {
	local ms=$(((RANDOM * 32768 + RANDOM) % $1))
	printf '%d.%03d\n' $((ms / 1000)) $((ms % 1000))
}

# seed_random: so that a failed round can be had again
seed_random() {
	SEED=${SEED:-$$}
	RANDOM=$SEED
	echo "SEED=$SEED"
}

# made_once JOB: each batch was committed once, and nothing failed
made_once() {
	equal "$(sql "$1" "SELECT count(*) FROM attempt WHERE outcome = 'done'")" \
		"$(sql "$1" 'SELECT count(*) FROM batch')" "done attempts"
}

# outcomes JOB WORD...: no attempt ended otherwise
outcomes() {
	local job=$1 other
	shift
	other=$(sql "$job" "SELECT group_concat(DISTINCT outcome) FROM attempt
		WHERE instr(' $* ', ' ' || outcome || ' ') = 0")
	equal "$other" "" "other outcomes"
}
