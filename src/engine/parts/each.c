/*
 * each.c - retry, verify and recover on a whole job in parts
 *
 * Each function asks every part in turn through the function for one job and
 * adds up the answers.  What differs is here: batch numbers that belong to
 * another part, and a part whose own files are lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"

#include "parts.h"
#include "tend.h"

/* -------------------------------------------------------------- retry -- */

/* What of the range is in the part: 1; 0: nothing is. */
static int
range_within(struct sm_batch_range *r, uint64_t first, uint64_t end)
{
	if (r->first < first)
		r->first = first;
	if (r->last >= end)
		r->last = end - 1;
	return r->first <= r->last;
}

/* The ranges as far as they are in the part; NULL if none is asked for. */
static int
ranges_within(struct sm_batch_range **out, size_t *n, const struct sm_parts *w,
	      uint64_t part, const struct sm_ranges *asked, struct sm_err *err)
{
	uint64_t first, end;
	size_t i;

	*out = NULL;
	*n = 0;
	if (asked->count == 0)
		return 0;
	*out = calloc(asked->count, sizeof(**out));
	if (!*out)
		return sm_err_mem(err, "the batches");
	sm_spec_part_range(&first, &end, w->spec->batches, part, w->parts);
	for (i = 0; i < asked->count; i++) {
		(*out)[*n] = asked->range[i];
		*n += (size_t)range_within(&(*out)[*n], first, end);
	}
	return 0;
}

static int
retry_part(uint64_t *changed, struct sm_parts *w, uint64_t part,
	   const struct sm_retry_opts *opts, struct sm_err *err)
{
	struct sm_retry_opts o = *opts;
	struct sm_ranges asked = {
		(struct sm_batch_range *)(uintptr_t)opts->range, opts->ranges
	};
	struct sm_batch_range *range;
	uint64_t n = 0;
	char *path = NULL;
	int ret = ranges_within(&range, &o.ranges, w, part, &asked, err);

	if (ret < 0)
		return ret;
	o.trust = w->trust;
	o.range = range;
	/* Without a range and a word, all failed ones would be meant. */
	if (opts->ranges == 0 || o.ranges > 0 || opts->failed || opts->all) {
		ret = sm_parts_path(&path, w, part, err);
		if (ret == 0)
			ret = sm_one_retry(&n, path, &o, err);
	}
	*changed += n;
	free(path);
	free(range);
	return ret;
}

int
sm_parts_retry(uint64_t *changed, struct sm_parts *w,
	       const struct sm_retry_opts *opts, struct sm_err *err)
{
	uint64_t part;
	size_t i;
	int ret = 0;

	*changed = 0;
	for (i = 0; i < opts->ranges && ret == 0; i++)
		ret = sm_parts_find(&part, w, opts->range[i].last, err);
	for (part = 0; part < w->parts && ret == 0; part++)
		ret = retry_part(changed, w, part, opts, err);
	return ret;
}

/* ---------------------------------------------------------------- set -- */

int
sm_parts_set(struct sm_set_result *result, struct sm_parts *w,
	     const struct sm_set_opts *opts, struct sm_err *err)
{
	struct sm_ranges asked = {
		(struct sm_batch_range *)(uintptr_t)opts->range, opts->ranges
	};
	struct sm_batch_range *range;
	struct sm_set_opts o;
	uint64_t part;
	char *path;
	size_t i;
	int ret = 0;

	for (i = 0; i < opts->ranges && ret == 0; i++)
		ret = sm_parts_find(&part, w, opts->range[i].last, err);
	for (part = 0; part < w->parts && ret == 0; part++) {
		o = *opts;
		o.trust = w->trust;
		ret = ranges_within(&range, &o.ranges, w, part, &asked, err);
		o.range = range;
		if (ret == 0)
			ret = sm_parts_path(&path, w, part, err);
		if (ret == 0) {
			ret = sm_one_set(result, path, &o, err);
			free(path);
		}
		free(range);
	}
	return ret;
}

/* ------------------------------------------------------------- verify -- */

/* What is found, with the part it is found in. */
struct parts_found {
	const struct sm_verify_opts *opts;
	char name[SM_PART_NAME_MAX];
};

