/*
 * What a report reads of one database.  It is apart from history.c, which has
 * the few rows that `status` shows: this reads every batch and every attempt
 * once, in the order of the file, and leaves it to its caller to count them,
 * because a GROUP BY would sort a million rows several times.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sql.h"

#include "history.h"

/* Room for one more of a list, zeroed; NULL: there is no memory. */
static void *
report_grow(void *list, size_t *count, size_t size)
{
	char **array = list;
	char *grown = realloc(*array, (*count + 1) * size);

	if (!grown)
		return NULL;
	*array = grown;
	grown += *count * size;
	for (char *p = grown; p < grown + size; p++)
		*p = 0;
	++*count;
	return grown;
}

#define GROW(list, count) report_grow(&(list), &(count), sizeof(*(list)))

/*
 * One more element is made before each row, so that it is read in place; the
 * one that no row came for is taken back.
 */
static int
report_runs(struct sm_report *r, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT r.id, r.command, r.started, r.ended, r.host, r.pid, "
		"r.version, r.why, r.exit_status, r.signal, v.done, v.failed, "
		"r.workers, (SELECT coalesce(part, -1) FROM job) "
		"FROM run AS r JOIN runs AS v ON v.run = r.id "
		"ORDER BY r.id DESC LIMIT ?";
	struct sm_report_run *p;
	struct sm_status_run *x;
	uint64_t all = 0;
	sqlite3_stmt *s;
	int ret = sm_sql_one(NULL, db, "count the runs",
			     "SELECT count(*) FROM run", SQL(OUT(&all)), err);

	r->runs_all += all;
	if (ret == 0)
		ret = sm_sql_begin(&s, db, text, SQL(IN(SM_REPORT_ROWS)), err);
	if (ret < 0)
		return ret;
	for (;;) {
		p = GROW(r->run, r->runs);
		if (!p) {
			ret = sm_err_mem(err, "the report");
			break;
		}
		x = &p->run;
		ret = sm_sql_next(
			s, db, "read the runs",
			SQL(OUT(&x->id), OUT(&x->command), OUT(&x->started),
			    OUT(&x->ended), OUT(&x->host), OUT(&x->pid),
			    OUT(&x->version), OUT(&x->why),
			    OUT_OPT(&x->exit_status), OUT_OPT(&x->signal),
			    OUT(&x->done), OUT(&x->failed), OUT(&p->workers),
			    OUT(&p->part)),
			err);
		if (ret <= 0) {
			r->runs--;
			break;
		}
	}
	return sm_sql_end(s, ret);
}

static int
report_pauses(struct sm_report *r, struct sm_db *db, struct sm_err *err)
{
	struct sm_report_pause p, *to;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db,
			       "SELECT started, ended FROM pause "
			       "ORDER BY id DESC LIMIT ?",
			       SQL(IN(SM_REPORT_ROWS)), err);

	if (ret < 0)
		return ret;
	while ((ret = sm_sql_next(s, db, "read the pauses",
				  SQL(OUT(&p.started), OUT(&p.ended)), err)) >
	       0) {
		if (r->pauses == SM_REPORT_ROWS)
			break;
		to = GROW(r->pause, r->pauses);
		if (!to) {
			ret = sm_err_mem(err, "the report");
			break;
		}
		*to = p;
	}
	return sm_sql_end(s, ret);
}

static int
report_failures(struct sm_report *r, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT reason, message, error_class, stderr, examples, tries, "
		"batches, failed, open FROM failures LIMIT ?";
	struct sm_report_failure *f;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL(IN(SM_REPORT_FAILURES)), err);

	if (ret < 0)
		return ret;
	for (;;) {
		f = GROW(r->failure, r->failures);
		if (!f) {
			ret = sm_err_mem(err, "the report");
			break;
		}
		ret = sm_sql_next(s, db, "read the failures",
				  SQL(OUT(&f->reason), OUT(&f->message),
				      OUT(&f->error_class),
				      OUT(&f->stderr_text), OUT(&f->examples),
				      OUT(&f->tries), OUT(&f->batches),
				      OUT(&f->failed), OUT(&f->open)),
				  err);
		if (ret <= 0) {
			r->failures--;
			break;
		}
	}
	return sm_sql_end(s, ret);
}

