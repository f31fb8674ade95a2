/*
 * parts_join_choose.c - what is joined of parts, and whether it may be
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

#include "consumed.h"
#include "parts_join.h"

/* Name the parts that are missing or not done, up to ten: SM_EWORK. */
static int
join_refuse_unfinished(struct sm_parts_join *j, const struct sm_status *s,
		       struct sm_err *err)
{
	const struct sm_status_part *p;
	uint64_t i, first, end, n = 0;
	char names[SM_JOIN_NAMED_MAX * 96];
	size_t at = 0;

	for (i = 0; i < s->parts; i++) {
		p = &s->part[i];
		sm_spec_part_range(&first, &end, j->w->spec->batches, i,
				   j->w->parts);
		if (p->done == p->total || first > j->only.last ||
		    end <= j->only.first)
			continue;
		if (n++ >= SM_JOIN_NAMED_MAX)
			continue;
		at += (size_t)snprintf(names + at, sizeof(names) - at,
				       p->error ? "%s%s (cannot be read)"
						: "%s%s (%" PRIu64
						  " of %" PRIu64 " batches)",
				       n > 1 ? ", " : "", p->name,
				       p->total - p->done, p->total);
	}
	if (n == 0)
		return 0;
	for (i = 0; i < s->parts && !s->part[i].error; i++)
		;
	return sm_err_set(err, SM_EWORK,
			  "cannot finalize '%s': not done %s %s%s; 'shardmill "
			  "run' makes them, 'shardmill retry' puts failed ones "
			  "back, --allow-missing leaves them out%s%.200s",
			  j->w->dir.path, n == 1 ? "is" : "are", names,
			  n > SM_JOIN_NAMED_MAX ? ", …" : "",
			  i < s->parts ? ": " : "",
			  i < s->parts ? s->part[i].error : "");
}

/* What the plan said, which every part's row has; an option goes before it. */
static int
join_choose_force(struct sm_parts_join *j, struct sm_err *err)
{
	const char *planned = j->w->spec->output;
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_handle h;
	int ret = sm_parts_handle(&h, j->w, 0, &db, err);

	j->force = j->opts->force;
	if (ret == 0 && planned && strcmp(planned, j->path) == 0)
		j->force |= h.job.final_force;
	sm_handle_close(&h);
	/* A first part that is missing is named with the others. */
	return ret == SM_EINPUT ? 0 : ret;
}

int
sm_parts_join_choose(struct sm_parts_join *j, const struct sm_status *s,
		     struct sm_err *err)
{
	const char *path =
		j->opts->output ? j->opts->output : j->w->spec->output;
	struct sm_parts_final was = { 0 };
	uint64_t part;
	int ret = 0;

	j->only = (struct sm_batch_range){ 0, UINT64_MAX };
	if (j->opts->batches) {
		j->only = *j->opts->batches;
		ret = sm_parts_find(&part, j->w, j->only.first, err);
	}
	j->partial = j->opts->batches || j->opts->allow_missing;
	if (ret == 0 && !j->opts->allow_missing)
		ret = join_refuse_unfinished(j, s, err);
	if (ret < 0)
		return ret;
	/* Planned without one, it has the one that was joined before. */
	if (!path && sm_parts_read_final(&was, &j->w->dir))
		path = was.path;
	if (!path)
		return sm_err_set(err, SM_EUSAGE,
				  "the job '%s' was planned without a final "
				  "file; name one by -o",
				  j->w->dir.path);
	j->path = sm_path_real(path, err);
	free(was.path);
	if (!j->path)
		return err->code;
	j->part_path = sm_consumed_part_name(j->path, 0);
	if (!j->part_path)
		return sm_err_mem(err, "a path");
	return join_choose_force(j, err);
}

int
sm_parts_join_check_target(struct sm_parts_join *j, const struct sm_status *s,
			   struct sm_err *err)
{
	struct sm_parts_final f;
	struct sm_job was = { .final_size = -1 };
	int ret;

	if (sm_parts_read_final(&f, &j->w->dir)) {
		was.final_path = f.path;
		was.final_size = (int64_t)f.size;
	}
	ret = sm_join_check_target(j->path, j->w->spec->fingerprint, &was,
				   j->force, err);
	free(f.path);
	if (ret == 0 && j->partial && !j->opts->force &&
	    (j->opts->batches || s->done < s->total))
		ret = sm_join_check_partial(j->path, err);
	return ret;
}

int
sm_parts_join_stands(struct sm_parts_join *j, struct sm_finalize_result *result,
		     const struct sm_status *s, struct sm_err *err)
{
	struct sm_parts_final f;
	bool same;
	int ret;

	if (j->opts->batches || !sm_parts_read_final(&f, &j->w->dir))
		return 0;
	same = strcmp(f.path, j->path) == 0;
	result->size = f.size;
	free(f.path);
	ret = same ? sm_parts_is_complete(j->w, err) : 0;
	if (ret <= 0)
		return ret;
	result->was_complete = true;
	result->batches = s->total;
	result->records = s->records;
	result->raw_bytes = s->raw_bytes;
	return 1;
}
