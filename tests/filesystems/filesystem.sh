#!/bin/bash
# filesystem.sh NAME TABLE - jobs on one file system of lab.sh, and a row of the
# table about them.  Each job is killed, with its whole group, after 15 of 60
# batches; the same command must then end well, and its final file be that of an
# undisturbed run on a plain disk ($REFERENCE, which `plain` makes).
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/../e2e/lib.sh"
# shellcheck source=tests/filesystems/lab.sh
. "$tests/filesystems/lab.sh"
name=$1 table=$2
one="" two=""
cells=()
network=() # --network-fs, where a job needs it
data=$REFERENCE/data

row() {
	local cell text="| $name |"
	for cell in "${cells[@]}"; do
		text+=" $cell |"
	done
	echo "$text" >>"$table"
}

# The command of a job is slow enough to be killed in the middle of it.
exec_job=(--range 60 -j 3 -- sh -c 'sleep 0.1; seq "$1" "$(($1 + 2000))"' -
	"{first}")
candidates_job=(--batch-rows 400 -j 3 --cands "$data/cands.npy"
	--scores "$data/scores.npy" --keys "$data/keys.json"
	--vocab "$data/vocab.json")

shards_of() {
	find "$1/shards" -name '[0-9]*.gz' ! -name '*.tmp' 2>/dev/null | wc -l
}
has_shards() {
	[ "$(shards_of "$1")" -ge "$2" ]
}

# killed_run KIND JOB FINAL: started, killed, finished and compared
killed_run() {
	local kind=$1 job=$2 final=$3 options="${1}_job[@]" left
	start "$kind" "$kind" -o "$final" --job "$job" "${network[@]}" \
		"${!options}"
	until has_shards "$job" 15; do
		[ -e "/proc/$pid" ] || break
		sleep 0.02
	done
	left=$((60 - $(shards_of "$job")))
	kill -KILL -- "-$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	[ -e "$job/job.db" ] || fail "$kind: $(tail -n 1 "$kind.err")"
	[ "$left" -gt 0 ] || fail "$kind: it was over before the kill"
	expect_exit 0 sm "$kind" -o "$final" --job "$job" "${network[@]}" \
		"${!options}"
	same "$final" "$REFERENCE/$kind.gz"
	expect_exit 0 sm verify "$job"
	expect_exit 0 sm verify "$final"
	equal "$(sql "$job" 'PRAGMA integrity_check')" ok "integrity"
	made_once "$job"
	no_leftovers "$job"
}

# What a refusal says in its brackets is the reason.
refused_why() {
	sed -n 's/.*) \(that cannot have a job\|on which it could not be continued after a kill\): \([^;]*\);.*/\2/p' err |
		sed 's/ (of .*//' | head -n 1
}

try_job() {
	local kind
	for kind in exec candidates; do
		killed_run "$kind" "$one/$kind.job" "$one/$kind.gz"
		cells+=("equal")
		rm -rf "$one/$kind.job" "$one/$kind.gz"
	done
	# Each start makes tables under names that were there before.
	for _ in 1 2 3; do
		expect_exit 0 sm candidates -o "$one/again.gz" \
			--job "$one/again.job" "${network[@]}" \
			"${candidates_job[@]}"
		same "$one/again.gz" "$REFERENCE/candidates.gz"
		rm -rf "$one/again.job" "$one/again.gz"
	done
}

# The job on a plain disk, its final file there.
try_final() {
	local kind=exec
	if ! sm plan "$dir/final.job" exec -o "$one/final.gz" \
		"${exec_job[@]}" >out 2>err; then
		[ -n "$(refused_why)" ] || fail "no reason to refuse"
		[ ! -e "$one/final.gz" ] || fail "a refused file is there"
		cells+=("refused: $(refused_why)")
		return
	fi
	rm -rf final.job
	killed_run $kind "$dir/final.job" "$one/final.gz"
	cells+=("equal")
}

