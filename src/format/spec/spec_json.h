/*
 * spec_json.h - what writing and reading a specification share
 *
 * The JSON of a specification is three kinds of object: the whole, the options
 * of a kind, an input.  Each is described by a table of options, so that one
 * function reads them all, as strictly, and one writes them.
 */
#ifndef SM_SPEC_JSON_H
#define SM_SPEC_JSON_H

#include "option.h"
#include "spec.h"

/* An input in JSON. */
struct sm_spec_json_input {
	const char *name, *path, *crc32;
	int64_t mtime_ns;
	uint64_t size;
	bool sampled, aside;
};

/* The whole, without "options" and "inputs". */
struct sm_spec_json_root {
	uint64_t version;
	const char *const *earlier;
	const char *kind, *home, *id, *output, *fingerprint;
	uint64_t batches, rows, parts, part;
	bool has_part;
};

extern const struct sm_option sm_spec_input_table[];
extern const struct sm_option sm_spec_root_table[];

#define SM_SPEC_KEY_MAX 64

/* The option's name in JSON: min_score for min-score. */
const char *sm_spec_key(char dst[SM_SPEC_KEY_MAX], const struct sm_option *o);

#endif /* SM_SPEC_JSON_H */
