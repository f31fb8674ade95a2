#!/bin/bash
# A job on a network file system: refused by every command, and with
# --network-fs no log, and one host at a time.  The file system and the hosts
# are made up by a shim.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need gcc
case $(ldd "$SHARDMILL") in
*san.so*) skip "the shim cannot be loaded before a sanitizer" ;;
esac

cat >shim.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

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

int
gethostname(char *name, size_t size)
{
	snprintf(name, size, "%s", getenv("FAKE_HOST"));
	return 0;
}

int
ftruncate(int fd, off_t size)
{
	int (*real)(int, off_t) = dlsym(RTLD_NEXT, "ftruncate");
	char link[64], name[512] = "";

	/* SQLite would stumble over it first. */
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (getenv("NO_CUT") && readlink(link, name, sizeof(name) - 1) > 0 &&
	    strstr(name, "/.shardmill-probe.")) {
		errno = EPERM;
		return -1;
	}
	return real(fd, size);
}

int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

void *
mmap(void *at, size_t n, int prot, int flags, int fd, off_t from)
{
	static void *(*real)(void *, size_t, int, int, int, off_t);

	if (!real)
		real = dlsym(RTLD_NEXT, "mmap");
	if (getenv("NO_MAP") && (flags & MAP_SHARED) && (prot & PROT_WRITE)) {
		errno = ENODEV;
		return MAP_FAILED;
	}
	return real(at, n, prot, flags, fd, from);
}

void *
mmap64(void *at, size_t n, int prot, int flags, int fd, off64_t from)
{
	return mmap(at, n, prot, flags, fd, from);
}

/* Locks that end at the host: those of others are not seen. */
static int
lock(const char *name, int fd, int op, void *arg)
{
	int (*real)(int, int, ...) = dlsym(RTLD_NEXT, name);

	if (getenv("NO_LOCKS") && (op == F_OFD_SETLK || op == F_OFD_GETLK)) {
		((struct flock *)arg)->l_type = F_UNLCK;
		return 0;
	}
	return real(fd, op, arg);
}

int
fcntl(int fd, int op, ...)
{
	va_list ap;

	va_start(ap, op);
	return lock("fcntl", fd, op, va_arg(ap, void *));
}

int
fcntl64(int fd, int op, ...)
{
	va_list ap;

	va_start(ap, op);
	return lock("fcntl64", fd, op, va_arg(ap, void *));
}
END
gcc -shared -fPIC -o shim.so shim.c -ldl 2>err || skip "no shim can be built"
# remote TYPE COMMAND...
remote() {
	local type=$1
	shift
	FAKE_FS=$type FAKE_HOST=${host:-one} LD_PRELOAD=$dir/shim.so \
		"$SHARDMILL" "$@"
}
journal() {
	[ "$(od -An -tu1 -j 18 -N 2 "$1/job.db" | tr -d ' ')" = "$2" ] ||
		fail "the journal of $1 is not $2"
}
exec_job=(--range 6 -- echo "{first}")

for type in 6969 517b fe534d42 ff534d42 bd00bd0 aad7aaea 564c; do
	expect_exit 7 remote $type plan new exec "${exec_job[@]}"
	expect_text err "network file system" "--network-fs"
	[ ! -e new ] || fail "a refused plan left its directory"
done

# Planned on a local disk, and moved: 22 is a log.
expect_exit 0 sm plan job exec "${exec_job[@]}"
journal job 22
for command in run work status finalize verify retry; do
	expect_exit 7 remote 6969 $command job
	expect_text err "network file system"
done
expect_exit 7 remote 6969 status job --batch 0
expect_exit 7 remote 6969 plan job exec "${exec_job[@]}"
expect_exit 0 remote 6969 plan job exec --network-fs "${exec_job[@]}"
journal job 11
[ ! -e job/job.db-wal ] || fail "there is a log"
equal "$(sql job 'SELECT network_fs FROM job')" 1 network_fs
expect_exit 0 remote 6969 run job -j 2
journal job 11
expect_exit 0 remote 6969 finalize job -o job.gz
expect_exit 0 remote 6969 status job
expect_exit 0 remote 6969 verify job

