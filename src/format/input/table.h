/*
 * table.h - keys and vocabularies, compiled once and mapped by every worker
 *
 * A table maps an index (row or candidate id) to the JSON text that is written
 * for it: quoted and escaped, or digits.  It is compiled at plan time into one
 * file in the job's tables/, so that a worker starts in milliseconds and all
 * workers share one copy in the page cache.  What the sources may look like is
 * in table_source.h, how a token is written in table_id.h.
 *
 * File: a header of 64 bytes (table_file.h), then slots of 16 bytes, then text.
 * A slot holds a text of up to 15 bytes itself (one cache miss per look-up),
 * else the place of a longer one.  A dense table has a slot for each index up
 * to the largest; one with more than 65536 of them and less than one entry in
 * 16 is sparse, and has its indices, sorted, in an array before the slots.
 * Numbers are little-endian.
 *
 * Compiling streams the source: memory does not grow with it (a sparse table
 * sorts its indices in the file's own mapping).
 */
#ifndef SM_TABLE_H
#define SM_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <shardmill.h>

#include "bytes.h"
#include "file.h"

struct sm_table_text {
	const char *text; /* JSON; NULL: the table lacks this index */
	size_t len;
};

struct sm_table_slot {
	/* Length up to 15, 0: missing, 255: `far` holds a longer text. */
	unsigned char len;
	union {
		char near[15];
		struct {
			unsigned char pad[3];
			unsigned char len[4]; /* bytes */
			unsigned char at[8];  /* from sm_table.text on */
		} far;
	} u;
};

struct sm_table {
	struct sm_map map;
	const struct sm_table_slot *slots;
	const uint64_t *sorted; /* sparse: the indices; else NULL */
	const char *text;       /* the longer ones */
	uint64_t count;         /* slots */
	uint64_t entries;       /* indices that have a text */
};

struct sm_table_source {
	const char *path;
	int format;    /* enum sm_table_format */
	int ids;       /* enum sm_ids, how tokens are written; ... */
	bool is_keys;  /* ... keys: strings stay strings, integers integers */
	bool inverted; /* a JSON object from token to index */
	void (*progress)(uint64_t done_bytes, uint64_t total_bytes, void *arg);
	void *arg;
};

struct sm_table_info {
	uint64_t entries;  /* indices with a text */
	uint64_t end;      /* largest index + 1, usable or not */
	uint64_t unusable; /* tokens that --ids int could not write */
	uint64_t crlf;     /* lines of a text that end in a carriage return */
	uint64_t quoted;   /* lines of a text in double quotes */
	bool bom;          /* a byte order mark was dropped */
	bool positional;   /* the place is the index: no JSON object */
	/* A text whose first line alone is no number: most likely a header. */
	bool header;
	/* A JSON object whose values are 0, 1, … and whose keys are not. */
	bool inverted;
	char first[40]; /* the first entry, or its beginning */
};

/*
 * Compile `source` into the new file `name` in `dirfd` (replaced if there),
 * synced.  SM_EINPUT names file, place and reason; two entries of one index
 * are an error.  On failure no file is left.  The directory is not
 * synced: who compiles several tables syncs it once.
 */
int sm_table_compile(struct sm_table_info *info, int dirfd, const char *name,
		     const struct sm_table_source *source, struct sm_err *err);

/*
 * Map a compiled table, and check every byte of it against its CRC;
 * SM_EDAMAGED if it is missing or not whole.
 */
int sm_table_open(struct sm_table *t, int dirfd, const char *name,
		  struct sm_err *err);
void sm_table_close(struct sm_table *t); /* a zeroed one is allowed */
/*
 * Look up in `copy` from now on, which holds what the map does, and outlives
 * the table.
 */
void sm_table_use_copy(struct sm_table *t, const void *copy);

/* Slot of `index` in a sparse table, or NULL. */
const struct sm_table_slot *sm_table_search(const struct sm_table *t,
					    uint64_t index);

static inline const struct sm_table_slot *
sm_table_slot(const struct sm_table *t, uint64_t index)
{
	if (__builtin_expect(t->sorted != NULL, 0))
		return sm_table_search(t, index);
	return index < t->count ? &t->slots[index] : NULL;
}

/*
 * To gcc 12 a function that does nothing else has no effect, and it leaves out
 * calls of it: this one, and callers that only loop over it, are not calls.
 */
static inline __attribute__((always_inline)) void
sm_table_prefetch(const struct sm_table *t, uint64_t index)
{
	if (index < t->count)
		__builtin_prefetch(&t->slots[index]);
}

static inline struct sm_table_text
sm_table_get(const struct sm_table *t, uint64_t index)
{
	const struct sm_table_slot *s = sm_table_slot(t, index);
	struct sm_table_text r = { 0 };

	if (!s || s->len == 0)
		return r;
	if (s->len != 255) {
		r.text = s->u.near;
		r.len = s->len;
		return r;
	}
	r.len = (size_t)sm_get_le(s->u.far.len, 4);
	r.text = t->text + sm_get_le(s->u.far.at, 8);
	return r;
}

#endif /* SM_TABLE_H */