static int
report_inputs(struct sm_report *r, struct sm_db *db, struct sm_err *err)
{
	struct sm_report_input *x;
	uint64_t all = 0;
	sqlite3_stmt *s;
	int ret = sm_sql_one(NULL, db, "count the inputs",
			     "SELECT count(*) FROM input", SQL(OUT(&all)), err);

	/* Those of all parts are the same. */
	if (ret < 0 || r->inputs > 0)
		return ret;
	r->inputs_all = all;
	ret = sm_sql_begin(&s, db,
			   "SELECT name, path, size, mtime + mtime_nsec / 1e9, "
			   "crc32, sampled FROM input ORDER BY name LIMIT ?",
			   SQL(IN(SM_REPORT_ROWS)), err);
	if (ret < 0)
		return ret;
	for (;;) {
		x = GROW(r->input, r->inputs);
		if (!x) {
			ret = sm_err_mem(err, "the report");
			break;
		}
		ret = sm_sql_next(s, db, "read the inputs",
				  SQL(OUT(&x->name), OUT(&x->path),
				      OUT(&x->size), OUT(&x->mtime),
				      OUT(&x->crc32), OUT(&x->sampled)),
				  err);
		if (ret <= 0) {
			r->inputs--;
			break;
		}
	}
	return sm_sql_end(s, ret);
}

static int
report_usual(struct sm_report *r, struct sm_db *db, struct sm_err *err)
{
	double median, p99, straggler;
	uint64_t of;
	bool found;
	int ret = sm_sql_one(
		&found, db, "read what is usual",
		"SELECT done, median_s, p99_s, "
		"coalesce(straggler_s, -1.0) FROM usual",
		SQL(OUT(&of), OUT(&median), OUT(&p99), OUT(&straggler)), err);

	if (ret < 0 || !found || of < r->usual_of)
		return ret;
	r->usual_of = of;
	r->median_s = median;
	r->p99_s = p99;
	r->straggler_s = straggler;
	return 0;
}

static int
report_stragglers(struct sm_report *r, struct sm_db *db, struct sm_err *err)
{
	struct sm_report_batch b;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db,
			       "SELECT batch, seconds FROM stragglers LIMIT ?",
			       SQL(IN(SM_REPORT_BATCHES)), err);

	if (ret < 0)
		return ret;
	while (r->straggler_count < SM_REPORT_BATCHES &&
	       (ret = sm_sql_next(s, db, "read the stragglers",
				  SQL(OUT(&b.id), OUT(&b.seconds)), err)) > 0)
		r->straggler[r->straggler_count++] = b;
	return sm_sql_end(s, ret);
}

int
sm_report_lists(struct sm_report *r, struct sm_db *db, struct sm_err *err)
{
	uint64_t failures = 0;
	int ret = report_runs(r, db, err);

	r->sqlite = sqlite3_libversion();
	if (ret == 0)
		ret = report_pauses(r, db, err);
	if (ret == 0)
		ret = report_inputs(r, db, err);
	if (ret == 0)
		ret = report_failures(r, db, err);
	if (ret == 0)
		ret = sm_sql_one(NULL, db, "count the failures",
				 "SELECT count(*) FROM failures",
				 SQL(OUT(&failures)), err);
	if (failures > r->failures_all)
		r->failures_all = failures;
	if (ret == 0)
		ret = report_usual(r, db, err);
	if (ret == 0)
		ret = report_stragglers(r, db, err);
	return ret;
}

int
sm_report_times(struct sm_db *db, sm_report_time *tell, void *arg,
		struct sm_err *err)
{
	double from, to;
	bool any = false;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, "SELECT started, ended FROM run",
			       SQL_NOTHING, err);

	if (ret < 0)
		return ret;
	while ((ret = sm_sql_next(s, db, "read the runs",
				  SQL(OUT(&from), OUT(&to)), err)) > 0) {
		any = true;
		ret = tell(from, to, arg, err);
		if (ret < 0)
			break;
	}
	sqlite3_reset(s);
	if (ret < 0 || any)
		return ret;
	/* One that was recovered has lost its runs. */
	ret = sm_sql_one(NULL, db, "read the batches",
			 "SELECT coalesce(min(started), 0.0), "
			 "coalesce(max(finished), 0.0) FROM batch "
			 "WHERE state = 'done'",
			 SQL(OUT(&from), OUT(&to)), err);
	if (ret == 0 && from > 0)
		ret = tell(from, to, arg, err);
	return ret;
}

