/*
 * spec_internal.h - what the files of the specification share
 */
#ifndef SM_SPEC_INTERNAL_H
#define SM_SPEC_INTERNAL_H

#include "spec.h"

/* A specification with the shape's defaults and nothing else. */
int sm_spec_make(struct sm_spec **out, const struct sm_spec_shape *shape,
		 struct sm_err *err);

/* Memory that lives as long as the specification; NULL if there is none. */
void *sm_spec_alloc(struct sm_spec *s, size_t bytes);
char *sm_spec_strdup(struct sm_spec *s, const char *text);

/*
 * Is `v` in the range of the integer field `f`?  The messages of these two
 * begin with the value: the caller puts the name of the field before them.
 */
int sm_spec_check_int(const struct sm_spec_field *f, int64_t v,
		      struct sm_err *err);
int sm_spec_check_double(const struct sm_spec_field *f, double v,
			 struct sm_err *err);

/* Digits of the shortest "%.*g", up to 17, that reads back as `v`. */
int sm_spec_double_digits(double v);

/* The option as it is typed: "--min-score" for min_score. */
void sm_spec_option_name(char *dst, size_t size, const struct sm_spec_field *f);

/* Is the optional number there? */
bool sm_spec_has(const struct sm_spec_field *f, const void *opts);

static inline const void *
sm_spec_at(const struct sm_spec_field *f, const void *opts)
{
	return (const char *)opts + f->offset;
}

static inline void *
sm_spec_slot(const struct sm_spec_field *f, void *opts)
{
	return (char *)opts + f->offset;
}

static inline const char *
sm_spec_string_at(const struct sm_spec_field *f, const void *opts)
{
	return *(const char *const *)sm_spec_at(f, opts);
}

static inline const char *const *
sm_spec_argv_at(const struct sm_spec_field *f, const void *opts)
{
	return *(const char *const *const *)sm_spec_at(f, opts);
}

#endif /* SM_SPEC_INTERNAL_H */
