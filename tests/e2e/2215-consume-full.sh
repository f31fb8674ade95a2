#!/bin/bash
# A disk that holds the final file and some of its shards: --consume frees what
# is joined before it gives up; and gives up, with 4, where that is not enough.
. "$(dirname "$0")/lib.sh"
need unshare mount
unshare -Urm true 2>/dev/null || skip "unshare -Urm is not permitted here"

# disk SIZE: an empty one
disk() {
	mkdir -p mnt
	mount -t tmpfs -o "size=$1" none mnt || skip "no tmpfs here"
}

if [ "${1:-}" = inside ]; then
	from=$2
	final=$(stat -c %s "$from/f.gz")
	# 160 batches of 100 kB that do not compress: shorter than what else
	# lets the joined shards go, a few seconds.
	job=(--range 160 --size 1 -j 2 --level 1 --consume --max-attempts 1 --
		dd "if=$from/random" bs=100000 "skip={batch}" count=1
		status=none)
	disk $((final * 4 / 3))
	expect_exit 0 sm exec -o mnt/f.gz "${job[@]}"
	# None, if what joins met it first.
	[ "$(grep -c "the disk is full" err)" -le 1 ] || fail "told again"
	same "$from/f.gz" mnt/f.gz
	equal "$(find mnt/f.gz.job/shards -type f | wc -l)" 0 "shards"
	made_once mnt/f.gz.job
	outcomes mnt/f.gz.job done returned
	umount mnt
	# The file alone does not fit.
	disk $((final * 3 / 4))
	expect_exit 4 sm exec -o mnt/f.gz "${job[@]}"
	equal "$(grep -c "make space" err)" 1 "lines about the disk"
	equal "$(count_of mnt/f.gz.job failed)" 0 "failed batches"
	mount -o remount,size=$((final * 4 / 3)) mnt || fail "remount"
	expect_exit 0 sm run mnt/f.gz
	same "$from/f.gz" mnt/f.gz
	made_once mnt/f.gz.job
	umount mnt
	exit 0
fi
head -c 16000000 /dev/urandom >random
expect_exit 0 sm exec -o f.gz -q --range 160 --size 1 --level 1 -- \
	dd "if=$PWD/random" bs=100000 "skip={batch}" count=1 status=none
DATA=$shared unshare -Urm bash "$tests/e2e/2215-consume-full.sh" inside \
	"$PWD" >log 2>&1 || {
	[ $? != 77 ] || skip "$(sed -n 's/^SKIP: //p' log)"
	fail "$(cat log)"
}
