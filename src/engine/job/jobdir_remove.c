/*
 * jobdir_remove.c - delete a job, or the tables that it left
 *
 * What is to go is known by name: whatever else is in the directory is
 * somebody's, and stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "dir.h"
#include "fault.h"

#include "jobdir.h"

void
sm_jobdir_prune_tables(const struct sm_jobdir *dir, uint64_t keep)
{
	char kept[32];
	const char *name;
	struct sm_dir d;
	int fd = openat(dir->fd, "tables", SM_JOBDIR_FLAGS);

	if (fd < 0)
		return;
	sm_jobdir_tables_path(kept, keep);
	/* What cannot be listed or deleted takes up space, and is asked for
	 * by nobody. */
	sm_dir_open(&d, fd, ".");
	while (sm_dir_next(&name, &d) > 0)
		if (name[0] != '.' && strcmp(name, kept + strlen("tables/")))
			sm_dir_remove(fd, name);
	sm_dir_close(&d);
	close(fd);
}

int
sm_jobdir_remove_database(const struct sm_jobdir *dir, struct sm_err *err)
{
	static const char *const files[] = { "job.db", "job.db-wal",
					     "job.db-shm", "job.db-journal" };
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (unlinkat(dir->fd, files[i], 0) < 0 && errno != ENOENT)
			return sm_err_sys(err, "cannot remove '%s/%s'",
					  dir->path, files[i]);
	return 0;
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
		"consumed",
		"growing",
		"reserve",
		"pace",
		"log",
		"log.1",
		"final",
		"job.db",
		"job.db-wal",
		"job.db-shm",
		"job.db-journal",
		"job.db.damaged",
		"job.db.damaged-wal",
		"job.db.damaged-journal",
	};
	/* By sm_jobdir_write(), which may have been killed. */
	static const char *const written[] = { "spec.json", "consumed",
					       "growing",   "final",
					       "replaces",  "cleaning" };
	static const char *const folders[] = { "shards", "tables", "logs",
					       "pipes" };
	static const char *const locks[] = { "workers", "write.lock",
					     "final.lock", "run.lock",
					     SM_JOBDIR_CLEANING };
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		sm_fault("jobdir.remove");
		if (unlinkat(dir->fd, files[i], 0) < 0 && errno != ENOENT)
			return sm_err_sys(err, "cannot remove '%s/%s'",
					  dir->path, files[i]);
	}
	for (i = 0; i < sizeof(written) / sizeof(*written); i++)
		sm_tmp_sweep(dir->fd, written[i]);
	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (sm_dir_remove(dir->fd, folders[i]) < 0)
			return sm_err_sys(err, "cannot remove '%s/%s'",
					  dir->path, folders[i]);
	for (i = 0; i < sizeof(locks) / sizeof(*locks); i++)
		if (unlinkat(dir->fd, locks[i], 0) < 0 && errno != ENOENT)
			return sm_err_sys(err, "cannot remove '%s/%s'",
					  dir->path, locks[i]);
	if (rmdir(dir->path) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		return sm_err_sys(err, "cannot remove '%s'", dir->path);
	return 0;
}
