#!/bin/bash
# What the system refuses besides space: inodes, descriptors, processes, a
# program that is being written, a file system for reading.  Each is named, with
# what helps, ends the run with 4 and fails no batch; then the same command goes
# on.
. "$(dirname "$0")/lib.sh"
need unshare mount setpriv
unshare -Urm true 2>/dev/null || skip "unshare -Urm is not permitted here"

job=(-j 2 -q --size 1 --max-attempts 1)
seq 0 19 >want
# try COMMAND...: its exit status in $code
try() {
	code=0
	"$@" >"$dir/out" 2>"$dir/err" </dev/null || code=$?
}
# named TEXT...: it ended with 4 and one line that says this, nothing failed
named() {
	equal "$code" 4 "exit status"
	equal "$(grep -c "$1" "$dir/err")" 1 "lines with '$1' in $(cat "$dir/err")"
	expect_text "$dir/err" "${@:2}"
	[ ! -e f.gz.job/job.db ] || equal "$(count_of f.gz.job failed)" 0 "failed batches"
}
# resume: what went on is whole
resume() {
	expect_exit 0 sm run f.gz -q
	same_text "$dir/want" f.gz
	made_once f.gz.job
	no_leftovers f.gz.job
	rm -rf f.gz*
}

inodes_and_reading() {
	mkdir -p mnt
	mount -t tmpfs -o size=100m,nr_inodes=24 none mnt || skip "no tmpfs here"
	cd mnt || exit 1
	try sm exec -o f.gz "${job[@]}" --range 20 -- echo '{first}'
	named "no inode is free" "df -i" "same command again"
	mount -o remount,nr_inodes=1000 "$PWD" || fail "remount"
	resume
	# With --consume 64 small batches are one entry of the index: what a
	# full group has may go, and the run needs no inode for each batch.
	mount -o remount,nr_inodes=100 "$PWD" || fail "remount"
	expect_exit 0 sm exec -o f.gz "${job[@]}" --range 200 --consume -- \
		echo '{first}'
	# None, if what joins was always first.
	[ "$(grep -c "the disk is full" "$dir/err")" -le 1 ] || fail "told again"
	seq 0 199 >"$dir/want200"
	same_text "$dir/want200" f.gz
	made_once f.gz.job
	rm -rf f.gz*

	expect_exit 0 sm plan f.gz.job exec -o f.gz -q --size 1 --range 20 -- \
		echo '{first}'
	mount -o remount,ro "$PWD" || fail "remount"
	try sm run f.gz -q
	named "Read-only file system" "mount it for writing"
	mount -o remount,rw "$PWD" || fail "remount"
	resume
	cd .. || exit 1
	umount mnt
}
without_proc() {
	mount -t tmpfs none /proc || skip "/proc cannot be hidden here"
	try sm exec -o f.gz "${job[@]}" --range 20 -- echo '{first}'
	umount /proc
	named "/proc is not mounted" "cannot run '/proc/self/exe'"
	resume
}
if [ "${1:-}" = inside ]; then
	without_proc
	inodes_and_reading
	exit 0
fi
DATA=$shared unshare -Urm bash "$tests/e2e/2220-named-limits.sh" inside \
	>log 2>&1 || {
	[ $? != 77 ] || skip "$(sed -n 's/^SKIP: //p' log)"
	fail "$(cat log)"
}

# Descriptors: too few to plan, to start the command.
limited() {
	(ulimit "$1" "$2"; sm "${@:3}")
}
for most in 12 20; do
	try limited -n $most exec -o f.gz "${job[@]}" --range 20 -- echo '{first}'
	equal "$code" 4 "exit status"
	expect_text "$dir/err" "Too many open files" "ulimit -n" "-j"
	if [ -e f.gz.job/job.db ]; then
		equal "$(count_of f.gz.job failed)" 0 "failed batches"
		resume
	fi
	rm -rf f.gz*
done

# Processes: root has no such limit.
mkdir theirs
chmod 777 theirs "$dir"
unprivileged=()
[ "$(id -u)" != 0 ] ||
	unprivileged=(setpriv --reuid 65534 --regid 65534 --clear-groups)
cp "$SHARDMILL" ./shardmill
cd theirs || exit 1
# shellcheck disable=SC2016
try "${unprivileged[@]}" bash -c 'ulimit -u 1; exec "$@"' - ../shardmill exec \
	-o f.gz "${job[@]}" --range 20 -- echo '{first}'
named "ulimit -u" "pids.max" "fewer workers"
expect_exit 0 "${unprivileged[@]}" ../shardmill run f.gz -q
same_text "$dir/want" f.gz
cd .. || exit 1

# A program that somebody writes.
cp "$(type -P echo)" prog
exec 9>>prog
try sm exec -o f.gz "${job[@]}" --range 20 -- ./prog '{first}'
exec 9>&-
equal "$code" 4 "exit status"
expect_text err "'./prog': Text file busy" "open for writing"
equal "$(count_of f.gz.job failed)" 0 "failed batches"
resume

# A database that may not grow: SQLite says "disk I/O error" and no more.
try limited -f 60 plan f.gz.job exec -q --size 1 --range 1000 -- echo
named "disk I/O error" "ulimit -f"
! grep -q "check the disk" "$dir/err" || fail "the disk is not to blame"
# So may the list of its batches not.
try limited -f 60 plan f.gz.job exec -q --size 1 --range 20000 -- echo
named "list of batches" "ulimit -f"