static void
verify_found(const struct sm_finding *f, void *arg)
{
	const struct parts_found *p = arg;
	struct sm_finding named = *f;
	char text[SM_ERR_TEXT + SM_PART_NAME_MAX];

	snprintf(text, sizeof(text), "%s: %s", p->name, f->text);
	named.text = text;
	p->opts->found(&named, p->opts->found_arg);
}

int
sm_parts_verify(struct sm_verify_result *result, struct sm_parts *w,
		const struct sm_verify_opts *opts, struct sm_err *err)
{
	struct parts_found found = { .opts = opts };
	struct sm_verify_opts o = *opts;
	struct sm_verify_result r;
	struct sm_finding f = { .batch = -1, .damage = "part" };
	struct sm_err why;
	uint64_t part;
	char *path;
	int ret = 0;

	*result = (struct sm_verify_result){ 0 };
	o.trust = w->trust;
	if (opts->found)
		o.found = verify_found;
	o.found_arg = &found;
	for (part = 0; part < w->parts; part++) {
		sm_part_name(found.name, part, w->parts);
		r = (struct sm_verify_result){ 0 };
		ret = sm_parts_path(&path, w, part, &why);
		if (ret == 0)
			ret = sm_one_verify(&r, path, &o, &why);
		free(path);
		result->batches += r.batches;
		result->records += r.records;
		result->raw_bytes += r.raw_bytes;
		result->gz_bytes += r.gz_bytes;
		result->left += r.left;
		result->findings += r.findings;
		result->requeued += r.requeued;
		if (ret == SM_EINPUT || ret == SM_EDAMAGED) {
			/* A part that is lost is a finding, not the end. */
			f.text = why.text;
			result->findings++;
			if (opts->found)
				opts->found(&f, opts->found_arg);
		} else if (ret < 0 && ret != SM_EVERIFY) {
			*err = why;
			return ret;
		}
	}
	if (result->findings == 0)
		return 0;
	return sm_err_set(
		err, SM_EVERIFY,
		"'%s' is damaged: findings: %" PRIu64 ", batches put "
		"back: %" PRIu64 "%s",
		w->dir.path, result->findings, result->requeued,
		result->requeued ? "; 'shardmill run' makes them again"
				 : "; --requeue puts the damaged batches back, "
				   "'shardmill recover' rebuilds a lost part");
}

/* ------------------------------------------------------------ recover -- */

/* The specification of any part that has one; NULL: there is none. */
static int
parts_find_spec(struct sm_spec **spec, const struct sm_jobdir *dir,
		struct sm_err *err)
{
	struct sm_jobdir part;
	struct sm_err ignored;
	const char *name;
	struct sm_dir d;
	int more = 0;

	sm_dir_open(&d, dir->fd, ".");
	while (!*spec && (more = sm_dir_next(&name, &d)) > 0) {
		part = (struct sm_jobdir)SM_JOBDIR_NONE;
		if (!sm_part_is_name(name))
			continue;
		part.fd = openat(dir->fd, name, SM_JOBDIR_FLAGS);
		if (part.fd >= 0)
			sm_place_read_spec(spec, &part, &ignored);
		sm_jobdir_close(&part);
	}
	sm_dir_close(&d);
	if (!*spec && more < 0)
		return sm_err_sys(err, "cannot list '%s'", dir->path);
	return 0;
}

/* The whole's spec.json from that of any part. */
int
sm_parts_recover_mark(const char *job, bool trust, struct sm_err *err)
{
	struct sm_jobdir dir = SM_JOBDIR_NONE;
	struct sm_spec *spec = NULL;
	int ret = sm_jobdir_open_whole(&dir, job, trust, err);

	if (ret < 0)
		return ret;
	ret = parts_find_spec(&spec, &dir, err);
	if (ret < 0)
		goto out;
	if (!spec || spec->part < 0) {
		ret = sm_err_set(err, SM_EINPUT,
				 "there is no job in '%s': neither it nor a "
				 "part of it has a spec.json that says so",
				 dir.path);
	} else {
		spec->part = -1;
		ret = sm_parts_mark(&dir, spec, err);
	}
out:
	sm_spec_free(spec);
	sm_jobdir_close(&dir);
	return ret;
}

