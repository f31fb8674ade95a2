/*
 * jobdir_remove.c - delete a job, its parts, or the tables that it left
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

bool
sm_jobdir_is_part_name(const char *name)
{
	return strncmp(name, "part-", 5) == 0 && name[5] &&
	       name[5 + strspn(name + 5, "0123456789")] == '\0';
}

int
sm_jobdir_remove_parts(const struct sm_jobdir *dir, struct sm_err *err)
{
	const char *name;
	struct sm_dir d;
	int more, ret = 0;

	sm_dir_open(&d, dir->fd, ".");
	while (ret == 0 && (more = sm_dir_next(&name, &d)) != 0) {
		if (more < 0)
			ret = sm_err_sys(err, "cannot list '%s'", dir->path);
		else if (sm_jobdir_is_part_name(name) &&
			 sm_dir_remove(dir->fd, name) < 0)
			ret = sm_err_sys(err, "cannot remove '%s/%s'",
					 dir->path, name);
	}
	sm_dir_close(&d);
	return ret;
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
	int ret;

	for (i = 0; i < sizeof(files) / sizeof(*files); i++) {
		sm_fault("jobdir.remove");
		if (unlinkat(dir->fd, files[i], 0) < 0 && errno != ENOENT)
			return sm_err_sys(err, "cannot remove '%s/%s'",
					  dir->path, files[i]);
	}
	ret = sm_jobdir_remove_parts(dir, err);
	if (ret < 0)
		return ret;
	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		if (sm_dir_remove(dir->fd, folders[i]) < 0)
			return sm_err_sys(err, "cannot remove '%s/%s'",
					  dir->path, folders[i]);
	for (i = 0; i < sizeof(locks) / sizeof(*locks); i++)
		unlinkat(dir->fd, locks[i], 0);
	if (rmdir(dir->path) < 0 && errno != ENOTEMPTY && errno != EEXIST)
		return sm_err_sys(err, "cannot remove '%s'", dir->path);
	return 0;
}
