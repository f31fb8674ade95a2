/*
 * joined.h - which batches are in the final file, growing or finished
 *
 * `joined` of a row is the token whose bytes that file holds, `joined_at` where
 * they begin in it.  A row whose `joined` is not its token was made again
 * since.
 *
 * A job that consumes its shards removes one once its bytes are durably in the
 * file and this is committed.  Its `generation` is then the file's that the
 * rows speak of, so that rows and file change at one COMMIT; before the first
 * such commit it is 0, and every done row has its shard.
 *
 * What writes runs inside sm_db_begin_write().
 */
#ifndef SM_JOINED_H
#define SM_JOINED_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"

/* Not `held`: the row is no longer done with that token. */
int sm_joined_record(bool *held, struct sm_db *db, uint64_t id, int64_t token,
		     uint64_t at, struct sm_err *err);
/* The same of a row that was just adopted, whatever its token. */
int sm_joined_adopt(struct sm_db *db, uint64_t id, uint64_t at,
		    struct sm_err *err);
/* No file holds anything. */
int sm_joined_forget(struct sm_db *db, struct sm_err *err);
int sm_joined_generation(int64_t *generation, struct sm_db *db,
			 struct sm_err *err);
int sm_joined_set_generation(struct sm_db *db, int64_t generation,
			     struct sm_err *err);

/* The token of the done row `id`, if the file has its bytes; else 0. */
int sm_joined_token(int64_t *token, struct sm_db *db, uint64_t id,
		    struct sm_err *err);
/* Is the token of a done row after `id` in the file? */
int sm_joined_any_behind(bool *any, struct sm_db *db, uint64_t id,
			 struct sm_err *err);
/* Where the last of the bytes end that rows rely on. */
int sm_joined_end(uint64_t *end, struct sm_db *db, struct sm_err *err);
/*
 * Of which options the row's attempt was, as 64 bits; 0: that is not known any
 * more.
 */
int sm_joined_fingerprint(uint64_t *fingerprint, struct sm_db *db, uint64_t id,
			  int64_t token, struct sm_err *err);
/* Is a done row's token in the file? */
int sm_joined_any(bool *any, struct sm_db *db, struct sm_err *err);

#endif /* SM_JOINED_H */
