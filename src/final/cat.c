/*
 * cat.c - the text of a final file, or a part of it that its index finds
 *
 * It finds out what is asked for and whether the file has it.  Inflating, with
 * one thread or many, is in cat_threads.c; a gzip file of somebody else's is
 * passed through from its start.
 */
#include <inttypes.h>
#include <unistd.h>

#include "cpus.h"
#include "event.h"
#include "file.h"

#include "gunzip.h"

#include "cat.h"

struct cat {
	const struct sm_cat_opts *opts;
	const char *file;
	int fd;
	struct sm_final_reader *reader;
	struct sm_final_batch first; /* entry that is asked for */
	uint64_t missing;            /* batches of what is asked for */
};

static const char *const cat_unit[] = { "", "rows", "records", "batches" };

/* What is asked for begins after the end. */
static int
cat_refuse(const struct cat *c, struct sm_err *err)
{
	const struct sm_final_about *a = sm_final_about(c->reader);
	const uint64_t has[] = { [SM_CAT_ROWS] = a->rows,
				 [SM_CAT_RECORDS] = a->records,
				 [SM_CAT_BATCHES] = a->first + a->batches };
	uint64_t n = has[c->opts->what];

	return sm_err_set(err, SM_EINPUT,
			  "'%s' has %" PRIu64 " %s, counted from 0; there is "
			  "none of number %" PRIu64,
			  c->file, n, cat_unit[c->opts->what], c->opts->first);
}

/* The first entry that is asked for: 1; 0: the file has none; <0. */
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
		return sm_final_next(&c->first, c->reader, err);
	}
	ret = sm_final_find(&c->first, c->reader, by[o->what], o->first, err);
	return ret == 0 ? cat_refuse(c, err) : ret;
}

/* Of a run of batches that were left out, how many are asked for? */
static uint64_t
cat_asked_for(const struct sm_final_batch *b, const struct sm_cat_opts *o)
{
	uint64_t n = b->batches;

	if (o->what != SM_CAT_BATCHES)
		return n;
	if (o->last - b->batch < n)
		n = o->last - b->batch + 1;
	if (o->first > b->batch)
		n -= o->first - b->batch;
	return n;
}

/*
 * How many threads are of use, and how many batches are not there?  Nothing is
 * written before that is known, so that no more of the index is read than it
 * takes: how many the whole file leaves out, its end says.
 */
static int
cat_survey(struct cat *c, unsigned *threads, struct sm_err *err)
{
	struct sm_final_batch b = c->first;
	uint64_t left_out = sm_final_about(c->reader)->missing;
	uint64_t most = c->opts->threads, texts = 0;
	int ret = 1;

	if (most == 0)
		most = (uint64_t)sm_cpus(NULL, "/proc/self");
	if (c->opts->what == SM_CAT_ALL)
		c->missing = left_out;
	while (ret > 0 && (texts < most || c->missing < left_out) &&
	       !sm_cat_is_after(&b, c->opts)) {
		texts += b.bytes > 0;
		if (b.missing && c->opts->what != SM_CAT_ALL)
			c->missing += cat_asked_for(&b, c->opts);
		ret = sm_final_next(&b, c->reader, err);
	}
	*threads = (unsigned)(texts < most ? texts : most);
	return ret < 0 ? ret : 0;
}

static int
cat_indexed(struct sm_cat_result *result, struct cat *c, struct sm_err *err)
{
	const struct sm_cat_opts *o = c->opts;
	struct sm_cat_opts all;
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
	/* The survey went on; back to where the first entry was found. */
	ret = cat_find(c, err);
	all = *o;
	all.threads = threads;
	if (ret > 0 && threads > 0)
		ret = sm_cat_batches(&whole, result, c->reader, &c->first, &all,
				     err);
	if (ret >= 0 && whole)
		sm_event_notice(
			&o->events,
			"'%s' does not say which line belongs to which "
			"row: all lines of the batches with rows %" PRIu64
			" to %" PRIu64 " were given",
			c->file, o->first, o->last);
	return ret < 0 ? ret : 0;
}

/* The file's end was reached: is what was asked for in it? */
static int
cat_plain_end(const struct sm_cat_result *result, const struct sm_pick *pick,
	      const char *name, struct sm_err *err)
{
	if (pick->what != SM_CAT_RECORDS || result->text_bytes > 0)
		return 0;
	return sm_err_set(err, SM_EINPUT,
			  "'%s' has %" PRIu64 " records, counted from 0; there "
			  "is none of number %" PRIu64,
			  name, pick->first - pick->skip + pick->open,
			  pick->first);
}

/* Text of any gzip file, whoever wrote it, from its start. */
static int
cat_plain(struct sm_cat_result *result, const struct cat *c, struct sm_err *err)
{
	/* All of it is one batch, of as many lines as there are. */
	static const struct sm_final_batch all = { .records = UINT64_MAX };
	const struct sm_cat_opts *o = c->opts;
	struct sm_pick pick = { .what = (enum sm_cat_what)o->what,
				.first = o->first,
				.last = o->last };
	const unsigned char *from, *to;
	struct sm_gunzip *g = NULL;
	size_t len;
	int ret = sm_gunzip_new(&g, c->fd, c->file, err);

	if (ret < 0)
		return ret;
	sm_pick_batch(&pick, &all, NULL);
	while (!sm_pick_done(&pick) &&
	       (ret = sm_gunzip_next(&from, &len, g, err)) > 0) {
		to = from + len;
		sm_pick_text(&pick, &from, &to);
		ret = sm_cat_write(result, o, from, (size_t)(to - from), err);
		if (ret < 0)
			break;
	}
	if (ret == 0 && !sm_pick_done(&pick))
		ret = cat_plain_end(result, &pick, c->file, err);
	result->file_bytes += sm_gunzip_bytes(g);
	sm_gunzip_free(g);
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
	return cat_plain(result, c, err);
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
