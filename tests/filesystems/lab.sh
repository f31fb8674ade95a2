# shellcheck shell=bash
# lab.sh - file systems to try jobs on: each is mounted below $dir, once or, as
# far as it can be, a second time at another place.  Sourced by filesystem.sh.
#
# mount_NAME sets $one, a directory on it, and perhaps $two, the same one by
# another mount.  What is missing ends the test as skipped, with the reason.

mounts=()
unmount_all() {
	local i at
	for ((i = ${#mounts[@]} - 1; i >= 0; i--)); do
		at=${mounts[i]}
		mountpoint -q "$at" || continue
		umount "$at" 2>/dev/null || fusermount3 -u "$at" 2>/dev/null ||
			umount -l "$at" 2>/dev/null || fusermount3 -uz "$at"
	done
	mounts=()
}
# lib.sh removes $dir, in which nothing may be mounted by then.
lab_cleanup() {
	local pid
	for pid in "${pids[@]}"; do
		kill -CONT -- "$pid" 2>/dev/null
		kill -KILL -- "$pid" 2>/dev/null
	done
	unmount_all
	if grep -qF " $dir/" /proc/self/mounts; then
		echo "still mounted, and left: $dir" >&2
	else
		cleanup
	fi
}
trap lab_cleanup EXIT

need_kernel() {
	grep -qw "$1" /proc/filesystems || modprobe "$1" 2>/dev/null ||
		skip "the kernel has no $1"
	grep -qw "$1" /proc/filesystems || skip "the kernel has no $1"
}
need_fuse() {
	need_kernel fuse
	[ -r /dev/fuse ] && [ -w /dev/fuse ] || skip "/dev/fuse may not be used"
	need fusermount3 "$1"
}
need_root() {
	[ "$(id -u)" = 0 ] || skip "only root may mount it"
}

# at PLACE COMMAND...: a command that mounts something there
at() {
	local place=$1
	shift
	mkdir -p "$place"
	mounts+=("$place")
	"$@" >mount.log 2>&1 || skip "it cannot be mounted: $(tail -n 1 mount.log)"
	wait_for 20 mountpoint -q "$place"
}

mount_plain() {
	one=$dir/one
	mkdir "$one"
}

# Two mounts of a device are one file system to the kernel.
loop() {
	need_root
	need_kernel "$1"
	need "mkfs.$1"
	truncate -s 3G image
	"mkfs.$1" -q image >mount.log 2>&1 ||
		skip "it cannot be made: $(tail -n 1 mount.log)"
	one=$dir/one
	at "$one" mount -o loop image "$one"
	two=$dir/two
	at "$two" mount --bind "$one" "$two"
}
mount_btrfs() { loop btrfs; }
mount_xfs() { loop xfs; }

# A second way in: the directory that takes what is written.
mount_overlay() {
	need_root
	need_kernel overlay
	mkdir lower upper work
	one=$dir/one
	at "$one" mount -t overlay overlay \
		-o "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work" \
		"$one"
	two=$dir/upper
}

mount_bindfs() {
	need_fuse bindfs
	mkdir below
	one=$dir/one two=$dir/two
	at "$one" bindfs below "$one"
	at "$two" bindfs below "$two"
}
# One by bindfs, the other the folder itself.
mount_bindfs-below() {
	need_fuse bindfs
	mkdir below
	one=$dir/one two=$dir/below
	at "$one" bindfs below "$one"
}

# With sftp-server at the other end of the pipe in place of ssh.
mount_sshfs() {
	local server=/usr/lib/openssh/sftp-server
	need_fuse sshfs
	[ -x $server ] || skip "there is no $server"
	mkdir below
	printf '#!/bin/sh\nexec %s\n' $server >ssh
	chmod +x ssh
	one=$dir/one two=$dir/two
	at "$one" sshfs -o "ssh_command=$dir/ssh" "host:$dir/below" "$one"
	at "$two" sshfs -o "ssh_command=$dir/ssh" "host:$dir/below" "$two"
}

mount_gocryptfs() {
	need_fuse gocryptfs
	mkdir below
	echo secret >password
	gocryptfs -init -q -scryptn 10 -passfile password below >mount.log 2>&1 ||
		skip "it cannot be made: $(tail -n 1 mount.log)"
	one=$dir/one two=$dir/two
	at "$one" gocryptfs -q -passfile password below "$one"
	at "$two" gocryptfs -q -passfile password below "$two"
}

rclone_at() {
	at "$1" rclone mount --config /dev/null --daemon --daemon-wait 20s \
		--cache-dir "$dir/cache" --vfs-cache-mode "$2" "$dir/below" "$1"
}
mount_rclone() {
	need_fuse rclone
	mkdir below
	one=$dir/one
	rclone_at "$one" off
}
mount_rclone-full() {
	need_fuse rclone
	mkdir below
	one=$dir/one
	rclone_at "$one" full
}
