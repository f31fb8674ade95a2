/*
 * spec.h - the specification of a job: spec.json
 *
 * A kind of job describes its options struct by a table of fields; from that
 * table come the JSON, its strict reading, the list of differences between two
 * specifications, and the fingerprint.  The same text stands in job.db
 * (job.spec) and, as a second copy for `recover`, in the file spec.json:
 *
 *	{
 *	  "shardmill": 1,
 *	  "kind": "candidates",
 *	  "options": { "cands": "/data/cands.npy", "min_score": 0.3, … },
 *	  "inputs": [ { "name": "cands", "path": "/data/cands.npy",
 *	                "size": 240, "mtime_ns": 17…, "crc32": "0a1b2c3d",
 *	                "sampled": false }, … ],
 *	  "output": "/data/final.gz",
 *	  "batches": 200, "rows": 1000000,
 *	  "fingerprint": "0123456789abcdef"
 *	}
 *
 * A job in parts has "parts": 12 besides, and each of its parts "part": 3 too;
 * the numbers of batches and rows are those of the whole job in both.
 *
 * Fields marked SM_SPEC_PLACE say where something is, not what it is: paths
 * are stored absolute, and neither they nor names, times or parts enter the
 * fingerprint, so that equal jobs give equal bytes.
 */
#ifndef SM_SPEC_H
#define SM_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "digest.h"

#define SM_SPEC_VERSION    1
#define SM_SPEC_INPUTS_MAX 8

enum sm_spec_type {
	SM_SPEC_BOOL,   /* bool */
	SM_SPEC_UINT,   /* uint64_t, min to max */
	SM_SPEC_INT,    /* int64_t */
	SM_SPEC_LEVEL,  /* int, min to max */
	SM_SPEC_DOUBLE, /* double, finite; min to max unless SM_SPEC_SIGNED */
	SM_SPEC_ENUM,   /* int, one of `names` */
	SM_SPEC_STRING, /* const char *, NULL is JSON null */
	SM_SPEC_ARGV,   /* const char *const *, NULL-terminated */
};

enum {
	SM_SPEC_PLACE = 1,  /* not content: left out of fingerprint and diff */
	SM_SPEC_SIGNED = 2, /* DOUBLE: any finite number will do */
};

struct sm_spec_field {
	const char *name; /* in JSON; with '-' for '_' the option's name */
	enum sm_spec_type type;
	size_t offset; /* in the options struct */
	unsigned flags;
	uint64_t min, max;        /* UINT, LEVEL, DOUBLE; max 0: no limit */
	const char *const *names; /* ENUM: by value, NULL at the end */
	/* UINT, INT: offset of a bool, false for JSON null; 0: none needed */
	size_t has;
};

/* What a kind tells about its options. */
struct sm_spec_shape {
	const char *kind;
	const struct sm_spec_field *fields;
	size_t count;
	size_t opts_bytes;
	void (*init)(void *opts); /* defaults */
};

struct sm_spec_input {
	const char *name; /* of the option: "cands" */
	const char *path; /* absolute */
	struct sm_digest digest;
};

struct sm_spec {
	const struct sm_spec_shape *shape;
	void *opts; /* shape->opts_bytes; strings belong to the spec */
	struct sm_spec_input input[SM_SPEC_INPUTS_MAX];
	size_t inputs;
	const char *output;     /* absolute, or NULL */
	uint64_t batches, rows; /* of the whole job */
	uint64_t parts;         /* 0: the job is not in parts */
	int64_t part;           /* -1: none, this is the whole job */
	uint64_t fingerprint;
	void *priv; /* what the strings live in */
};

/* SM_EINPUT if a value is out of its range, naming option and range. */
int sm_spec_check(const struct sm_spec_shape *shape, const void *opts,
		  struct sm_err *err);

/*
 * A specification with a copy of `opts`; inputs, output, numbers and
 * fingerprint are for the caller to fill in (sm_spec_set_input(), …).
 * Fails as sm_spec_check() does; non-UTF-8 strings are kept byte for byte (in
 * JSON as {"bytes": "<hex>"}).  Integers end at INT64_MAX, as those of SQLite
 * and of the JSON reader do.
 */
int sm_spec_new(struct sm_spec **out, const struct sm_spec_shape *shape,
		const void *opts, struct sm_err *err);
int sm_spec_set_input(struct sm_spec *s, size_t i, const char *name,
		      const char *path, const struct sm_digest *d,
		      struct sm_err *err);
int sm_spec_set_output(struct sm_spec *s, const char *path, struct sm_err *err);

/*
 * Read `text`, called `where` in messages.  `shapes` are the kinds there are,
 * NULL at the end.  SM_EINPUT with place, reason and, for an unknown key, the
 * nearest known one: not JSON, wrong type, number as text, missing or double
 * key, a value out of range; SM_EREFUSED for a newer version.
 */
int sm_spec_parse(struct sm_spec **out,
		  const struct sm_spec_shape *const *shapes, const char *text,
		  const char *where, struct sm_err *err);

/*
 * The batches of one part: [*first, *end).  Parts differ by one batch at most.
 */
void sm_spec_part_range(uint64_t *first, uint64_t *end, uint64_t batches,
			uint64_t part, uint64_t parts);
/* The part that has the batch `id`. */
uint64_t sm_spec_part_of(uint64_t id, uint64_t batches, uint64_t parts);

/* As JSON, indented, a newline at the end; free() it. */
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

void sm_spec_free(struct sm_spec *s); /* NULL is allowed */

#endif /* SM_SPEC_H */
