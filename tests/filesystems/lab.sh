# shellcheck shell=bash
# lab.sh - file systems to try jobs on: each is mounted below $dir, once or, as
# far as it can be, a second time at another place.  Sourced by filesystem.sh.
#
# mount_NAME sets $one, a directory on it, and perhaps $two, the same one by
# another mount; $reaches if locks reach from one to the other.  What is missing
# ends the test as skipped, with the reason.

mounts=()
servers=() # ended once nothing is mounted of them
reaches=
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
	for pid in "${servers[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
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
	reaches=1
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
# bindfs_with OPTION...: twice with them
bindfs_with() {
	need_fuse bindfs
	mkdir below
	one=$dir/one two=$dir/two
	at "$one" bindfs "$@" below "$one"
	at "$two" bindfs "$@" below "$two"
}
mount_bindfs-lock-forwarding() {
	bindfs_with --multithreaded --enable-lock-forwarding
}
mount_bindfs-multithreaded() { bindfs_with --multithreaded; }
mount_bindfs-direct-io() { bindfs_with -o direct_io; }
mount_bindfs-delete-deny() { bindfs_with --delete-deny; }

mount_encfs() {
	local place
	need_fuse encfs
	mkdir below
	one=$dir/one two=$dir/two
	for place in "$one" "$two"; do
		at "$place" bash -c 'encfs -S --standard "$1" "$2" <<<secret' - \
			"$dir/below" "$place"
	done
}

mount_mergerfs() {
	need_fuse mergerfs
	mkdir a b
	one=$dir/one two=$dir/two
	at "$one" mergerfs -o minfreespace=1M "$dir/a:$dir/b" "$one"
	at "$two" mergerfs -o minfreespace=1M "$dir/a:$dir/b" "$two"
}

mount_unionfs-fuse() {
	need_fuse unionfs-fuse
	mkdir below lower
	one=$dir/one two=$dir/two
	at "$one" unionfs-fuse -o cow "$dir/below=RW:$dir/lower=RO" "$one"
	at "$two" unionfs-fuse -o cow "$dir/below=RW:$dir/lower=RO" "$two"
}

# No second way in: it does not look again at the directories below it.
mount_fuse-overlayfs() {
	need_fuse fuse-overlayfs
	mkdir lower upper work
	one=$dir/one
	at "$one" fuse-overlayfs \
		-o "lowerdir=$dir/lower,upperdir=$dir/upper,workdir=$dir/work" \
		"$one"
}

# Those of an image, which two mounts at once would ruin.
mount_fuse2fs() {
	need_fuse fuse2fs
	need mkfs.ext4
	truncate -s 1G image
	mkfs.ext4 -q image >mount.log 2>&1 ||
		skip "it cannot be made: $(tail -n 1 mount.log)"
	one=$dir/one
	at "$one" fuse2fs image "$one"
}
mount_ntfs-3g() {
	need_fuse ntfs-3g
	need mkntfs
	truncate -s 1G image
	mkntfs -q -Q -F image >mount.log 2>&1 ||
		skip "it cannot be made: $(tail -n 1 mount.log)"
	one=$dir/one
	at "$one" ntfs-3g image "$one"
}

# A port of the loopback that nobody has.
free_port() {
	"$PYTHON" -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}
listens() {
	(: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

mount_davfs2() {
	local port
	need_fuse mount.davfs
	need_root
	need lighttpd
	mkdir below locks cache
	port=$(free_port)
	chmod 711 .
	chmod 777 cache # davfs2 gives up being root
	cat >lighttpd.conf <<-END
		server.document-root = "$dir/below"
		server.bind = "127.0.0.1"
		server.port = $port
		server.errorlog = "$dir/lighttpd.log"
		server.modules = ("mod_webdav")
		webdav.activate = "enable"
		webdav.sqlite-db-name = "$dir/locks/webdav.db"
	END
	lighttpd -D -f lighttpd.conf >server.log 2>&1 &
	servers+=($!)
	disown $! # whose end bash would tell
	wait_for 20 listens "$port"
	printf '%s\n' "ask_auth 0" "cache_dir $dir/cache" >davfs2.conf
	one=$dir/one
	at "$one" mount.davfs -o "conf=$dir/davfs2.conf,uid=$(id -u)" \
		"http://127.0.0.1:$port/" "$one"
	# Its own folder is not the job's.
	mkdir -p "$one/here" && one=$one/here
}

# One brick, and clients without translators that keep what they read.  They are
# made by hand, since glusterd takes no address of the loopback.
mount_glusterfs() {
	local port place
	need_fuse glusterfs
	need_root
	need glusterfsd
	port=$(free_port)
	mkdir below
	cat >brick.vol <<-END
		volume posix
		  type storage/posix
		  option directory $dir/below
		end-volume
		volume brick
		  type features/locks
		  subvolumes posix
		end-volume
		volume server
		  type protocol/server
		  option transport-type tcp
		  option transport.socket.bind-address 127.0.0.1
		  option transport.socket.listen-port $port
		  option auth.addr.brick.allow 127.0.0.1
		  subvolumes brick
		end-volume
	END
	cat >client.vol <<-END
		volume client
		  type protocol/client
		  option transport-type tcp
		  option remote-host 127.0.0.1
		  option remote-port $port
		  option remote-subvolume brick
		end-volume
	END
	glusterfsd -N -f brick.vol -l "$dir/brick.log" >server.log 2>&1 &
	servers+=($!)
	disown $! # whose end bash would tell
	wait_for 20 listens "$port"
	one=$dir/one two=$dir/two reaches=1
	for place in "$one" "$two"; do
		at "$place" glusterfs -f client.vol \
			-l "$dir/${place##*/}.log" "$place"
	done
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
