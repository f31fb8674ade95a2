/*
 * out.h - where the text of a batch goes
 *
 *	sm_out_new() once per worker
 *	per batch:  sm_out_begin(), then the public sm_out_text(),
 *		    sm_out_records() and their kin, sm_out_end()
 *	sm_out_free()
 *
 * Every kind of job writes through this, the program's own ones and a
 * producer of somebody else's program (shardmill.h) alike: it owns the
 * encoders, counts lines and rows, and keeps the first failure, so that a
 * producer that forgot to look at one cannot commit half a batch.
 *
 * Text and records may alternate.  Each encoder begins afresh after the other,
 * since it would refer to a window that has the other's text in it.
 */
#ifndef SM_OUT_H
#define SM_OUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <shardmill.h>

#include "buf.h"
#include "piece.h"

#include "encoder.h"
#include "record.h"
#include "shard.h"

/* `stop`: the batch is to be given up; NULL: nobody asks. */
int sm_out_new(struct sm_out **out, const atomic_bool *stop,
	       struct sm_err *err);
void sm_out_free(struct sm_out *out); /* NULL is allowed */

/*
 * The kind's choice for text, before the first of it; without it level 1 of our
 * own encoder.
 */
void sm_out_encode(struct sm_out *out, enum sm_encoder_how how, int level);

/* A batch: both stay the caller's until sm_out_end(). */
void sm_out_begin(struct sm_out *out, struct sm_shard *shard,
		  struct sm_made *made);
/*
 * The text is whole: bring the encoder to its end, write the last row note,
 * fill in records and open_line of `made`.  The first failure of all that was
 * written, if there was one.
 */
int sm_out_end(struct sm_out *out, struct sm_err *err);

/* The first failure so far, or 0. */
int sm_out_failure(const struct sm_out *out, struct sm_err *err);
struct sm_shard *sm_out_shard(const struct sm_out *out);
struct sm_made *sm_out_made(const struct sm_out *out);
/* Does the text so far lack its last newline? */
bool sm_out_in_line(const struct sm_out *out);
/* SM_ETOOBIG beyond so many bytes, of text or of the file; 0: no limit. */
void sm_out_limit(struct sm_out *out, uint64_t bytes);
/* The batch makes a file, and its text is the receipt: text is refused. */
void sm_out_refuse_text(struct sm_out *out, bool refuse);

/*
 * The record writer of these names and this encoding, begun: for a kind that
 * hands over its records without a call in between.
 */
int sm_out_writer(struct sm_record_writer **writer, struct sm_out *out,
		  const struct sm_record_fields *fields, int encoding,
		  int level, struct sm_err *err);
/* So many records went through that writer. */
void sm_out_count(struct sm_out *out, uint64_t records);

/*
 * A file that the batch makes beside its text, in the directory `dirfd`, whose
 * path is `dir`: under which path it is to be made, and once it is complete its
 * receipt, which is the text.  Of a batch, one after the other.
 */
struct sm_out_file {
	const char *dir, *suffix;
	int dirfd;
	unsigned digits;
	struct sm_buf path; /* out; the caller releases it */
};

int sm_out_file_begin(struct sm_out_file *f, struct sm_out *out,
		      const struct sm_piece *b, struct sm_err *err);
int sm_out_file_end(uint64_t *bytes, const struct sm_out_file *f,
		    struct sm_out *out, const struct sm_piece *b,
		    struct sm_err *err);

#endif /* SM_OUT_H */
