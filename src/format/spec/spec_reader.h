/*
 * spec_reader.h - read the values of a specification, and say where one is bad
 *
 * A specification is read as strictly as it is written: every key once, none
 * besides, each value of its type and in its range.  A person edits this file,
 * and a value that is silently left out would change the job.
 *
 * sm_spec_reader_at() names the place before each value is read; the functions
 * that fail put it, and the file, before their message.
 */
#ifndef SM_SPEC_READER_H
#define SM_SPEC_READER_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "err.h"

#include "spec.h"

#define SPEC_PLACE_MAX 128

struct spec_reader {
	struct sm_spec *spec; /* owns the strings that are read */
	const char *where;
	char place[SPEC_PLACE_MAX]; /* "options.min_score"; "": the whole */
	struct sm_err *err;
};

void sm_spec_reader_at(struct spec_reader *r, const char *fmt, ...)
	SM_PRINTF(2, 3);
int sm_spec_reader_fail(struct spec_reader *r, int code, const char *fmt, ...)
	SM_PRINTF(3, 4);
int sm_spec_reader_mem(struct spec_reader *r);
/* `v` is not the `wanted` thing: "a whole number", "text", ... */
int sm_spec_reader_type(struct spec_reader *r, const json_t *v,
			const char *wanted);
/*
 * The object `o` must have exactly the keys `known` (NULL at the end); `in` is
 * what stands before them in messages: "" or "options.".
 */
int sm_spec_reader_keys(struct spec_reader *r, json_t *o, const char *in,
			const char *const *known);

/* The known name at the least edit distance, "" if none is known. */
const char *sm_spec_nearest(const char *name, const char *const *known);

int sm_spec_read_string(const char **out, struct spec_reader *r, json_t *v);
int sm_spec_read_int(int64_t *out, struct spec_reader *r, const json_t *v,
		     const struct sm_spec_field *f);
/* A number of exactly `digits` hexadecimal digits, as text. */
int sm_spec_read_hex(uint64_t *out, struct spec_reader *r, const json_t *v,
		     size_t digits);
/* Into the field's place in the options. */
int sm_spec_read_field(struct spec_reader *r, const struct sm_spec_field *f,
		       json_t *v);

#endif /* SM_SPEC_READER_H */
