/*
 * batch_sql.h - what batch.c (planning, claims), batch_end.c (how a claim
 * ends), batch_read.c and history.c say of a row in SQL
 */
#ifndef SM_BATCH_SQL_H
#define SM_BATCH_SQL_H

#include "sql.h"

#include "batch.h"

#define PIECE_COLUMNS "first, \"end\", first_byte, end_byte, item"
#define IN_PIECE(p)                                                            \
	IN_OPT((p)->first), IN_OPT((p)->end), IN_OPT((p)->first_byte),         \
		IN_OPT((p)->end_byte), IN((p)->item)
#define OUT_PIECE(p)                                                           \
	OUT_OPT(&(p)->first), OUT_OPT(&(p)->end), OUT_OPT(&(p)->first_byte),   \
		OUT_OPT(&(p)->end_byte), OUT(&(p)->item)

/* In the order of base/tally.c. */
#define TALLY_COLUMNS                                                          \
	"entries, low_score, too_few, of_too_few, padding, skipped, nan, "     \
	"over_maximum"
#define OF_TALLIES(X, t)                                                       \
	X((t)[0]), X((t)[1]), X((t)[2]), X((t)[3]), X((t)[4]), X((t)[5]),      \
		X((t)[6]), X((t)[7])
_Static_assert(SM_TALLIES == 8, "each tally has a column");

#define OUT_AT(v)     OUT(&(v))
#define OUT_OPT_AT(v) OUT_OPT(&(v))

#define COUNT_COLUMNS "rows, records, " TALLY_COLUMNS
#define COUNT_PLACES  "?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
#define IN_COUNTS(c)  IN((c)->rows), IN((c)->records), OF_TALLIES(IN, (c)->tally)
#define OUT_COUNTS(c)                                                          \
	OUT(&(c)->rows), OUT(&(c)->records), OF_TALLIES(OUT_AT, (c)->tally)

#define SIZE_COLUMNS                                                           \
	"raw_bytes, gz_bytes, raw_crc32, gz_crc32, file_bytes, file_crc32"
#define SIZE_PLACES "?, ?, ?, ?, ?, ?"
#define IN_SIZES(s)                                                            \
	IN((s)->raw_bytes), IN((s)->gz_bytes), IN((s)->raw_crc32),             \
		IN((s)->gz_crc32), IN((s)->file_bytes), IN((s)->file_crc32)
#define OUT_SIZES(s)                                                           \
	OUT(&(s)->raw_bytes), OUT(&(s)->gz_bytes), OUT(&(s)->raw_crc32),       \
		OUT(&(s)->gz_crc32), OUT(&(s)->file_bytes),                    \
		OUT(&(s)->file_crc32)

/* The attempt's row of b->token; fills b->attempt. */
int sm_batch_open_attempt(struct sm_db *db, struct sm_batch *b,
			  const struct sm_claim *claim, struct sm_err *err);

#endif /* SM_BATCH_SQL_H */
