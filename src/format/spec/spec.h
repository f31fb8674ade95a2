/*
 * spec.h - the specification of a job: spec.json
 *
 * A kind of job describes its options by a table (shardmill.h); from that come
 * the JSON, its strict reading, the list of differences between two
 * specifications, and the fingerprint.  The same text is kept in job.db
 * (job.spec) and, as a second copy for `recover`, in the file spec.json:
 *
 *	{
 *	  "shardmill": 2,
 *	  "kind": "candidates",
 *	  "home": "/data/final.gz.job", "id": "0123456789abcdef",
 *	  "earlier": null,
 *	  "output": "/data/final.gz",
 *	  "batches": 200, "rows": 1000000,
 *	  "parts": null, "part": null,
 *	  "fingerprint": "0123456789abcdef",
 *	  "options": { "cands": "/data/cands.npy", "min_score": 0.3, … },
 *	  "inputs": [ { "name": "cands", "path": "/data/cands.npy",
 *	                "crc32": "0a1b2c3d", "mtime_ns": 17…, "size": 240,
 *	                "sampled": false, "aside": false }, … ]
 *	}
 *
 * The numbers of batches and rows are those of the whole job in each of its
 * "parts", which are numbered by "part".  An option has its own name, with '_'
 * for '-', and null where it is not given.
 *
 * Options marked SM_OPTION_PLACE say where something is, not what it is: paths
 * are stored absolute, and neither they nor names, times or parts enter the
 * fingerprint, so that equal jobs give equal bytes.  Neither do limits
 * (SM_OPTION_LIMIT), which decide about no byte.
 */
#ifndef SM_SPEC_H
#define SM_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shardmill.h>

#include "buf.h"
#include "digest.h"

#define SM_SPEC_VERSION 2

struct sm_spec_input {
	const char *name; /* of the option: "cands" */
	const char *path; /* absolute */
	struct sm_digest digest;
	bool aside; /* compared, but not part of the fingerprint */
};

struct sm_spec {
	const struct sm_kind_info *kind;
	void *opts; /* kind->opts_bytes; strings belong to the spec */
	struct sm_spec_input *input;
	size_t inputs;
	const char *home; /* the directory it was planned in, or NULL */
	const char *id;   /* random; a copy has the same one */
	/*
	 * "0123456789abcdef 17": the job was extended, and shards of that
	 * fingerprint are still its own below batch 17.  NULL: none.
	 */
	const char *const *earlier;
	const char *output;     /* absolute, or NULL */
	uint64_t batches, rows; /* of the whole job */
	uint64_t parts;         /* 0: the job is not in parts */
	int64_t part;           /* -1: none, this is the whole job */
	uint64_t fingerprint;
	void *priv; /* what the strings live in */
};

/*
 * A specification of the kind's defaults, and of `values` (NULL: none; a NULL
 * name ends them) and `command` (NULL: none) instead of these; inputs, output,
 * numbers and fingerprint are for the caller to fill in.  SM_EUSAGE for an
 * unknown option or a value that it cannot have.
 */
int sm_spec_new(struct sm_spec **out, const struct sm_kind_info *kind,
		const struct sm_value *values, const char *const *command,
		struct sm_err *err);
/* One with nothing in it, not even the defaults. */
int sm_spec_make(struct sm_spec **out, const struct sm_kind_info *kind,
		 struct sm_err *err);
/* Set options by their text; SM_EUSAGE as above. */
int sm_spec_set_values(struct sm_spec *s, const struct sm_value *values,
		       struct sm_err *err);
int sm_spec_set_input(struct sm_spec *s, size_t i, const char *name,
		      const char *path, const struct sm_digest *d,
		      struct sm_err *err);
int sm_spec_set_output(struct sm_spec *s, const char *path, struct sm_err *err);
/* A copy of the other one's `earlier`; one more of them. */
int sm_spec_take_earlier(struct sm_spec *s, const struct sm_spec *of,
			 struct sm_err *err);
int sm_spec_add_earlier(struct sm_spec *s, const char *text,
			struct sm_err *err);
int sm_spec_set_home(struct sm_spec *s, const char *path, struct sm_err *err);

/* Memory that lives as long as the specification; NULL if there is none. */
void *sm_spec_alloc(struct sm_spec *s, size_t bytes);
char *sm_spec_strdup(struct sm_spec *s, const char *text);

/*
 * Read `text`, called `where` in messages.  `kinds(i)` are the kinds there are,
 * NULL at the end.  SM_EINPUT with place, reason and, for an unknown key, the
 * nearest known one: not JSON, wrong type, number as text, missing or double
 * key, a value out of range; SM_EREFUSED for another version.
 */
int sm_spec_parse(struct sm_spec **out,
		  const struct sm_kind_info *(*kinds)(size_t i),
		  const char *text, const char *where, struct sm_err *err);

/* The batches of one part: [*first, *end).  Parts differ by one at most. */
void sm_spec_part_range(uint64_t *first, uint64_t *end, uint64_t batches,
			uint64_t part, uint64_t parts);
/* The part that has the batch `id`. */
uint64_t sm_spec_part_of(uint64_t id, uint64_t batches, uint64_t parts);

/*
 * As JSON, indented, a newline at the end; free() it.  Strings that are not
 * UTF-8 are kept byte for byte, as {"bytes": "<hex>"}.
 */
char *sm_spec_text(const struct sm_spec *s, struct sm_err *err);

/* Hash of the canonical JSON (sorted, compact) of content options and digests
 * (sizes and CRCs, by input name); UINT64_MAX never. */
int sm_spec_fingerprint(uint64_t *fp, const struct sm_spec *s,
			struct sm_err *err);

/*
 * Append "--min-score was 0.3, is 0.5; …" for every content option that
 * differs; returns their number.  Inputs are compared by the caller.
 */
unsigned sm_spec_diff(struct sm_buf *out, const struct sm_spec *planned,
		      const struct sm_spec *now);

/* How many of these are numbers that may grow, and grew? */
unsigned sm_spec_grown(const struct sm_spec *planned,
		       const struct sm_spec *now);
/* Do options differ that make other batches, not only more of them? */
bool sm_spec_cuts_differ(const struct sm_spec *planned,
			 const struct sm_spec *now);
/* Is it the job's fingerprint, or was it before it was extended? */
bool sm_spec_had(const struct sm_spec *s, uint64_t fingerprint);
/* Is what has that fingerprint the job's batch `id` as it is planned? */
bool sm_spec_made(const struct sm_spec *s, uint64_t fingerprint, uint64_t id);

/* Are the options equal that sm_spec_diff() leaves out? */
bool sm_spec_same_free(const struct sm_spec *a, const struct sm_spec *b);

void sm_spec_free(struct sm_spec *s); /* NULL is allowed */

/* Version of the jansson that is loaded. */
const char *sm_spec_jansson(void);

#endif /* SM_SPEC_H */
