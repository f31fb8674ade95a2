#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"

#include "jobdir.h"

void
sm_jobdir_remove_tree(int dirfd, const char *name)
{
	struct dirent *e;
	DIR *d;
	int fd = openat(dirfd, name, SM_JOBDIR_FLAGS);

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) < 0 &&
		    (errno == EISDIR || errno == EPERM))
			sm_jobdir_remove_tree(fd, e->d_name);
	}
	closedir(d);
	unlinkat(dirfd, name, AT_REMOVEDIR);
}

void
sm_jobdir_prune_tables(const struct sm_jobdir *dir, uint64_t keep)
{
	char name[32];
	struct dirent *e;
	DIR *d;
	int fd = openat(dir->fd, "tables", SM_JOBDIR_FLAGS);

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	sm_jobdir_tables_path(name, keep);
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' &&
		    strcmp(e->d_name, name + strlen("tables/")) != 0)
			sm_jobdir_remove_tree(fd, e->d_name);
	closedir(d);
}

bool
sm_jobdir_is_part_name(const char *name)
{
	return strncmp(name, "part-", 5) == 0 && name[5] &&
	       name[5 + strspn(name + 5, "0123456789")] == '\0';
}

void
sm_jobdir_remove_parts(const struct sm_jobdir *dir)
{
	struct dirent *e;
	DIR *d;
	int fd = openat(dir->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d)))
		if (sm_jobdir_is_part_name(e->d_name))
			sm_jobdir_remove_tree(dir->fd, e->d_name);
	closedir(d);
}

int
sm_jobdir_remove(const struct sm_jobdir *dir, struct sm_err *err)
{
	/*
	 * The specification goes first: with it, and without a database, the
	 * rest would be a job to recover.  Then the database: without either
	 * the rest is no job.
	 */
	static const char *const files[] = {
		"spec.json",
		"spec.json.tmp",
		"consumed",
		"consumed.tmp",
		"final",
		"final.tmp",
		"slurm.sh",
		"slurm.sh.tmp",
		"slurm-finalize.sh",
		"slurm-finalize.sh.tmp",
		"slurm.job",
		"slurm.job.tmp",
		"job.db",
		"job.db-wal",
		"job.db-shm",
		"job.db-journal",
		"job.db.damaged",
		"job.db.damaged-wal",
		"job.db.damaged-journal",
	};
	static const char *const folders[] = { "shards", "tables", "logs" };
	static const char *const locks[] = { "workers", "write.lock",
					     "final.lock", "run.lock" };
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		sm_fault("jobdir.remove");
		if (unlinkat(dir->fd, files[i], 0) < 0 && errno != ENOENT)
			return sm_err_sys(err, "cannot remove '%s/%s'",
					  dir->path, files[i]);
	}
	sm_jobdir_remove_parts(dir);
	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		sm_jobdir_remove_tree(dir->fd, folders[i]);
	for (i = 0; i < sizeof(locks) / sizeof(*locks); i++)
		unlinkat(dir->fd, locks[i], 0);
	if (rmdir(dir->path) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		return sm_err_sys(err, "cannot remove '%s'", dir->path);
	return 0;
}
