/*
 * cat.h - inside `cat`: from cat.c to the threads that inflate, and to the text
 * of a file without an index; both write by sm_cat_write()
 */
#ifndef SM_CAT_H
#define SM_CAT_H

#include <unistd.h>

#include "file.h"

#include "pick.h"

/*
 * The entries from `first` on, as far as opts->last; on opts->threads.
 * `*whole`: rows could not be told apart in some batch.
 */
int sm_cat_batches(bool *whole, struct sm_cat_result *result,
		   struct sm_final_reader *reader,
		   const struct sm_final_batch *first,
		   const struct sm_cat_opts *opts, struct sm_err *err);

/* Is the entry after all that is asked for? */
static inline bool
sm_cat_is_after(const struct sm_final_batch *b, const struct sm_cat_opts *opts)
{
	switch (opts->what) {
	case SM_CAT_ROWS:
		return b->row > opts->last;
	case SM_CAT_RECORDS:
		return b->record > opts->last;
	case SM_CAT_BATCHES:
		return b->batch > opts->last;
	}
	return false;
}

/* Write text to opts->fd. */
static inline int
sm_cat_write(struct sm_cat_result *result, const struct sm_cat_opts *opts,
	     const void *text, size_t len, struct sm_err *err)
{
	int fd = opts->fd > 0 ? opts->fd : STDOUT_FILENO;

	if (sm_write_all(fd, text, len) < 0)
		return sm_err_sys(err, "cannot write the text");
	result->text_bytes += len;
	return 0;
}

#endif /* SM_CAT_H */
