/*
 * try.c - run one batch by hand, without touching the job
 *
 * The batch is read from its row and made in this process's own output.  No
 * claim, attempt or shard tells of it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "tend.h"

static int
try_batch(int *exit_status, struct sm_handle *h, uint64_t id,
	  struct sm_err *err)
{
	atomic_bool stop = false;
	struct sm_kind_env env = { .spec = h->spec,
				   .job_dirfd = h->dir.fd,
				   .tables_dirfd = -1,
				   .stop = &stop,
				   .stop_fd = -1,
				   .files_dirfd = -1 };
	struct sm_piece b;
	bool found;
	int ret = sm_batch_get(&found, &b, h->db, id, err);

	if (ret == 0 && !found)
		ret = sm_err_set(err, SM_EUSAGE,
				 "there is no batch %llu in this job; batches "
				 "count from 0",
				 (unsigned long long)id);
	if (ret == 0)
		ret = sm_jobdir_tables(&env.tables_dirfd, &h->dir,
				       h->fingerprint, err);
	if (ret == 0) {
		b.attempt++;
		ret = h->kind->try(&env, &b, exit_status, err);
	}
	if (env.tables_dirfd >= 0)
		close(env.tables_dirfd);
	free(b.item);
	return ret;
}

int
sm_one_try(int *exit_status, struct sm_handle *h, uint64_t batch,
	   struct sm_err *err)
{
	struct sm_run_by by;

	if (!h->kind->try && h->kind->producer)
		return sm_err_set(
			err, SM_EUSAGE,
			"the batches of '%s' are made by the producer "
			"'%s', so that there is no command to try; %s "
			"makes them",
			h->dir.path, h->kind->producer(h->spec->opts),
			sm_kind_run_by(&by, h->spec, h->dir.path));
	if (!h->kind->try)
		return sm_err_set(err, SM_EUSAGE,
				  "a job of the kind '%s' runs no command to "
				  "try",
				  h->job.kind);
	return try_batch(exit_status, h, batch, err);
}
