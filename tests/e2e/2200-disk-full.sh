#!/bin/bash
# A disk that is really full, wherever the job meets it: exit 4 with one clear
# message, no batch failed; with more space the same command goes on.
. "$(dirname "$0")/lib.sh"
need unshare mount
unshare -Urm true 2>/dev/null || skip "unshare -Urm is not permitted here"

data mid 6000 300
opts=(--batch-rows 300 --max-attempts 1)
reference by300 "${opts[@]}"
final=$(stat -c %s "$set/by300.gz")
expect_exit 0 sm plan probe candidates "${opts[@]}" "${args[@]}"
base=$(du -sB1 probe | cut -f 1)
rm -rf probe
mkdir mnt

round() {
	local code=0
	mount -t tmpfs -o "size=$1" none mnt || skip "no tmpfs here"
	cd mnt || exit 1
	"$SHARDMILL" candidates -o f.gz -j 2 "${opts[@]}" "${args[@]}" \
		>../out 2>../err </dev/null || code=$?
	[ $code = 4 ] || fail "exit $code on a disk of $1 bytes"
	[ "$(grep -ciE 'space|full|quota' ../err)" = 1 ] ||
		fail "not one message of the disk: $(cat ../err)"
	[ ! -e f.gz ] || fail "a file was made"
	[ ! -e f.gz.job/job.db ] || {
		[ "$(sqlite3 "file:f.gz.job/job.db?mode=ro" "SELECT count(*)
			FROM batch WHERE state = 'failed'" 2>/dev/null ||
			echo 0)" = 0 ] || fail "batches failed"
	}
	mount -o remount,size=100m "$PWD" || fail "remount"
	inodes f.gz.job before
	expect_exit 0 sm candidates -o f.gz -j 2 "${opts[@]}" "${args[@]}"
	same "$set/by300.gz" f.gz
	kept_inodes f.gz.job before
	no_leftovers f.gz.job
	made_once f.gz.job
	cd ..
	umount mnt
}

# Too small for the plan, for the first shard, for half of them, for all but
# the last, for the final file beside them.
if [ "${1:-}" = inside ]; then
	round "$2"
	exit 0
fi
for size in $((base / 2)) $((base + final / 20)) $((base + final / 2)) \
	$((base + final)) $((base + final * 3 / 2)); do
	DATA=$shared unshare -Urm bash "$tests/e2e/2200-disk-full.sh" \
		inside $size >log 2>&1 || {
		[ $? != 77 ] || skip "$(sed -n 's/^SKIP: //p' log)"
		fail "size $size: $(cat log)"
	}
done
