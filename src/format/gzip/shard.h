/*
 * shard.h - write one gzip shard file, whole or not at all
 *
 * Calling sequence:
 *
 *	sm_shard_open(), then by an encoder sm_shard_text() and
 *	sm_shard_deflated() any number of times, sm_shard_finish(), then,
 *	inside the write transaction that marks the batch done and after its
 *	guard held, sm_shard_publish(), and always, at the end,
 *	sm_shard_free().
 *
 * The shard is a final file of one batch (gzip.h).  What is compressed, and
 * how, is the encoder's: it hands in each run of text for the counts and the
 * CRC, and the deflate bytes for it, which must end on a byte boundary and hold
 * no block marked as the last one.  Without text there are none.
 *
 * A producer that may leave out rows calls sm_shard_row() for each, in order.
 * When that says that a row note is due, it brings the encoder to a byte
 * boundary and calls sm_shard_note(); at the end as well, if one is due then.
 *
 * Until it is published a shard is named "<name>.<token>.tmp", which no reader
 * opens; freeing an unpublished shard unlinks it.  After sm_shard_finish() the
 * contents are on disk, if `sync` was asked for.  Publishing renames under the
 * database's write lock, so a worker that lost its batch cannot replace its
 * successor's shard; a rename that a power cut forgets is completed by the
 * start check, which knows the file by the token in the done row.
 *
 * After a failed call only sm_shard_free() may be called.  A shard belongs to
 * one thread.  Failures are SM_EIO or SM_ENOSPC unless said otherwise.
 */
#ifndef SM_SHARD_H
#define SM_SHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "piece.h"

#include "gzip.h"

struct sm_err;
struct sm_shard;

#define SM_SHARD_NAME_MAX   64
#define SM_SHARD_DIGITS_MAX 20 /* of a uint64_t */

/* "000017.gz" and "000017.<token>.tmp": digits as many as the last id has. */
void sm_shard_name(char *dst, uint64_t batch, unsigned digits);
void sm_shard_tmp_name(char *dst, uint64_t batch, unsigned digits,
		       int64_t token);
unsigned sm_shard_digits(uint64_t batches); /* at least 6 */
/* 1: "<batch>.gz"; 2: "<batch>.<token>.tmp"; 0: neither. */
int sm_shard_parse_name(const char *name, uint64_t *batch, int64_t *token);

/*
 * A batch may make a file of its own: "000017.parquet", and before it is
 * published "000017.<token>.tmp.parquet", since many programs go by a name's
 * end.  The shard is its receipt.
 */
#define SM_SHARD_SUFFIX_MAX  32
#define SM_SHARD_FILE_MAX    (SM_SHARD_NAME_MAX + SM_SHARD_SUFFIX_MAX)
#define SM_SHARD_RECEIPT_MAX (SM_SHARD_FILE_MAX + 128)

void sm_shard_file_name(char *dst, uint64_t batch, unsigned digits,
			const char *suffix);
void sm_shard_file_tmp_name(char *dst, uint64_t batch, unsigned digits,
			    int64_t token, const char *suffix);
/* 1: "<batch><suffix>"; 2: "<batch>.<token>.tmp<suffix>"; 0: neither. */
int sm_shard_parse_file(const char *name, const char *suffix, uint64_t *batch,
			int64_t *token);
/*
 * The text of its shard, a line of JSON: number of the batch, name, bytes and
 * CRC-32 of the file.  Returns its length.
 */
size_t sm_shard_receipt(char dst[SM_SHARD_RECEIPT_MAX], uint64_t batch,
			const char *file, uint64_t bytes, uint32_t crc32);

/*
 * Start the shard of `batch` in the directory `dirfd`, which stays the
 * caller's and must outlive the shard.  `token` is the claim's, so a worker
 * that lost its batch cannot write into its successor's file.
 */
int sm_shard_open(struct sm_shard **out, int dirfd, uint64_t batch,
		  unsigned digits, int64_t token, struct sm_err *err);
/* "000017.<token>.tmp", its name until it is published. */
const char *sm_shard_tmp(const struct sm_shard *s);
/*
 * A file `tmp` in the directory `dirfd`, which stays the caller's, is made by
 * somebody else beside the shard, and shares its fate: it is published as
 * `name` by the same call, and removed where the shard is.  Before the file is
 * made; names are SM_SHARD_FILE_MAX long at most.
 */
void sm_shard_beside(struct sm_shard *s, int dirfd, const char *tmp,
		     const char *name);
/*
 * It is complete: sync it, and read it once for its CRC.  SM_EOUTPUT: there is
 * none, or no regular file.
 */
int sm_shard_beside_end(uint64_t *bytes, uint32_t *crc32, struct sm_shard *s,
			struct sm_err *err);
/* Read a file from its beginning to its end: size and CRC-32. */
int sm_shard_sum(uint64_t *bytes, uint32_t *crc32, int fd, const char *name,
		 struct sm_err *err);
/* Account for text: size and CRC. */
void sm_shard_text(struct sm_shard *s, const void *text, size_t len);
/* Write compressed bytes. */
int sm_shard_deflated(struct sm_shard *s, const void *data, size_t len,
		      struct sm_err *err);
uint64_t sm_shard_raw_bytes(const struct sm_shard *s); /* so far */
/*
 * The next row was written, or left out.  True: a row note is due.  There is
 * one for each 4,096 rows with a line in them, once a row was left out; what
 * rows no note speaks of have is said in note.h.
 */
bool sm_shard_row(struct sm_shard *s, bool written);
/* All rows were told: is one due? */
bool sm_shard_note_is_due(const struct sm_shard *s);
/* Write it: the encoder is at a byte boundary. */
int sm_shard_note(struct sm_shard *s, struct sm_err *err);
/*
 * Write what follows the body, sync if asked, close.  `e` has fingerprint and
 * counts; its bytes and CRCs are filled in.
 */
int sm_shard_finish(struct sm_entry *e, struct sm_shard *s, bool sync,
		    struct sm_err *err);
/* Rename; a second call does nothing. */
int sm_shard_publish(struct sm_shard *s, struct sm_err *err);
/* Leave the temporary file where it is: its row may be committed. */
void sm_shard_keep(struct sm_shard *s);
void sm_shard_free(struct sm_shard *s); /* NULL is allowed */

#endif /* SM_SHARD_H */
