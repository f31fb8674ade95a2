#include <stdlib.h>
#include <string.h>

#include "clock.h"

#include "sql.h"

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
history_append(struct sm_status *st, sqlite3_stmt *s, double now,
	       struct sm_err *err)
{
	struct sm_status_batch *b, *p;
	bool failed = false;
	double started;

	p = realloc(st->batch, (st->batches + 1) * sizeof(*p));
	if (!p)
		return sm_err_mem(err, "the status");
	st->batch = p;
	b = &p[st->batches++];
	*b = (struct sm_status_batch){ 0 };
	b->id = (uint64_t)sqlite3_column_int64(s, 0);
	b->state = sm_sql_column_dup(s, 1, &failed);
	b->error = sm_sql_column_dup(s, 2, &failed);
	b->attempts = sqlite3_column_int64(s, 3);
	started = sqlite3_column_double(s, 4);
	b->elapsed_s = strcmp(b->state ? b->state : "", "running") == 0
			       ? now - started
			       : sqlite3_column_double(s, 5) - started;
	b->pid = sqlite3_column_int64(s, 6);
	b->stderr_tail = history_last_line(
		(const char *)sqlite3_column_text(s, 7), &failed);
	return failed ? sm_err_mem(err, "the status") : 0;
}

static int
history_list(struct sm_status *st, const char *text, int max, struct sm_db *db,
	     struct sm_err *err)
{
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	double now = sm_clock_wall();
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int(s, 1, max);
	while ((ret = sm_sql_step(db, s, "read the batches", err)) > 0) {
		ret = history_append(st, s, now, err);
		if (ret < 0)
			break;
	}
	sqlite3_reset(s);
	return ret;
}

int
sm_history_list(struct sm_status *st, int max, struct sm_db *db,
		struct sm_err *err)
{
#define LIST(state)                                                            \
	"SELECT b.id, b.state, b.error, b.attempts, b.started, b.finished, "   \
	"coalesce(w.pid, 0), (SELECT stderr FROM attempt WHERE batch = b.id "  \
	"AND stderr IS NOT NULL ORDER BY id DESC LIMIT 1) "                    \
	"FROM batch AS b LEFT JOIN worker AS w ON w.id = b.worker "            \
	"WHERE b.state = '" state "' ORDER BY b.id LIMIT ?"
	static const char failed[] = LIST("failed");
	static const char running[] = LIST("running");
#undef LIST
	int ret = history_list(st, failed, max, db, err);

	return ret < 0 ? ret : history_list(st, running, max, db, err);
}

static int
history_add_attempt(struct sm_batch_status *st, sqlite3_stmt *s,
		    struct sm_err *err)
{
	struct sm_attempt *a, *p;
	bool failed = false;

	p = realloc(st->attempt, (st->attempt_count + 1) * sizeof(*p));
	if (!p)
		return sm_err_mem(err, "the attempts");
	st->attempt = p;
	a = &p[st->attempt_count++];
	*a = (struct sm_attempt){ 0 };
	a->id = sqlite3_column_int64(s, 0);
	a->worker = sqlite3_column_int64(s, 1);
	a->pid = sqlite3_column_int64(s, 2);
	a->host = sm_sql_column_dup(s, 3, &failed);
	a->started = sqlite3_column_double(s, 4);
	a->ended = sqlite3_column_double(s, 5);
	a->outcome = sm_sql_column_dup(s, 6, &failed);
	a->exit_status = sm_sql_column_opt(s, 7);
	a->signal = sm_sql_column_opt(s, 8);
	a->error_class = sm_sql_column_dup(s, 9, &failed);
	a->message = sm_sql_column_dup(s, 10, &failed);
	a->stderr_text = sm_sql_column_dup(s, 11, &failed);
	return failed ? sm_err_mem(err, "the attempts") : 0;
}

static int
history_attempts(struct sm_batch_status *st, struct sm_db *db,
		 struct sm_err *err)
{
	static const char text[] =
		"SELECT a.id, a.worker, coalesce(w.pid, 0), w.host, a.started, "
		"a.ended, a.outcome, a.exit_status, a.signal, a.error_class, "
		"a.message, a.stderr FROM attempt AS a "
		"LEFT JOIN worker AS w ON w.id = a.worker "
		"WHERE a.batch = ? ORDER BY a.id";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)st->id);
	while ((ret = sm_sql_step(db, s, "read the attempts", err)) > 0) {
		ret = history_add_attempt(st, s, err);
		if (ret < 0)
			break;
	}
	sqlite3_reset(s);
	return ret;
}

int
sm_history_batch(struct sm_batch_status *st, struct sm_db *db, uint64_t batch,
		 struct sm_err *err)
{
	static const char text[] =
		"SELECT first, \"end\", first_byte, end_byte, item, state, "
		"error, attempts, priority, not_before, started, finished, "
		"rows, records, skipped, raw_bytes, gz_bytes "
		"FROM batch WHERE id = ?";
	sqlite3_stmt *s = sm_sql_get(db, text, err);
	bool failed = false;
	int ret;

	if (!s)
		return err->code;
	sqlite3_bind_int64(s, 1, (int64_t)batch);
	ret = sm_sql_step(db, s, "read a batch", err);
	if (ret < 0)
		return ret;
	if (ret == 0)
		return sm_err_set(err, SM_EUSAGE,
				  "there is no batch %llu in this job; "
				  "batches count from 0",
				  (unsigned long long)batch);
	st->id = batch;
	st->first = sm_sql_column_opt(s, 0);
	st->end = sm_sql_column_opt(s, 1);
	st->first_byte = sm_sql_column_opt(s, 2);
	st->end_byte = sm_sql_column_opt(s, 3);
	st->item = sm_sql_column_dup(s, 4, &failed);
	st->state = sm_sql_column_dup(s, 5, &failed);
	st->error = sm_sql_column_dup(s, 6, &failed);
	st->attempts = sqlite3_column_int64(s, 7);
	st->priority = sqlite3_column_int64(s, 8);
	st->not_before = sqlite3_column_double(s, 9);
	st->started = sqlite3_column_double(s, 10);
	st->finished = sqlite3_column_double(s, 11);
	st->rows = sm_sql_column_opt(s, 12);
	st->records = sm_sql_column_opt(s, 13);
	st->skipped = sm_sql_column_opt(s, 14);
	st->raw_bytes = sm_sql_column_opt(s, 15);
	st->gz_bytes = sm_sql_column_opt(s, 16);
	sqlite3_reset(s);
	if (failed)
		return sm_err_mem(err, "the batch");
	return history_attempts(st, db, err);
}
