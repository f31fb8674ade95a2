/*
 * batch_sql.h - what batch.c (planning, claims), batch_end.c (how a claim
 * ends) and batch_read.c share
 */
#ifndef SM_BATCH_SQL_H
#define SM_BATCH_SQL_H

#include "sql.h"

#include "batch.h"

/* first, end, first_byte, end_byte, item from `column` on. */
void sm_batch_read_bounds(struct sm_batch *b, sqlite3_stmt *s, int column,
			  bool *failed);
/* The attempt's row of b->token; fills b->attempt. */
int sm_batch_open_attempt(struct sm_db *db, struct sm_batch *b,
			  const struct sm_claim *claim, struct sm_err *err);

#endif /* SM_BATCH_SQL_H */
