#!/bin/bash
# bindfs 1.14.7 (Debian 12): with --enable-lock-forwarding a lock on bytes of a
# file keeps no other process of the same mount out.
#
# One would guess: the option adds something.  Without it processes of a mount
# see each other's locks, and with it, as its manual says, "locking a file in the
# bindfs mount will also lock the file in the source directory".
# What happens: the file in the source is locked, but by bindfs itself, for
# whoever asks: a second process of the mount gets the same exclusive lock
# (fcntl(2), F_SETLK) while the first one has it.  And once anybody has opened
# and closed the file in the mount, the source is locked no more, since a process,
# here bindfs, loses its locks on a file with any descriptor of it that it closes.
# Why it matters: SQLite, and whatever else takes such locks, believes to be
# alone: two writers in one mount damage what they write, which they do not
# without the option.
#
# It mounts in a temporary folder: as root, with /dev/fuse.
set -euo pipefail
version=1.14.7-1
dir=$(mktemp -d)
mounted=
cleanup() {
	[ -z "$mounted" ] || umount "$dir/mount" || umount -l "$dir/mount"
	rm -rf "$dir"
}
trap cleanup EXIT
cd "$dir"
apt-get download -qq -o APT::Sandbox::User=root bindfs=$version \
	libfuse2=2.9.9-6+b1
for package in *.deb; do
	dpkg -x "$package" .
done
LD_LIBRARY_PATH=$(dirname "$(find "$dir" -name libfuse.so.2)")
export LD_LIBRARY_PATH
mkdir source mount
echo some bytes >source/file
cat >take.py <<'END'
"""take.py PATH: lock the file, say how it went, keep it until input ends."""
import fcntl
import sys

f = open(sys.argv[1], "r+")
try:
    fcntl.lockf(f, fcntl.LOCK_EX | fcntl.LOCK_NB)
    print("locked", flush=True)
except OSError as e:
    print("refused", flush=True)
sys.stdin.read()
END

# second PATH: while the first has it by the mount
second() {
	/usr/bin/python3 take.py "$1" </dev/null
}
# try OPTION...
try() {
	local input
	usr/bin/bindfs "$@" source mount
	mounted=1
	coproc first { exec /usr/bin/python3 take.py mount/file; }
	read -r has <&"${first[0]}"
	echo "first, in the mount: $has"
	echo "second, in the source: $(second source/file)"
	echo "second, in the mount: $(second mount/file)"
	cat mount/file >/dev/null
	echo "second, in the source, after a reader: $(second source/file)"
	input=${first[1]}
	exec {input}>&-
	wait "$first_PID"
	umount mount
	mounted=
}
{
	echo "without the option"
	try --multithreaded
	echo "with it"
	try --multithreaded --enable-lock-forwarding
} >seen
cat >expected <<'END'
without the option
first, in the mount: locked
second, in the source: locked
second, in the mount: refused
second, in the source, after a reader: locked
with it
first, in the mount: locked
second, in the source: refused
second, in the mount: locked
second, in the source, after a reader: locked
END
echo "bindfs $version:"
cat seen
diff expected seen && echo "as described"
