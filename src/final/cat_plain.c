/*
 * cat_plain.c - the text of a gzip file without an index
 */
#include <inttypes.h>

#include "file.h"

#include "gunzip.h"

#include "cat.h"

/*
 * A final file that lost its end at the end of a member inflates well.  One
 * shard alone is what a job directory holds; and that one member is whole, its
 * own CRC says.
 */
static int
plain_is_cut(const struct sm_gunzip *g, int fd, const char *name,
	     struct sm_err *err)
{
	unsigned char head[SM_GZIP_SHARD_HEADER];
	ssize_t n = sm_pread_full(fd, head, sizeof(head), 0);
	int kind;

	if (n < 0)
		return sm_err_sys(err, "cannot read '%s'", name);
	kind = sm_gzip_guess(head, (size_t)n);
	return kind == SM_GZIP_INDEX || kind == SM_GZIP_END ||
	       (kind == SM_GZIP_SHARD && sm_gunzip_members(g) > 1);
}

/* The file's end was reached: is what was asked for in it? */
static int
plain_end(const struct sm_cat_result *result, const struct sm_pick *pick,
	  const struct sm_gunzip *g, int fd, const char *name,
	  struct sm_err *err)
{
	int ret = plain_is_cut(g, fd, name, err);

	if (ret > 0)
		return sm_err_set(
			err, SM_EVERIFY,
			"the end of '%s', which lists its batches, is "
			"missing or not as it was written, so text may "
			"be missing as well; 'shardmill verify' says "
			"what is",
			name);
	if (ret == 0 && pick->what == SM_CAT_RECORDS && result->text_bytes == 0)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' has %" PRIu64 " records, counted from "
				  "0; there is none of number %" PRIu64,
				  name, pick->first - pick->skip + pick->open,
				  pick->first);
	return ret;
}

int
sm_cat_plain(struct sm_cat_result *result, int fd, const char *name,
	     const struct sm_cat_opts *opts, struct sm_err *err)
{
	/* All of it is one group, of as many lines as there are. */
	static const struct sm_final_group all = { .records = UINT64_MAX };
	struct sm_pick pick = { .what = (enum sm_cat_what)opts->what,
				.first = opts->first,
				.last = opts->last };
	const unsigned char *from, *to;
	struct sm_gunzip *g = NULL;
	size_t len;
	int ret;

	ret = sm_gunzip_new(&g, fd, name, err);
	if (ret < 0)
		return ret;
	sm_pick_group(&pick, &all);
	while (!sm_pick_done(&pick) &&
	       (ret = sm_gunzip_next(&from, &len, g, err)) > 0) {
		to = from + len;
		sm_pick_text(&pick, &from, &to);
		ret = sm_cat_write(result, opts, from, (size_t)(to - from),
				   err);
		if (ret < 0)
			break;
	}
	if (ret == 0 && !sm_pick_done(&pick))
		ret = plain_end(result, &pick, g, fd, name, err);
	result->file_bytes += sm_gunzip_bytes(g);
	sm_gunzip_free(g);
	return ret < 0 ? ret : 0;
}
