/*
 * account.h - what became of a job's rows and entries, in words
 *
 * The words are those of base/tally.c, with the values of the kind's options.
 */
#ifndef SM_ACCOUNT_H
#define SM_ACCOUNT_H

#include "piece.h"

#include "option.h"

/*
 * Append "5,818 of 200,000 rows written, …; 601,234 of 20,000,000 entries
 * written, …" with each cause that is not 0; nothing if nothing was left out.
 */
void sm_account_put(struct sm_buf *out, const struct sm_counts *c,
		    const struct sm_option *table, const void *opts);
/*
 * Append what takes more than half of the rows or a tenth of the entries, as
 * parts of a hundred; nothing if nothing does.
 */
void sm_account_put_large(struct sm_buf *out, const struct sm_counts *c,
			  const struct sm_option *table, const void *opts);

#endif /* SM_ACCOUNT_H */
