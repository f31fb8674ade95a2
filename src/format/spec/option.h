/*
 * option.h - what the tables of options (shardmill.h) are read by
 *
 * sm_option_set() is the one place where the text of a value is understood and
 * its range is kept; spec.json goes through it as the command line does.
 */
#ifndef SM_OPTION_H
#define SM_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shardmill.h>

#include "buf.h"

static inline const void *
sm_option_at(const struct sm_option *o, const void *opts)
{
	return (const char *)opts + o->at;
}

static inline void *
sm_option_slot(const struct sm_option *o, void *opts)
{
	return (char *)opts + o->at;
}

/* What is no part of the content: equal jobs may differ in it. */
#define SM_OPTION_FREE (SM_OPTION_PLACE | SM_OPTION_LIMIT)

/* The row of this name, or NULL. */
const struct sm_option *sm_option_find(const struct sm_option *table,
				       const char *name);

/* Is there a value?  If not, it is null in JSON. */
bool sm_option_is_given(const struct sm_option *o, const void *opts);
/* May there be none? */
bool sm_option_may_lack(const struct sm_option *o);

bool sm_option_same(const struct sm_option *o, const void *a, const void *b);

/* Append the value as a person would type it. */
void sm_option_put(struct sm_buf *out, const struct sm_option *o,
		   const void *opts);

/* SM_EUSAGE names the first required option that is not given. */
int sm_options_check(const struct sm_option *table, const void *opts,
		     struct sm_err *err);

/* Digits of the shortest "%.*g", up to 17, that reads back as `v`. */
int sm_double_digits(double v);

#endif /* SM_OPTION_H */
