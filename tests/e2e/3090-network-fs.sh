#!/bin/bash
# A job on a network file system: refused by every command, and with
# --network-fs no log.  The file system is made up by a shim around fstatfs().
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need gcc
case $(ldd "$SHARDMILL") in
*san.so*) skip "the shim cannot be loaded before a sanitizer" ;;
esac

cat >shim.c <<'END'
#define _GNU_SOURCE
#include <dlfcn.h>
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
END
gcc -shared -fPIC -o shim.so shim.c -ldl 2>err || skip "no shim can be built"
# remote TYPE COMMAND...
remote() {
	local type=$1
	shift
	FAKE_FS=$type LD_PRELOAD=$dir/shim.so "$SHARDMILL" "$@"
}
journal() {
	[ "$(od -An -tu1 -j 18 -N 2 "$1/job.db" | tr -d ' ')" = "$2" ] ||
		fail "the journal of $1 is not $2"
}
exec_job=(--range 6 -- echo "{first}")

for type in 6969 517b fe534d42 65735546 bd00bd0; do
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
expect_exit 7 remote 65735546 plan parts exec --parts 2 "${exec_job[@]}"
expect_exit 0 remote 65735546 plan parts exec --network-fs --parts 2 "${exec_job[@]}"
journal parts/part-0001 11
expect_exit 0 remote 65735546 run parts
rm parts/part-0000/job.db
expect_exit 7 remote 65735546 recover parts
expect_exit 0 remote 65735546 recover parts --network-fs
journal parts/part-0000 11
expect_exit 0 remote 65735546 finalize parts -o parts.gz
same job.gz parts.gz