/* What another try may read is not called damaged. */
static int
part_is_whole(bool *whole, struct sm_parts *w, uint64_t part,
	      struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_READ };
	struct sm_handle h;
	int findings = 1;
	int ret = sm_parts_handle(&h, w, part, &db, err);

	*whole = false;
	if (ret == 0)
		ret = sm_db_integrity(&findings, h.db, NULL, NULL, err);
	if (ret == 0 && findings == 0)
		ret = sm_recover_rows_are_there(whole, h.db, err);
	sm_handle_close(&h);
	return ret < 0 && sm_code_retry(ret) ? ret : 0;
}

/* A directory that is gone is made again, with what its spec.json said. */
static int
part_restore_spec(struct sm_parts *w, uint64_t part, const char *path,
		  bool network_fs, struct sm_err *err)
{
	struct sm_jobdir dir = SM_JOBDIR_NONE;
	bool made, has;
	int ret =
		sm_jobdir_create(&dir, path, w->trust, network_fs, &made, err);

	if (ret < 0)
		return ret;
	unlinkat(dir.fd, "tables", AT_REMOVEDIR);
	ret = sm_jobdir_has(&has, &dir, "spec.json", err);
	if (ret == 0 && !has) {
		w->spec->part = (int64_t)part;
		ret = sm_parts_mark(&dir, w->spec, err);
		w->spec->part = -1;
	}
	sm_jobdir_close(&dir);
	return ret;
}

int
sm_parts_recover(struct sm_recover_result *result, struct sm_parts *w,
		 const struct sm_recover_opts *opts, struct sm_err *err)
{
	struct sm_recover_result r;
	uint64_t part, rebuilt = 0;
	char *path;
	bool whole;
	int ret = 0;

	*result = (struct sm_recover_result){ 0 };
	for (part = 0; part < w->parts && ret == 0; part++) {
		ret = part_is_whole(&whole, w, part, err);
		if (ret == 0 && whole)
			continue;
		if (ret == 0)
			ret = sm_parts_path_of(&path, w, part, err);
		if (ret < 0)
			return ret;
		ret = part_restore_spec(w, part, path, opts->network_fs, err);
		if (ret == 0)
			ret = sm_one_recover(&r, path, opts, err);
		if (ret == 0) {
			result->batches += r.batches;
			result->reused += r.reused;
			result->outdated += r.outdated;
			result->had_database |= r.had_database;
			rebuilt++;
		}
		free(path);
	}
	if (ret < 0 || rebuilt > 0)
		return ret;
	return sm_err_set(err, SM_EREFUSED,
			  "the databases of '%s' are whole; 'shardmill run' "
			  "goes on with them, 'shardmill verify --requeue' "
			  "looks for damaged shards",
			  w->dir.path);
}

/* ----------------------------------------------------------- finalize -- */

int
sm_parts_join_one(struct sm_finalize_result *result, const struct sm_handle *h,
		  const struct sm_finalize_opts *opts, struct sm_err *err)
{
	struct sm_batch_range range = {
		h->job.first_batch, h->job.first_batch + h->job.batches - 1
	};
	struct sm_finalize_opts o = *opts;
	struct sm_parts w = SM_PARTS_NONE;
	char *path;
	int ret;

	if (!opts->output || opts->batches)
		return sm_err_set(
			err, SM_EUSAGE,
			"'%s' is part %lld of %llu: finalize the whole "
			"job, or name a file for this part alone by "
			"-o",
			h->dir.path, (long long)h->job.part,
			(unsigned long long)h->job.parts);
	path = strdup(h->dir.path);
	if (!path)
		return sm_err_mem(err, "a path");
	*strrchr(path, '/') = '\0';
	o.batches = &range;
	ret = sm_parts_open(&w, path, opts->trust, err);
	if (ret == 0 && w.parts == 0)
		ret = sm_err_set(err, SM_EINPUT,
				 "'%s' is part %lld of a job that is not in "
				 "'%s'; put it back there",
				 h->dir.path, (long long)h->job.part, path);
	else if (ret == 0)
		ret = sm_parts_join(result, &w, &o, err);
	sm_parts_close(&w);
	free(path);
	return ret;
}
