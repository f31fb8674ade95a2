# filesystems - jobs on other file systems, killed and run again, and by two
# mounts of one directory (tests/filesystems/); loop mounts and overlay as root,
# FUSE where /dev/fuse may be used; twenty minutes.  FILESYSTEMS="sshfs xfs"
# tries some.  The table is for RESULTS.md.
build_targets=shardmill build release -DSHARDMILL_FAULTS=OFF && {
	need_packages fuse3 bindfs sshfs openssh-server gocryptfs rclone \
		btrfs-progs xfsprogs squashfs-tools encfs mergerfs unionfs-fuse \
		fuse-overlayfs fuse2fs ntfs-3g davfs2 lighttpd \
		lighttpd-mod-webdav glusterfs-client glusterfs-server ||
		echo "not all of them can be had; the rest is run"
	export SHARDMILL=$root/build-release/shardmill
	mkdir -p "$root/build-filesystems"
	export REFERENCE=$root/build-filesystems/reference
	table=$root/build-filesystems/table
	{
		echo "| file system | type | exec, killed | candidates, killed |" \
			"final file there | large batches | two mounts |"
		echo "|---|---|---|---|---|---|---|"
	} >"$table"
	# The first makes what the others are compared with.
	for name in plain ${FILESYSTEMS:-overlay btrfs xfs squashfs bindfs \
		bindfs-below bindfs-multithreaded bindfs-lock-forwarding \
		bindfs-direct-io bindfs-delete-deny sshfs gocryptfs encfs \
		mergerfs unionfs-fuse fuse-overlayfs fuse2fs ntfs-3g davfs2 \
		rclone rclone-full glusterfs}; do
		log=$root/build-filesystems/$name.log start=$EPOCHREALTIME code=0
		bash "$tests/filesystems/filesystem.sh" "$name" "$table" \
			>"$log" 2>&1 || code=$?
		case $code in
		0) result passed "$name" "$(seconds_since "$start")" ;;
		77)
			result skipped "$name" "" "$(tail -n 1 "$log")"
			echo "| $name | skipped: $(tail -n 1 "$log") | | | | | |" \
				>>"$table"
			;;
		*)
			result failed "$name" "$(seconds_since "$start")" "$log"
			echo "| $name | FAILED | | | | | |" >>"$table"
			sed 's/^/    /' "$log" | tail -n 20
			;;
		esac
	done
	cat "$table"
}
