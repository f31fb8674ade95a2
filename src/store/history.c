/*
 * history.c - single batches and their attempts, for `status`
 *
 * It fills the structs of shardmill.h, in which states and outcomes are words.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#include "batch_sql.h"

#include "history.h"

/* The last line of a text that is not empty; malloc'd, NULL if none. */
static char *
history_last_line(const char *text, bool *failed)
{
	const char *end, *begin;
	char *line;

	if (!text)
		return NULL;
	end = text + strlen(text);
	while (end > text && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	for (begin = end; begin > text && begin[-1] != '\n'; begin--)
		;
	if (begin == end)
		return NULL;
	line = strndup(begin, (size_t)(end - begin));
	if (!line)
		*failed = true;
	return line;
}

static int
history_list(struct sm_status *st, const char *text, int max, struct sm_db *db,
	     struct sm_err *err)
{
	double now = sm_clock_wall(), started, finished;
	struct sm_status_batch b = { 0 }, *p;
	char *stderr_text;
	bool failed = false;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL(IN(max)), err);

	if (ret < 0)
		return ret;
	while ((ret = sm_sql_next(s, db, "read the batches",
				  SQL(OUT(&b.id), OUT(&b.state), OUT(&b.error),
				      OUT(&b.attempts), OUT(&started),
				      OUT(&finished), OUT(&b.pid), OUT(&b.slot),
				      OUT(&b.usual_s), OUT(&stderr_text)),
				  err)) > 0) {
		if (strcmp(b.state, "running") == 0)
			finished = now;
		/* It may have been begun since we looked at the clock. */
		b.elapsed_s = finished > started ? finished - started : 0;
		b.stderr_tail = history_last_line(stderr_text, &failed);
		free(stderr_text);
		p = realloc(st->batch, (st->batches + 1) * sizeof(*p));
		if (p) {
			st->batch = p;
			st->batch[st->batches++] = b;
		} else {
			free(b.state);
			free(b.error);
			free(b.stderr_tail);
			failed = true;
		}
		if (failed) {
			ret = sm_err_mem(err, "the status");
			break;
		}
	}
	return sm_sql_end(s, ret);
}

int
sm_history_list(struct sm_status *st, int max, struct sm_db *db,
		struct sm_err *err)
{
#define LIST(state, usual, from, order)                                        \
	"SELECT b.id, b.state, b.error, b.attempts, b.started, b.finished, "   \
	"coalesce(w.pid, 0), coalesce(w.slot, -1), " usual                     \
	", (SELECT stderr FROM attempt WHERE batch = b.id "                    \
	"AND stderr IS NOT NULL ORDER BY id DESC LIMIT 1) "                    \
	"FROM batch AS b LEFT JOIN worker AS w ON w.id = b.worker " from       \
	"WHERE b.state = '" state "' ORDER BY " order " LIMIT ?"
	static const char failed[] = LIST("failed", "0.0", "", "b.id");
	static const char running[] =
		LIST("running", "coalesce(s.usual_seconds, 0.0)",
		     "LEFT JOIN stragglers AS s ON s.batch = b.id ",
		     "b.started, b.id");
#undef LIST
	int ret = history_list(st, failed, max, db, err);

	if (ret == 0)
		ret = history_list(st, running, max, db, err);
	return ret;
}

int
sm_history_failures(struct sm_status *st, int max, struct sm_db *db,
		    struct sm_err *err)
{
	static const char text[] =
		"SELECT reason, message, stderr, examples, tries, batches, "
		"failed, open FROM failures WHERE failed > 0 OR open > 0 "
		"LIMIT ?";
	struct sm_status_failure *f;
	char *stderr_text;
	bool failed = false;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL(IN(max)), err);

	while (ret == 0) {
		f = realloc(st->failure, (st->failures + 1) * sizeof(*f));
		if (!f || failed) {
			st->failure = f ? f : st->failure;
			ret = sm_err_mem(err, "the status");
			break;
		}
		st->failure = f;
		f += st->failures;
		*f = (struct sm_status_failure){ 0 };
		ret = sm_sql_next(s, db, "read the failures",
				  SQL(OUT(&f->reason), OUT(&f->message),
				      OUT(&stderr_text), OUT(&f->examples),
				      OUT(&f->tries), OUT(&f->batches),
				      OUT(&f->failed), OUT(&f->open)),
				  err);
		if (ret <= 0)
			return ret;
		st->failures++;
		f->stderr_tail = history_last_line(stderr_text, &failed);
		free(stderr_text);
		ret = 0;
	}
	return sm_sql_end(s, ret);
}

