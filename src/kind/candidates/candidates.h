/*
 * candidates.h - what the files of the candidates job share
 *
 * The job's two arrays, [rows, width], are read in place through their
 * mappings, or block by block where they are not as the host has them.  A
 * candidate is handled as the 64 bits of its value, those of a signed array
 * with the sign extended; scores are compared as doubles.
 */
#ifndef SM_CANDIDATES_H
#define SM_CANDIDATES_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "kind.h"
#include "npy_rows.h"
#include "numtext.h"
#include "table.h"

#define SM_CANDIDATES_KEYS  "keys" /* the tables' names */
#define SM_CANDIDATES_VOCAB "vocab"

struct sm_candidates_input {
	struct sm_npy cands, scores;
	struct sm_npy_rows ids, values; /* of these */
	uint64_t rows, width;
	uint64_t first, end; /* the rows that can be read now */
	bool is_signed;      /* the candidates */
	bool has_pad;        /* and the array's type can hold it */
	uint64_t pad;
};

/* In the order of the words of its option. */
enum sm_digits { SM_DIGITS_SOURCE, SM_DIGITS_DOUBLE };

/* candidates_options.c says what each is, and its default. */
struct sm_candidates_opts {
	const char *cands, *scores, *keys, *vocab; /* paths */
	int keys_format, vocab_format;             /* enum sm_table_format */
	bool vocab_inverted;
	double min_score; /* sm_candidates_min_score() */
	bool has_min_score;
	bool has_pad;
	int64_t pad;
	uint64_t min_candidates;
	uint64_t max_candidates; /* 0: all */
	uint64_t batch_rows;
	bool no_stop;
	int score_digits; /* enum sm_digits */
	int ids;          /* enum sm_ids */
	int encoder;      /* enum sm_encoding */
	int level;        /* of SM_ENCODER_ZLIB */
	const char *key_field, *list_field, *id_field, *score_field;
};

extern const struct sm_kind sm_kind_candidates;
extern const struct sm_kind_info sm_candidates_info;

/* The i-th of the four files. */
bool sm_candidates_file(struct sm_kind_input *in, size_t i, const void *opts);

/*
 * Where the input of the option `name` is: as the specification recorded it,
 * else as the options have it.
 */
const char *sm_candidates_path(const struct sm_spec *spec, const char *name);

/*
 * Unpack those of the two arrays that are deflated in an archive into
 * `tables_dirfd`, where workers find them; `step` is that of struct sm_npz.
 */
int sm_candidates_unpack(const struct sm_spec *spec, int tables_dirfd,
			 const struct sm_npz *step, struct sm_err *err);

/* Map both arrays and check types and shapes; SM_EINPUT. */
int sm_candidates_input_open(struct sm_candidates_input *in,
			     const struct sm_spec *spec, int tables_dirfd,
			     struct sm_err *err);
/* A zeroed one is allowed. */
void sm_candidates_input_close(struct sm_candidates_input *in);

/* Read from row `first` on, up to `end` or the end of a block. */
int sm_candidates_input_get(struct sm_candidates_input *in, uint64_t first,
			    uint64_t end, struct sm_err *err);

/*
 * Count what a worker would write and leave out of the first `rows` rows.
 */
int sm_candidates_sample(struct sm_counts *counts,
			 const struct sm_candidates_input *in,
			 const struct sm_table *vocab,
			 const struct sm_candidates_opts *opts, uint64_t rows,
			 struct sm_err *err);

int sm_candidates_cut(struct sm_kind_cut *cut, struct sm_err *err);
int sm_candidates_open(void **state, const struct sm_kind_env *env,
		       struct sm_err *err);
int sm_candidates_produce(void *state, const struct sm_piece *b,
			  struct sm_out *out, struct sm_err *err);
void sm_candidates_close(void *state);

/*
 * Readers of item `at`, counted in C order from the first row that can be read;
 * .npy data may stand unaligned.  Loops have one copy for each type, inlined by
 * a constant, in place of a look at the type per item.
 */

static inline __attribute__((always_inline)) uint64_t
sm_candidates_id_as(const struct sm_candidates_input *in, enum sm_npy_type type,
		    uint64_t at)
{
	const unsigned char *p = in->ids.data;
	uint64_t u8;
	uint32_t u4;
	int32_t i4;

	switch (type) {
	case SM_NPY_I4:
		memcpy(&i4, p + at * 4, 4);
		return (uint64_t)(int64_t)i4;
	case SM_NPY_U4:
		memcpy(&u4, p + at * 4, 4);
		return u4;
	default:
		memcpy(&u8, p + at * 8, 8);
		return u8;
	}
}

static inline uint64_t
sm_candidates_id(const struct sm_candidates_input *in, uint64_t at)
{
	return sm_candidates_id_as(in, in->ids.type, at);
}

static inline float
sm_candidates_score_f32(const struct sm_candidates_input *in, uint64_t at)
{
	float v;

	memcpy(&v, in->values.data + at * 4, 4);
	return v;
}

static inline uint16_t
sm_candidates_score_f16(const struct sm_candidates_input *in, uint64_t at)
{
	uint16_t v;

	memcpy(&v, in->values.data + at * 2, 2);
	return v;
}

static inline __attribute__((always_inline)) double
sm_candidates_score_as(const struct sm_candidates_input *in,
		       enum sm_npy_type type, uint64_t at)
{
	double v;

	switch (type) {
	case SM_NPY_F4:
		return (double)sm_candidates_score_f32(in, at);
	case SM_NPY_F2:
		return sm_half_to_double(sm_candidates_score_f16(in, at));
	default:
		memcpy(&v, in->values.data + at * 8, 8);
		return v;
	}
}

static inline double
sm_candidates_score(const struct sm_candidates_input *in, uint64_t at)
{
	return sm_candidates_score_as(in, in->values.type, at);
}

/* Without one every score passes but a NaN. */
static inline double
sm_candidates_min_score(const struct sm_candidates_opts *o)
{
	return o->has_min_score ? o->min_score : -INFINITY;
}

/* No item can have this number: -1 is what an index returns for none. */
static inline bool
sm_candidates_id_negative(const struct sm_candidates_input *in, uint64_t id)
{
	return in->is_signed && id > INT64_MAX;
}

#endif /* SM_CANDIDATES_H */
