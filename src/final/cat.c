/*
 * cat.c - the text of a final file, or a part of it that its index finds
 */
#include <inttypes.h>
#include <unistd.h>

#include "cpus.h"
#include "event.h"
#include "file.h"

#include "cat.h"

struct cat {
	const struct sm_cat_opts *opts;
	const char *file;
	int fd;
	struct sm_final_reader *reader;
	struct sm_final_group group; /* the first one that is asked for */
	uint64_t missing;            /* batches of what is asked for */
};

static const char *const cat_unit[] = { "", "rows", "records", "batches" };

int
sm_cat_write(struct sm_cat_result *result, const struct sm_cat_opts *opts,
	     const void *text, size_t len, struct sm_err *err)
{
	int fd = opts->fd > 0 ? opts->fd : STDOUT_FILENO;

	if (sm_write_all(fd, text, len) < 0)
		return sm_err_sys(err, "cannot write the text");
	result->text_bytes += len;
	return 0;
}

bool
sm_cat_is_behind(const struct sm_final_group *g, const struct sm_cat_opts *opts)
{
	switch (opts->what) {
	case SM_CAT_ROWS:
		return g->row > opts->last;
	case SM_CAT_RECORDS:
		return g->record > opts->last;
	case SM_CAT_BATCHES:
		return g->batch > opts->last;
	}
	return false;
}

/* What is asked for begins behind the end. */
static int
cat_refuse(const struct cat *c, struct sm_err *err)
{
	const struct sm_final_about *a = sm_final_about(c->reader);
	uint64_t n = c->opts->what == SM_CAT_ROWS      ? a->rows
		     : c->opts->what == SM_CAT_RECORDS ? a->records
						       : a->batches;

	return sm_err_set(err, SM_EINPUT,
			  "'%s' has %" PRIu64 " %s, counted from 0; there is "
			  "none of number %" PRIu64,
			  c->file, n, cat_unit[c->opts->what], c->opts->first);
}

/* The first group that is asked for: 1; 0: the file has no group; <0. */
static int
cat_find(struct cat *c, struct sm_err *err)
{
	static const enum sm_final_by by[] = {
		[SM_CAT_ROWS] = SM_FINAL_BY_ROW,
		[SM_CAT_RECORDS] = SM_FINAL_BY_RECORD,
		[SM_CAT_BATCHES] = SM_FINAL_BY_BATCH,
	};
	const struct sm_cat_opts *o = c->opts;
	int ret;

	if (o->what == SM_CAT_ALL) {
		sm_final_rewind(c->reader);
		return sm_final_next(&c->group, c->reader, err);
	}
	ret = sm_final_find(&c->group, c->reader, by[o->what], o->first, err);
	return ret == 0 ? cat_refuse(c, err) : ret;
}

/* How many threads are of use, and how many batches are not there? */
static int
cat_survey(struct cat *c, unsigned *threads, struct sm_err *err)
{
	struct sm_final_group g = c->group;
	unsigned most =
		c->opts->threads ? c->opts->threads : (unsigned)sm_cpus();
	uint64_t end = c->opts->last + 1; /* 0: of all there are */
	uint64_t groups = 0;
	int ret = 1;

	for (; ret > 0 && !sm_cat_is_behind(&g, c->opts);
	     ret = sm_final_next(&g, c->reader, err)) {
		groups += g.bytes > 0;
		if (c->opts->what == SM_CAT_BATCHES)
			c->missing +=
				sm_final_missing(c->reader, &g, c->opts->first,
						 end ? end : UINT64_MAX);
		else
			c->missing += g.missing;
	}
	*threads = groups < most ? (unsigned)groups : most;
	return ret < 0 ? ret : 0;
}

static int
cat_indexed(struct sm_cat_result *result, struct cat *c, struct sm_err *err)
{
	const struct sm_cat_opts *o = c->opts;
	unsigned threads;
	bool whole = false;
	int ret;

	ret = cat_find(c, err);
	if (ret <= 0)
		return ret;
	ret = cat_survey(c, &threads, err);
	if (ret < 0)
		return ret;
	if (o->what == SM_CAT_BATCHES && c->missing > o->last - o->first)
		return sm_err_set(err, SM_EINPUT,
				  "batch %" PRIu64 " was left out of '%s'",
				  o->first, c->file);
	if (c->missing > 0)
		sm_event_notice(&o->events, "%" PRIu64 " %s left out of '%s'",
				c->missing,
				c->missing == 1 ? "batch of these was"
						: "batches of these were",
				c->file);
	/* The survey went on; back to where the first group was found. */
	ret = cat_find(c, err);
	if (ret > 0 && threads > 0)
		ret = sm_cat_groups(result, c->reader, &c->group, threads, o,
				    &whole, err);
	if (ret >= 0 && whole)
		sm_event_notice(
			&o->events,
			"'%s' does not say which line belongs to which "
			"row: all lines of the batches with rows %" PRIu64
			" to %" PRIu64 " were given",
			c->file, o->first, o->last);
	return ret < 0 ? ret : 0;
}

/* There is no index, says `why`. */
static int
cat_from_start(struct sm_cat_result *result, const struct cat *c,
	       const struct sm_err *why, struct sm_err *err)
{
	const struct sm_cat_opts *o = c->opts;

	if (o->what == SM_CAT_ROWS || o->what == SM_CAT_BATCHES) {
		*err = *why;
		return sm_err_append(err, "; %s cannot be found without it",
				     cat_unit[o->what]);
	}
	sm_event_notice(&o->events, "%s; reading it from the start", why->text);
	return sm_cat_plain(result, c->fd, c->file, o, err);
}

int
sm_cat(struct sm_cat_result *result, const char *file,
       const struct sm_cat_opts *opts, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct cat c = { .opts = opts, .file = file, .fd = -1 };
	struct sm_err why;
	struct stat st;
	int ret;

	*result = (struct sm_cat_result){ 0 };
	if (opts->what < SM_CAT_ALL || opts->what > SM_CAT_BATCHES)
		return sm_err_set(err, SM_EUSAGE,
				  "what is %d: an enum sm_cat_what",
				  opts->what);
	if (opts->fd < 0)
		return sm_err_set(err, SM_EUSAGE,
				  "fd is %d: a descriptor to write to",
				  opts->fd);
	if (opts->last < opts->first)
		return sm_err_set(err, SM_EUSAGE,
				  "a range that ends before it begins");
	ret = sm_open_input(&c.fd, file, &st, err);
	if (ret < 0)
		return ret;
	ret = sm_final_open(&c.reader, c.fd, file, (uint64_t)st.st_size, &why);
	if (ret == 0)
		ret = cat_indexed(result, &c, err);
	else if (ret == SM_EINPUT || ret == SM_EVERIFY)
		ret = cat_from_start(result, &c, &why, err);
	else
		*err = why;
	sm_final_close(c.reader);
	close(c.fd);
	return ret;
}