int
sm_report_idle_pauses(struct sm_report_idle *idle, size_t *count, size_t most,
		      double until, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT started, coalesce(ended, ?1) FROM pause "
		"ORDER BY coalesce(ended, ?1) - started DESC";
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL(IN(until)), err);

	*count = 0;
	if (ret < 0)
		return ret;
	while (*count < most && (ret = sm_sql_next(s, db, "read the pauses",
						   SQL(OUT(&idle[*count].from),
						       OUT(&idle[*count].to)),
						   err)) > 0)
		++*count;
	return sm_sql_end(s, ret);
}

int
sm_report_idle_cut(struct sm_report_idle *idle, size_t count, double until,
		   struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT started, coalesce(ended, ?1) FROM attempt";
	struct sm_report_idle *p;
	double from, to;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL(IN(until)), err);

	if (ret < 0)
		return ret;
	while ((ret = sm_sql_next(s, db, "read the attempts",
				  SQL(OUT(&from), OUT(&to)), err)) > 0)
		for (p = idle; p < idle + count; p++)
			if (from < p->to && to > p->from)
				p->from = to < p->to ? to : p->to;
	return ret;
}

int
sm_report_last_sign(double *at, struct sm_db *db, struct sm_err *err)
{
	/* As many as were ever in hand at once, twice. */
	return sm_sql_one(NULL, db, "read the attempts",
			  "SELECT coalesce(max(max(started, "
			  "coalesce(ended, 0.0))), 0.0) FROM (SELECT started, "
			  "ended FROM attempt ORDER BY id DESC LIMIT 8192)",
			  SQL(OUT(at)), err);
}

int
sm_report_counts(uint64_t *attempts, uint64_t *slots, struct sm_db *db,
		 struct sm_err *err)
{
	return sm_sql_one(NULL, db, "count the attempts",
			  "SELECT (SELECT count(*) FROM attempt), "
			  "(SELECT coalesce(max(slot), -1) + 1 FROM worker)",
			  SQL(OUT(attempts), OUT(slots)), err);
}

int
sm_report_slots(uint32_t **slots, size_t *count, struct sm_db *db,
		struct sm_err *err)
{
	uint64_t id, last = 0;
	uint32_t slot;
	sqlite3_stmt *s;
	int ret = sm_sql_one(NULL, db, "count the workers",
			     "SELECT coalesce(max(id), 0) FROM worker",
			     SQL(OUT(&last)), err);

	*slots = NULL;
	*count = 0;
	if (ret < 0)
		return ret;
	if (last < SIZE_MAX)
		*slots = calloc((size_t)last + 1, sizeof(**slots));
	if (!*slots)
		return sm_err_mem(err, "the report");
	*count = (size_t)last + 1;
	ret = sm_sql_begin(
		&s, db, "SELECT id, slot FROM worker WHERE id BETWEEN 0 AND ?",
		SQL(IN(last)), err);
	if (ret < 0)
		return ret;
	while ((ret = sm_sql_next(s, db, "read the workers",
				  SQL(OUT(&id), OUT(&slot)), err)) > 0)
		(*slots)[id] = slot;
	return ret;
}

/* -------------------------------------------------------------- each row --
 */

/* Whom rows are told. */
struct report_each {
	sm_report_on_batch *batch;
	sm_report_on_attempt *attempt;
	void *arg;
};

typedef void report_step(sqlite3_context *context, int columns,
			 sqlite3_value **v);

static void
report_step_batch(sqlite3_context *context, int columns, sqlite3_value **v)
{
	const struct report_each *to = sqlite3_user_data(context);
	const char *state = (const char *)sqlite3_value_text(v[1]);
	struct sm_report_batch_row b = {
		.id = (uint64_t)sqlite3_value_int64(v[0]),
		.attempts = (uint64_t)sqlite3_value_int64(v[2]),
		.rows = (uint64_t)sqlite3_value_int64(v[3]),
		.raw_bytes = (uint64_t)sqlite3_value_int64(v[4]),
		.gz_bytes = (uint64_t)sqlite3_value_int64(v[5]),
		.started = sqlite3_value_double(v[6]),
		.finished = sqlite3_value_double(v[7]),
	};

	(void)columns;
	if (state)
		b.state = *state;
	to->batch(&b, to->arg);
}

