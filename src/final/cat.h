/*
 * cat.h - inside `cat`: what its files share
 */
#ifndef SM_CAT_H
#define SM_CAT_H

#include "pick.h"

/*
 * Text of the gzip file at `fd` from its start, whoever wrote it: all of it, or
 * the records of `opts`.  SM_EINPUT: it is no gzip, or has none of these;
 * SM_EVERIFY: it is damaged or cut; text before the damage was written.
 */
int sm_cat_plain(struct sm_cat_result *result, int fd, const char *name,
		 const struct sm_cat_opts *opts, struct sm_err *err);

/* The groups from `first` on, as far as opts->last; on so many threads. */
int sm_cat_groups(struct sm_cat_result *result, struct sm_final_reader *reader,
		  const struct sm_final_group *first, unsigned threads,
		  const struct sm_cat_opts *opts, bool *whole,
		  struct sm_err *err);

/* Is the group behind all that is asked for? */
bool sm_cat_is_behind(const struct sm_final_group *g,
		      const struct sm_cat_opts *opts);

/* Write text to opts->fd. */
int sm_cat_write(struct sm_cat_result *result, const struct sm_cat_opts *opts,
		 const void *text, size_t len, struct sm_err *err);

#endif /* SM_CAT_H */