static int
history_attempts(struct sm_batch_status *st, struct sm_db *db,
		 struct sm_err *err)
{
	static const char text[] =
		"SELECT a.id, a.worker, coalesce(w.pid, 0), "
		"coalesce(w.slot, -1), a.token, w.host, a.started, "
		"a.ended, a.outcome, a.exit_status, a.signal, a.error_class, "
		"a.message, a.stderr FROM attempt AS a "
		"LEFT JOIN worker AS w ON w.id = a.worker "
		"WHERE a.batch = ? ORDER BY a.id";
	struct sm_attempt *a;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL(IN(st->id)), err);

	while (ret == 0) {
		/* Room for the next one first, so that it is read in place. */
		a = realloc(st->attempt, (st->attempt_count + 1) * sizeof(*a));
		if (!a) {
			ret = sm_err_mem(err, "the attempts");
			break;
		}
		st->attempt = a;
		a += st->attempt_count;
		*a = (struct sm_attempt){ 0 };
		ret = sm_sql_next(
			s, db, "read the attempts",
			SQL(OUT(&a->id), OUT(&a->worker), OUT(&a->pid),
			    OUT(&a->slot), OUT(&a->token), OUT(&a->host),
			    OUT(&a->started), OUT(&a->ended), OUT(&a->outcome),
			    OUT_OPT(&a->exit_status), OUT_OPT(&a->signal),
			    OUT(&a->error_class), OUT(&a->message),
			    OUT(&a->stderr_text)),
			err);
		if (ret <= 0)
			return ret;
		a->number = (int64_t)++st->attempt_count;
		ret = 0;
	}
	return ret;
}

int
sm_history_batch(struct sm_batch_status *st, struct sm_db *db, uint64_t batch,
		 struct sm_err *err)
{
	static const char text[] =
		"SELECT " PIECE_COLUMNS ", state, error, attempts, priority, "
		"not_before, started, finished, " COUNT_COLUMNS
		", raw_bytes, gz_bytes FROM batch WHERE id = ?";
	bool found;
	int ret = sm_sql_one(
		&found, db, "read a batch", text,
		SQL(IN(batch), OUT_PIECE(st), OUT(&st->state), OUT(&st->error),
		    OUT(&st->attempts), OUT(&st->priority),
		    OUT(&st->not_before), OUT(&st->started), OUT(&st->finished),
		    OUT_OPT(&st->rows), OUT_OPT(&st->records),
		    OF_TALLIES(OUT_OPT_AT, st->tally), OUT_OPT(&st->raw_bytes),
		    OUT_OPT(&st->gz_bytes)),
		err);

	if (ret < 0)
		return ret;
	if (!found)
		return sm_err_set(err, SM_EUSAGE,
				  "there is no batch %llu in this job; "
				  "batches count from 0",
				  (unsigned long long)batch);
	st->id = batch;
	return history_attempts(st, db, err);
}

int
sm_history_fingerprints(uint64_t *fingerprint, size_t *count, size_t most,
			struct sm_db *db, struct sm_err *err)
{
	static const char text[] = "SELECT DISTINCT fingerprint FROM attempt "
				   "WHERE outcome = 'done'";
	char hex[17];
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL_NOTHING, err);

	*count = 0;
	if (ret < 0)
		return ret;
	while (*count < most &&
	       (ret = sm_sql_next(s, db, "read the attempts",
				  SQL(OUT_CHARS(hex)), err)) > 0)
		fingerprint[(*count)++] = strtoull(hex, NULL, 16);
	return sm_sql_end(s, ret);
}

/* ---------------------------------------------------------------- lists -- */

/* A member of a struct of strings that are nobody's to change. */
#define OUT_CONST(p)  OUT((char **)(p))
#define FREE_CONST(p) free((char *)(p))

int
sm_history_batches(struct sm_look_batch *row, size_t *n, int max, int64_t after,
		   struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT id, first, \"end\", first_byte, end_byte, item, state, "
		"error, attempts, priority, not_before, started, finished, "
		"rows, records, raw_bytes, gz_bytes FROM batch WHERE id > ? "
		"ORDER BY id LIMIT ?";
	struct sm_look_batch *b;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL(IN(after), IN(max)), err);

	for (*n = 0; ret >= 0 && *n < (size_t)max; ++*n) {
		b = &row[*n];
		*b = (struct sm_look_batch){ 0 };
		ret = sm_sql_next(
			s, db, "read the batches",
			SQL(OUT(&b->id), OUT_OPT(&b->first), OUT_OPT(&b->end),
			    OUT_OPT(&b->first_byte), OUT_OPT(&b->end_byte),
			    OUT_CONST(&b->item), OUT_CONST(&b->state),
			    OUT_CONST(&b->error), OUT(&b->attempts),
			    OUT(&b->priority), OUT(&b->not_before),
			    OUT(&b->started), OUT(&b->finished),
			    OUT_OPT(&b->rows), OUT_OPT(&b->records),
			    OUT_OPT(&b->raw_bytes), OUT_OPT(&b->gz_bytes)),
			err);
		if (ret <= 0)
			return ret;
	}
	if (ret < 0)
		return ret;
	sqlite3_reset(s);
	return 0;
}