static void
report_step_attempt(sqlite3_context *context, int columns, sqlite3_value **v)
{
	static const char running[] = "running";
	const struct report_each *to = sqlite3_user_data(context);
	const char *outcome = (const char *)sqlite3_value_text(v[3]);
	size_t len = (size_t)sqlite3_value_bytes(v[3]);
	struct sm_report_attempt_row a = {
		.worker = (uint64_t)sqlite3_value_int64(v[0]),
		.started = sqlite3_value_double(v[1]),
		.ended = sqlite3_value_double(v[2]),
		.running = len == sizeof(running) - 1 &&
			   memcmp(outcome, running, len) == 0,
		.failed = sqlite3_value_type(v[4]) != SQLITE_NULL,
	};

	(void)columns;
	to->attempt(&a, to->arg);
}

static void
report_final(sqlite3_context *context)
{
	sqlite3_result_null(context);
}

/*
 * Rows by the million: `text` hands them to an aggregate function, each_row(),
 * which counts nothing itself.  To step to each row, and to read its columns
 * from the statement, takes twice as long.  They come in the order in which the
 * table has them, which is that of their ids; no other statement may be active
 * on the connection, or the function could not be taken away.
 */
static int
report_each(struct sm_db *db, const char *what, const char *text,
	    report_step *step, struct report_each *to, struct sm_err *err)
{
	static const char name[] = "each_row";
	int ret, rc;

	rc = sqlite3_create_function_v2(db->main, name, -1,
					SQLITE_UTF8 | SQLITE_DIRECTONLY, to,
					NULL, step, report_final, NULL);
	if (rc != SQLITE_OK)
		return sm_sql_err(db, rc, what, err);
	ret = sm_sql_one(NULL, db, what, text, SQL_NOTHING, err);
	rc = sqlite3_create_function_v2(db->main, name, -1, SQLITE_UTF8, NULL,
					NULL, NULL, NULL, NULL);
	assert(rc == SQLITE_OK);
	return ret;
}

int
sm_report_batches(struct sm_db *db, sm_report_on_batch *tell, void *arg,
		  struct sm_err *err)
{
	struct report_each to = { .batch = tell, .arg = arg };

	return report_each(
		db, "read the batches",
		"SELECT each_row(id, state, attempts, rows, raw_bytes, "
		"gz_bytes, started, finished) FROM batch NOT INDEXED",
		report_step_batch, &to, err);
}

int
sm_report_attempts(struct sm_db *db, sm_report_on_attempt *tell, void *arg,
		   struct sm_err *err)
{
	struct report_each to = { .attempt = tell, .arg = arg };

	return report_each(db, "read the attempts",
			   "SELECT each_row(worker, started, ended, outcome, "
			   "reason) FROM attempt NOT INDEXED",
			   report_step_attempt, &to, err);
}

int
sm_report_tries(struct sm_report *r, struct sm_db *db, struct sm_err *err)
{
	static const char text[] =
		"SELECT t.batch, t.try, coalesce(w.slot, 0), a.started, "
		"a.ended, t.outcome, t.reason IS NOT NULL FROM tries AS t "
		"JOIN attempt AS a ON a.id = t.attempt "
		"LEFT JOIN worker AS w ON w.id = t.worker ORDER BY t.attempt";
	struct sm_report_try t, *to;
	sqlite3_stmt *s;
	int ret = sm_sql_begin(&s, db, text, SQL_NOTHING, err);

	if (ret < 0)
		return ret;
	while ((ret = sm_sql_next(s, db, "read the attempts",
				  SQL(OUT(&t.batch), OUT(&t.number),
				      OUT(&t.lane), OUT(&t.started),
				      OUT(&t.ended), OUT_CHARS(t.outcome),
				      OUT(&t.failed)),
				  err)) > 0) {
		if (r->tries_told == SM_REPORT_TRIES)
			break;
		to = GROW(r->tries, r->tries_told);
		if (!to) {
			ret = sm_err_mem(err, "the report");
			break;
		}
		*to = t;
	}
	return sm_sql_end(s, ret);
}