# In parts, each of them, and rebuilt.
expect_exit 7 remote 517b plan parts exec --parts 2 "${exec_job[@]}"
expect_exit 0 remote 517b plan parts exec --network-fs --parts 2 "${exec_job[@]}"
journal parts/part-0001 11
expect_exit 0 remote 517b run parts
rm parts/part-0000/job.db
expect_exit 7 remote 517b recover parts
expect_exit 0 remote 517b recover parts --network-fs
journal parts/part-0000 11
expect_exit 0 remote 517b finalize parts -o parts.gz
same job.gz parts.gz

# FUSE says nothing of what a file system can do: that is tried, and told.
expect_exit 0 remote 65735546 plan fuse exec "${exec_job[@]}"
expect_text err "no other mount or host sees them"
journal fuse 22
expect_exit 0 remote 65735546 run fuse -j 2
expect_exit 0 remote 65735546 finalize fuse -o fuse.gz
same job.gz fuse.gz
for fault in "NO_LOCKS=1 a lock on a byte" "NO_CUT=1 cut, or made longer" \
	"NO_MAP=1 cannot be mapped"; do
	export "${fault%% *}"
	for network_fs in "" --network-fs; do
		# shellcheck disable=SC2086
		expect_exit 7 remote 65735546 plan new exec $network_fs \
			"${exec_job[@]}"
		expect_text err "${fault#* }"
		[ ! -e new ] || fail "a refused plan left its directory"
	done
	unset NO_LOCKS NO_CUT NO_MAP
done
NO_CUT=1 expect_exit 7 remote 65735546 finalize fuse -o other.gz
expect_text err "cut, or made longer" "name another one by -o"
[ ! -e other.gz ] || fail "a refused file is there"
# It is neither locked nor mapped.
NO_LOCKS=1 expect_exit 0 remote 65735546 finalize fuse -o other.gz
same fuse.gz other.gz
[ -z "$(find . -name '.shardmill-probe.*')" ] || fail "a trial left something"

# One host at a time, even where the locks of one are not seen by others.
expect_exit 0 remote 6969 plan two exec --network-fs --range 3 -- \
	sh -c 'test -e go || sleep 60; echo "$1"' - "{first}"
export FAKE_FS=6969 FAKE_HOST=one
LD_PRELOAD=$dir/shim.so start first run two -j 1
running() {
	[ "$(count_of two running)" = 1 ]
}
wait_for 20 running
export NO_LOCKS=1
host=two expect_exit 8 remote 6969 run two
expect_text err "the host 'one'" "run --takeover"
host=two expect_exit 8 remote 6969 work two
expect_text err "the host 'one'"
unset NO_LOCKS
kill -KILL -- -"$pid"
wait "$pid" 2>/dev/null
host=two expect_exit 8 remote 6969 run two
touch go
host=two expect_exit 0 remote 6969 run --takeover two
equal "$(sql two "SELECT group_concat(DISTINCT host) FROM worker WHERE id IN
	(SELECT worker FROM batch)")" two "host"
expect_exit 0 sm retry two --all
host=three expect_exit 0 remote 6969 run two

# A host that died inside a commit: whoever reads next undoes it.
torn() {
	"$PYTHON" - two/job.db <<-'END'
		import os, sqlite3, sys
		db = sqlite3.connect(sys.argv[1], isolation_level=None)
		db.execute("PRAGMA journal_mode = TRUNCATE")
		db.execute("PRAGMA cache_size = 1")
		db.execute("BEGIN IMMEDIATE")
		db.execute("UPDATE attempt SET message = hex(zeroblob(9999))")
		db.execute("UPDATE batch SET state = 'failed'")
		os.kill(os.getpid(), 9)
	END
	[ -s two/job.db-journal ] || fail "the journal is empty"
}
for command in status "status --batch 0" verify "finalize -o two.gz" run; do
	torn 2>/dev/null
	# shellcheck disable=SC2086
	expect_exit 0 remote 6969 ${command%% *} two ${command#"${command%% *}"}
	[ ! -s two/job.db-journal ] || fail "$command left the journal"
	equal "$(count_of two done)" 3 "done batches"
done
