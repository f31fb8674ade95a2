/*
 * published.c - the final file that a job has: its record, and whether it is
 * still true
 *
 * Separate, since planning and status ask this and write nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"

#include "files.h"

#include "published.h"

#define PUBLISHED_NAME "final"

void
sm_published_release(struct sm_published *p)
{
	free(p->path);
	*p = (struct sm_published){ .path = NULL };
}

int
sm_published_read(struct sm_published *p, const struct sm_jobdir *dir,
		  struct sm_err *err)
{
	struct sm_map map = { 0 };
	char *text;
	int at = 0;
	int ret = sm_map_openat(&map, dir->fd, PUBLISHED_NAME, err);

	*p = (struct sm_published){ .path = NULL };
	if (ret < 0 && sm_err_is_missing(err))
		return 0;
	if (ret < 0)
		return sm_err_prefix(err, "%s", dir->path);
	text = strndup((const char *)map.data, map.size);
	sm_map_close(&map);
	if (!text)
		return sm_err_mem(err, "a path");
	if (sscanf(text, "%" SCNu64 " %" SCNx64 " %n", &p->size, &p->digest,
		   &at) == 2) {
		p->path = strdup(text + at);
		if (p->path)
			p->path[strcspn(p->path, "\n")] = '\0';
		else
			ret = sm_err_mem(err, "a path");
	}
	free(text);
	return ret;
}

int
sm_published_write(const struct sm_jobdir *dir, const struct sm_published *p,
		   struct sm_err *err)
{
	char *text = NULL;
	int ret;

	if (asprintf(&text, "%" PRIu64 " %016" PRIx64 " %s\n", p->size,
		     p->digest, p->path) < 0)
		return sm_err_mem(err, "a path");
	ret = sm_jobdir_write(dir, PUBLISHED_NAME, text, err);
	free(text);
	return ret;
}

int
sm_published_get(struct sm_published *p, const struct sm_join_from *from,
		 struct sm_err *err)
{
	const struct sm_job *job;

	if (!from->h)
		return sm_published_read(p, from->dir, err);
	*p = (struct sm_published){ .path = NULL };
	p->spec = from->h->spec;
	job = &from->h->job;
	if (!job->final_path || job->final_size < 0)
		return 0;
	p->size = (uint64_t)job->final_size;
	p->digest = strtoull(job->final_digest, NULL, 16);
	p->path = strdup(job->final_path);
	return p->path ? 0 : sm_err_mem(err, "a path");
}

/* Is there a file of that size?  Only a failing disk is an error. */
static int
published_has_file(bool *has, const struct sm_published *p, struct sm_err *err)
{
	struct stat st;

	*has = false;
	if (stat(p->path, &st) == 0)
		*has = S_ISREG(st.st_mode) && (uint64_t)st.st_size == p->size;
	else if (errno == EIO || errno == ENOMEM)
		return sm_err_sys(err, "cannot examine '%s'", p->path);
	return 0;
}

int
sm_published_is_complete(bool *complete, const struct sm_join_from *from,
			 struct sm_err *err)
{
	struct sm_rows_digest now;
	struct sm_published p;
	int ret = sm_published_get(&p, from, err);

	*complete = false;
	if (ret < 0 || !p.path)
		return ret;
	ret = published_has_file(complete, &p, err);
	if (ret == 0 && *complete) {
		ret = sm_rows_digest(&now, from, UINT64_MAX, err);
		*complete = ret == 0 && now.all && now.digest == p.digest;
	}
	sm_published_release(&p);
	/* A list of files is as complete as they are. */
	if (ret == 0 && *complete && from->h)
		ret = sm_files_all(complete, &from->h->files, from->h->db,
				   from->h->job.first_batch, err);
	/* A part that is lost is not done, and that is the answer. */
	if (!from->h && (ret == SM_EINPUT || ret == SM_EDAMAGED))
		ret = 0;
	return ret;
}
