/*
 * outsider.c - name the process that keeps the database locked
 *
 * By /proc/locks: SQLite says only that somebody does.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sql.h"

/*
 * SQLite's write lock is a POSIX lock: in WAL mode on byte 120 of the -shm
 * file (walIndex lock WAL_WRITE_LOCK), with a rollback journal on the reserved
 * byte of the database file (os.h: RESERVED_BYTE).
 */
#define WAL_WRITE_BYTE 120
#define RESERVED_BYTE  0x40000001

static bool
outsider_line(const char *line, uint64_t inode, uint64_t byte, int *pid)
{
	uint64_t ino, from;
	char end[32];

	/* "5: POSIX  ADVISORY  WRITE 4321 fe:00:1234 120 120" */
	if (sscanf(line,
		   "%*d: POSIX %*s WRITE %d %*x:%*x:%" SCNu64 " %" SCNu64
		   " %31s",
		   pid, &ino, &from, end) != 4)
		return false;
	return ino == inode && from == byte;
}

int
sm_outsider_pid(struct sm_db *db)
{
	const char *name = db->wal ? "job.db-shm" : "job.db";
	uint64_t byte = db->wal ? WAL_WRITE_BYTE : RESERVED_BYTE;
	char line[256];
	struct stat st;
	int pid, found = 0;
	FILE *f;

	if (fstatat(db->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	f = fopen("/proc/locks", "re");
	if (!f)
		return 0;
	while (!found && fgets(line, sizeof(line), f))
		if (outsider_line(line, (uint64_t)st.st_ino, byte, &pid) &&
		    pid != getpid())
			found = pid;
	fclose(f);
	return found;
}
