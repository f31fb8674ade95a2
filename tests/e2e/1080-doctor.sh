#!/bin/bash
# doctor: what it finds fine works, what it finds bad is refused by plan in the
# same words, and limits are told with what would help.  --version names what
# is loaded.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need gcc git cmake

checks="file system|locks|shared memory|database|space|files|quota|file times"
checks="$checks|CPUs|memory|open files|processes|file size|address space"
checks="$checks|CPU time|/proc|/dev/null|clock|SQLite"

# health NAME: of the check of that name, in out
health() {
	sed -n -E "s@^(fine|warning|bad) +$1  .*@\\1@p" out
}

mkdir here
expect_exit 0 sm doctor here
IFS='|' read -ra names <<<"$checks"
for name in "${names[@]}"; do
	[ "$(health "$name" | wc -l)" = 1 ] || fail "the check '$name': $(cat out)"
	[ "$(health "$name")" != bad ] || fail "'$name' is bad"
done
equal "$(grep -cE '^(fine|warning|bad) ' out)" ${#names[@]} "checks"
equal "$(tail -n 1 out | grep -cE '^[0-9]+ fine, [0-9]+ warnings?, 0 bad$')" 1 \
	"closing line"
equal "$(ls -A here)" "" "left behind"
(cd here && expect_exit 0 sm doctor -q)
! grep -q '^fine' out || fail "-q tells what is fine"
expect_exit 2 sm doctor here there
expect_exit 3 sm doctor nowhere
expect_text err nowhere
touch file
expect_exit 4 sm doctor file
equal "$(health 'file system')" bad "a file"

# limited OPTION VALUE CHECK HEALTH CODE TEXT...: under a limit of the shell
limited() {
	local code=0
	(ulimit "$1" "$2"; sm doctor here) >out 2>err || code=$?
	equal "$code" "$5" "exit status under ulimit $1"
	equal "$(health "$3")" "$4" "$3 under ulimit $1"
	expect_text out "${@:6}"
}
limited -f 4000 "file size" warning 0 4096000 "ulimit -f"
limited -t 1000 "CPU time" warning 0 "1000 s" "ulimit -t"
# What keeps the program from opening its own files is more than a warning.
limited -n 34 "open files" warning 0 "34 are allowed" "ulimit -n" "-j"
limited -f 100 "shared memory" bad 4 "ulimit -f"
case $(ldd "$SHARDMILL") in
*san.so*) echo "no limit of the address space, and no shim, with a sanitizer" ;;
*)
	limited -v 2000000 "address space" warning 0 2048000000 "ulimit -v"
	cat >shim.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/vfs.h>

int
fstatfs(int fd, struct statfs *fs)
{
	int (*real)(int, struct statfs *) = dlsym(RTLD_NEXT, "fstatfs");
	const char *type = getenv("FAKE_FS");
	int ret = real(fd, fs);

	if (ret == 0 && type)
		fs->f_type = strtol(type, NULL, 16);
	return ret;
}

/* Locks that nobody else sees. */
int
fcntl(int fd, int op, ...)
{
	int (*real)(int, int, ...) = dlsym(RTLD_NEXT, "fcntl");
	va_list ap;
	void *arg;

	va_start(ap, op);
	arg = va_arg(ap, void *);
	va_end(ap);
	if (getenv("NO_LOCKS") && (op == F_OFD_SETLK || op == F_OFD_GETLK)) {
		((struct flock *)arg)->l_type = F_UNLCK;
		return 0;
	}
	return real(fd, op, arg);
}

int
fcntl64(int fd, int op, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, op);
	arg = va_arg(ap, void *);
	va_end(ap);
	return fcntl(fd, op, arg);
}
END
	gcc -shared -fPIC -o shim.so shim.c -ldl || fail "cannot build the shim"
	shim() {
		env LD_PRELOAD="$dir/shim.so" "$@"
	}
	expect_exit 7 shim FAKE_FS=6969 "$SHARDMILL" doctor here
	equal "$(health 'file system')" bad "NFS"
	said=$(sed -n "s@^bad *file system  '[^']*' *@@p" out)
	expect_exit 7 shim FAKE_FS=6969 "$SHARDMILL" plan job exec --range 3 -- true
	expect_text err "$said"
	expect_exit 0 shim FAKE_FS=6969 "$SHARDMILL" doctor here --network-fs
	expect_text out "rollback journal works"
	expect_exit 7 shim NO_LOCKS=1 "$SHARDMILL" doctor here
	equal "$(health 'locks')" bad "locks"
	equal "$(ls -A here)" "" "left behind"
	;;
esac

# On disks that are full, or for reading.
on_disks() {
	mkdir mnt
	mount -t tmpfs -o size=8m,nr_inodes=100 none mnt || skip "no tmpfs here"
	expect_exit 0 sm doctor mnt
	equal "$(health space)" warning "8 MB"
	equal "$(health files)" warning "100 inodes"
	expect_text out "MB are free" "--consume" "more files can be made"
	head -c 20000000 /dev/zero >mnt/fill 2>err
	expect_exit 4 sm doctor mnt
	equal "$(health space)" bad "a full disk"
	rm mnt/fill
	mount -o remount,ro "$PWD/mnt" || fail "remount"
	expect_exit 4 sm doctor mnt
	equal "$(health 'file system')" bad "for reading"
	expect_text out "Read-only file system" "local disk"
	equal "$(ls -A mnt)" "" "left behind"
}
if unshare -Urm true 2>/dev/null; then
	export -f on_disks expect_exit expect_text equal fail skip health sm
	dir=$dir unshare -Urm bash -c on_disks || fail "on full disks"
fi

# What is loaded, and what it was made from.
expect_exit 0 sm --version
equal "$(sed -n 1p out | grep -cE '^shardmill [0-9]+\.[0-9]+\.[0-9]+$')" 1 version
equal "$(sed -n 2p out | grep -cE '^commit ([0-9a-f]{7,40}(-dirty)?|[[:alnum:]].*)$')" \
	1 commit
n='[0-9]+(\.[0-9]+)+[^ ]*'
equal "$(sed -n 3p out | grep -cE "^SQLite $n, zlib $n, jansson $n\$")" 1 libraries
equal "$(sed -n 4p out | grep -cE '^CPU: [a-z0-9]')" 1 "CPU features"
if grep -qw pclmulqdq /proc/cpuinfo && [ "$(uname -m)" = x86_64 ]; then
	expect_text out pclmul
fi

# The commit is that of the checkout, however it is built; else it is told.
script=$tests/../tools/package/commit.cmake
git init -q repo
git -C repo -c user.name=x -c user.email=x@x commit -q --allow-empty -m one
commit() {
	cmake -DOUT="$dir/commit.c" "$@" -P "$script" || fail "commit.cmake"
	sed -n 's/^const char sm_commit.*"\(.*\)";$/\1/p' commit.c
}
equal "$(commit -DDIR="$dir/repo")" "$(git -C repo rev-parse --short=12 HEAD)" commit
mkdir repo/below
equal "$(commit -DDIR="$dir/repo/below")" unknown "not a checkout of its own"
equal "$(commit -DDIR="$dir/repo/below" -DCOMMIT=v1)" v1 "told"
