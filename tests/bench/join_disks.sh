#!/bin/bash
# Shards joined on ext4, XFS and btrfs, each a file that is mounted (as root):
# time, CPU and what the disk is given to write.  OLD is another build, which is
# measured in turns with this one.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || skip "only root may mount a disk"
megabytes=${BENCH_MB:-400}
shards=$((megabytes / 4)) size=4000000
room 8

unmount() {
	mountpoint -q "$dir/disk" && umount "$dir/disk"
	cleanup
}
trap unmount EXIT

# written: bytes that the mounted disk was given so far
written() {
	local device counts
	device=$(findmnt -n -o SOURCE "$dir/disk")
	read -ra counts <"/sys/class/block/${device##*/}/stat"
	echo $((counts[6] * 512))
}

# make NAME PROGRAM: the shards of that build, which may have another form
make() {
	expect_exit 0 "$2" plan "disk/$1" exec --range $shards -- \
		sh -c "tail -c +\$((\$1 * 77777 % 30000000 + 1)) $dir/noise |
			head -c $size" - '{first}'
	expect_exit 0 "$2" run "disk/$1" -q -j 2
}

# timed NAME PROGRAM: join them once
timed() {
	local name=$1 start before cpu
	rm -f disk/f.gz
	sync
	before=$(written)
	start=$EPOCHREALTIME
	cpu=$({
		TIMEFORMAT='%U %S'
		time "$2" finalize "disk/$1" -q -o disk/f.gz 2>err
	} 2>&1) || fail "$name: finalize"
	note "$name" "$(ms_since "$start")"
	note "$name-cpu" "$(calc "(${cpu/ / + }) * 1000" %.0f)"
	note "$name-disk" "$(($(written) - before))"
}

# disk TYPE: rows of the table, one for each build
disk() {
	local i build first=${OLD:+old}
	grep -qw "$1" /proc/filesystems || modprobe "$1" 2>/dev/null ||
		return
	command -v "mkfs.$1" >/dev/null || return
	rm -f image
	# XFS takes 300 MB at least; the file is as long as what was written.
	truncate -s $((megabytes * 5 + 320))M image
	"mkfs.$1" -q image >out 2>&1 || fail "cannot make $1"
	mount -o loop image disk >out 2>&1 ||
		fail "cannot mount $1"
	[ -z "${OLD:-}" ] || make old "$OLD"
	make now "$SHARDMILL"
	first=${first:-now}
	took=()
	for ((i = 0; i < 2 * runs; i++)); do
		[ -z "${OLD:-}" ] || timed old "$OLD"
		timed now "$SHARDMILL"
	done
	for build in ${OLD:+old} now; do
		row "$1" "$build" "$(median "$build") ms" \
			"$(median "$build"-cpu) ms" \
			"$(megabytes "$(median "$build"-disk)" %.0f)" \
			"$(calc "$(median "$build") / $(median "$first")" \
				%.2f)"
	done
	umount disk
}

head -c 64M /dev/urandom >noise
mkdir disk
heading "Joining $(megabytes $((shards * size)) %.0f) in shards of 4 MB"
columns disk build time CPU "written to the disk" "of the first"
for type in ext4 xfs btrfs; do
	disk $type
done
echo
