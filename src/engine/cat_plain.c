/*
 * cat_plain.c - the text of a gzip file without an index
 */
#include "gunzip.h"

#include "cat.h"

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
	result->file_bytes += sm_gunzip_bytes(g);
	sm_gunzip_free(g);
	return ret < 0 ? ret : 0;
}