# Most of a final file of large batches is shared with their shards, and stays
# when those go; one that is made on another file system is the same.
try_shared() {
	local shared
	need filefrag
	head -c 4000000 /dev/urandom >noise
	expect_exit 0 sm exec -o "$one/large.gz" -q --range 6 -- \
		sh -c 'tail -c "+$((1 + $1 * 311111))" noise | head -c 1000000' \
		- "{first}"
	expect_exit 0 sm verify "$one/large.gz"
	sync "$one/large.gz"
	shared=$(filefrag -v "$one/large.gz" |
		awk '/shared/ { sum += $6 } END { print sum + 0 }')
	[ "$shared" -ge 732 ] || fail "$shared blocks are shared, of 1,465"
	expect_exit 0 sm finalize "$one/large.gz.job" -o "$dir/large.gz"
	cmp "$one/large.gz" "$dir/large.gz" || fail "the copied one differs"
	rm -f "$one"/large.gz.job/shards/*.gz
	sync
	expect_exit 0 sm verify "$one/large.gz"
	cells+=("$((shared * 100 / 1465)) % shared")
	rm -rf "$one/large.gz" "$one/large.gz.job"
}

# `run` by the one while it runs by the other.
try_two() {
	local command path=$1 other=$2 first job=$3
	expect_exit 0 sm plan "$path/$job" exec --range 60 -- \
		sh -c 'sleep 0.2; echo "$1"' - "{first}"
	start first run "$path/$job" -j 3
	first=$pid
	wait_for 30 has_shards "$path/$job" 3
	for command in run work status "set -j 2" retry verify finalize; do
		# shellcheck disable=SC2086
		expect_exit 7 sm ${command%% *} "$other/$job" \
			${command#"${command%% *}"}
		expect_text err "whose locks do not reach" "'$path/$job'"
	done
	# One that stands still is no less at work.
	kill -STOP "$first"
	expect_exit 7 sm run "$other/$job"
	kill -CONT "$first"
	ended 0 "$first" first
	expect_exit 0 sm verify "$path/$job"
	equal "$(sql "$path/$job" 'PRAGMA integrity_check')" ok "integrity"
	made_once "$path/$job"
	# Once that has ended, nobody is in doubt any more.
	expect_exit 0 sm status "$other/$job"
	expect_exit 0 sm verify "$other/$job"
	rm -rf "${path:?}/$job"
}

# Both at once: at most one runs, and nothing is lost.
try_at_once() {
	local i code codes
	for i in 1 2 3; do
		expect_exit 0 sm plan "$one/$i.job" exec --range 60 -- \
			sh -c 'sleep 0.05; echo "$1"' - "{first}"
		start one run "$one/$i.job" -j 2
		local first=$pid
		start two run "$two/$i.job" -j 2
		local second=$pid
		codes=""
		for code in "$first" "$second"; do
			wait "$code"
			codes+=" $?"
		done
		case $codes in
		" 0 7" | " 7 0" | " 7 7") ;;
		*) fail "two runs ended with$codes: $(tail -n 1 one.err two.err)" ;;
		esac
		expect_exit 0 sm run "$one/$i.job"
		expect_exit 0 sm verify "$one/$i.job"
		equal "$(sql "$one/$i.job" 'PRAGMA integrity_check')" ok \
			"integrity"
		made_once "$one/$i.job"
		rm -rf "$one/$i.job"
	done
}

# Two mounts that are one file system: locks reach, and say who runs.
try_two_that_reach() {
	local first
	expect_exit 0 sm plan "$one/two.job" exec "${network[@]}" --range 40 -- \
		sh -c 'sleep 0.2; echo "$1"' - "{first}"
	start first run "$one/two.job" -j 3
	first=$pid
	wait_for 30 has_shards "$one/two.job" 3
	expect_exit 8 sm run "$two/two.job"
	expect_exit 0 sm status "$two/two.job"
	expect_exit 0 sm work "$two/two.job"
	ended 0 "$first" first
	expect_exit 0 sm verify "$two/two.job"
	made_once "$one/two.job"
	cells+=("one file system: 8")
}

# Read only: a job that is done, and one that is not.
squashfs() {
	local command
	need_root
	need_kernel squashfs
	need mksquashfs
	mkdir tree
	expect_exit 0 sm exec -o tree/f.gz --job tree/f.job "${exec_job[@]}"
	expect_exit 0 sm plan tree/new.job exec "${exec_job[@]}"
	mksquashfs tree image -quiet -no-progress >mount.log 2>&1 ||
		skip "it cannot be made: $(tail -n 1 mount.log)"
	one=$dir/one
	at "$one" mount -o loop image "$one"
	for command in status verify "status --batch 1"; do
		# shellcheck disable=SC2086
		expect_exit 0 sm ${command%% *} "$one/f.job" \
			${command#"${command%% *}"}
	done
	expect_exit 0 sm verify "$one/f.gz"
	sm cat "$one/f.gz" >text || fail "cat"
	same_text text "$REFERENCE/exec.gz"
	for command in run work retry finalize; do
		expect_exit 4 sm $command "$one/new.job"
		expect_text err "Read-only file system"
	done
	cells=("$(mountinfo_type "$one")" "read: status, verify, cat" \
		"write: 4, 'Read-only file system'" "-" "-" "-")
}

mountinfo_type() {
	findmnt -n -o FSTYPE -T "$1"
}

if [ "$name" = squashfs ]; then
	squashfs
	row
	exit 0
fi
if [ "$name" = plain ]; then
	mkdir -p "$REFERENCE"
	[ -d "$data" ] || sm sample "$data" --rows 24000 >/dev/null 2>&1 ||
		fail "no data"
	for kind in exec candidates; do
		options="${kind}_job[@]"
		expect_exit 0 sm $kind -o $kind.gz "${!options}"
		mv $kind.gz "$REFERENCE/$kind.gz"
		rm -rf $kind.gz.job
	done
fi
"mount_$name"
cells+=("$(mountinfo_type "$one")")
if sm plan "$one/probe.job" exec --range 1 -- true >out 2>err; then
	rm -rf "$one/probe.job"
	try_job
elif grep -q 'lies on a network file system' err; then
	network=(--network-fs)
	try_job
	cells[1]+=", with --network-fs alone"
else
	equal "$(grep -c 'cannot have a job' err)" 1 "reasons"
	[ "$name" = bindfs-delete-deny ] || [ -z "$(ls "$one")" ] || fail "a refused plan left $(ls "$one")"
	cells+=("refused: $(refused_why)" "refused")
	two=
fi
try_final
case $name in
btrfs | xfs) try_shared ;;
*) cells+=("-") ;;
esac
if [ -z "$two" ]; then
	cells+=("-")
elif [ -n "$reaches" ]; then
	try_two_that_reach
else
	# Names of their own: a mount may remember what the other removed.
	try_two "$one" "$two" two.job
	try_two "$two" "$one" owt.job
	try_at_once
	cells+=("7 by either; integrity ok")
fi
row