int
sm_history_attempts(struct sm_look_attempt *row, size_t *n, int max,
		    int64_t after, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT a.id, a.batch, a.worker, coalesce(w.slot, -1), "
		"a.started, a.ended, a.outcome, a.exit_status, a.signal, "
		"a.error_class, a.message, a.stderr FROM attempt AS a "
		"LEFT JOIN worker AS w ON w.id = a.worker "
		"WHERE a.id > ? ORDER BY a.id LIMIT ?";
	struct sm_look_attempt *a;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL(IN(after), IN(max)), err);

	for (*n = 0; ret >= 0 && *n < (size_t)max; ++*n) {
		a = &row[*n];
		*a = (struct sm_look_attempt){ 0 };
		ret = sm_sql_next(
			s, db, "read the attempts",
			SQL(OUT(&a->id), OUT(&a->batch), OUT(&a->worker),
			    OUT(&a->slot), OUT(&a->started), OUT(&a->ended),
			    OUT_CONST(&a->outcome), OUT_OPT(&a->exit_status),
			    OUT_OPT(&a->signal), OUT_CONST(&a->error_class),
			    OUT_CONST(&a->message), OUT_CONST(&a->stderr_text)),
			err);
		if (ret <= 0)
			return ret;
	}
	if (ret < 0)
		return ret;
	sqlite3_reset(s);
	return 0;
}

int
sm_history_runs(struct sm_look_run *row, size_t *n, int max, int64_t after,
		struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT r.id, r.command, r.host, r.version, r.why, r.pid, "
		"r.workers, r.started, r.ended, r.exit_status, r.signal, "
		"v.done, v.failed FROM run AS r JOIN runs AS v "
		"ON v.run = r.id WHERE r.id > ? ORDER BY r.id LIMIT ?";
	struct sm_look_run *r;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL(IN(after), IN(max)), err);

	for (*n = 0; ret >= 0 && *n < (size_t)max; ++*n) {
		r = &row[*n];
		*r = (struct sm_look_run){ 0 };
		ret = sm_sql_next(
			s, db, "read the runs",
			SQL(OUT(&r->id), OUT_CONST(&r->command),
			    OUT_CONST(&r->host), OUT_CONST(&r->version),
			    OUT_CONST(&r->why), OUT(&r->pid), OUT(&r->workers),
			    OUT(&r->started), OUT(&r->ended),
			    OUT_OPT(&r->exit_status), OUT_OPT(&r->signal),
			    OUT(&r->done), OUT(&r->failed)),
			err);
		if (ret <= 0)
			return ret;
	}
	if (ret < 0)
		return ret;
	sqlite3_reset(s);
	return 0;
}

int
sm_history_reasons(struct sm_look_failure *row, size_t *n, int max,
		   int64_t after, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT reason, message, error_class, stderr, examples, tries, "
		"batches, failed, open FROM failures LIMIT ?2 OFFSET ?1";
	struct sm_look_failure *f;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL(IN(after), IN(max)), err);

	for (*n = 0; ret >= 0 && *n < (size_t)max; ++*n) {
		f = &row[*n];
		*f = (struct sm_look_failure){ 0 };
		ret = sm_sql_next(
			s, db, "read the failures",
			SQL(OUT_CONST(&f->reason), OUT_CONST(&f->message),
			    OUT_CONST(&f->error_class),
			    OUT_CONST(&f->stderr_text), OUT_CONST(&f->examples),
			    OUT(&f->tries), OUT(&f->batches), OUT(&f->failed),
			    OUT(&f->open)),
			err);
		if (ret <= 0)
			return ret;
	}
	if (ret < 0)
		return ret;
	sqlite3_reset(s);
	return 0;
}

void
sm_history_free_batch(struct sm_look_batch *row)
{
	FREE_CONST(row->item);
	FREE_CONST(row->state);
	FREE_CONST(row->error);
}

void
sm_history_free_attempt(struct sm_look_attempt *row)
{
	FREE_CONST(row->outcome);
	FREE_CONST(row->error_class);
	FREE_CONST(row->message);
	FREE_CONST(row->stderr_text);
}

void
sm_history_free_run(struct sm_look_run *row)
{
	FREE_CONST(row->command);
	FREE_CONST(row->host);
	FREE_CONST(row->version);
	FREE_CONST(row->why);
}

void
sm_history_free_failure(struct sm_look_failure *row)
{
	FREE_CONST(row->reason);
	FREE_CONST(row->message);
	FREE_CONST(row->error_class);
	FREE_CONST(row->stderr_text);
	FREE_CONST(row->examples);
}
