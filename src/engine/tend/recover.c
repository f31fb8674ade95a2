/*
 * recover.c - rebuild job.db from spec.json and the shards
 *
 * The batches are cut again from the inputs, which must be the planned ones;
 * every shard that is whole, and says of itself that it is this batch of this
 * fingerprint, is adopted as done, and so is what the final
 * file has of a job that consumed its shards; the rest is pending.  The job row
 * is inserted last in the one transaction that holds all of it, so that a
 * killed recovery is a killed plan, and can simply be run again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "fault.h"
#include "file.h"
#include "joined.h"
#include "worker.h"

#include "consumed.h"
#include "files.h"
#include "planning.h"
#include "recover_final.h"
#include "tend.h"

struct recover {
	struct sm_planning p;
	struct sm_recover_result *result;
	struct sm_plan_opts *plan;
	struct sm_recover_final final;
	struct sm_files files;
	uint64_t fingerprint;
	uint64_t planned;    /* batches, as spec.json has it */
	uint64_t first, end; /* those that belong here: all, or a part's */
	unsigned digits;
	bool inserting; /* the write transaction is open */
	bool is_void;   /* job.db, of a killed plan or recovery */
	bool outdated;  /* the batch has something whole of other options */
	char hex[17];   /* a batch's fingerprint, as attempts have it */
	struct sm_claim by;
};

int
sm_recover_rows_are_there(bool *there, struct sm_db *db, struct sm_err *err)
{
	struct sm_job job = { 0 };
	struct sm_batch_row row;
	uint64_t n = 0;
	int ret = sm_job_get(&job, db, err);

	*there = false;
	if (ret < 0)
		return ret;
	ret = sm_batch_rows_begin(db, 0, err);
	while (ret >= 0 && (ret = sm_batch_rows_next(&row, db, err)) > 0 &&
	       row.id == job.first_batch + n)
		n++;
	sm_batch_rows_end(db);
	*there = ret == 0 && n == job.batches;
	sm_job_release(&job);
	return ret < 0 ? ret : 0;
}

/* Has it a job row, is it undamaged, and are all rows there? */
static int
recover_judge_database(bool *whole, struct recover *r, struct sm_db *db,
		       struct sm_err *err)
{
	struct sm_batch_row row;
	bool has_job;
	int n, ret = sm_db_has_job(&has_job, db, err);

	if (ret < 0)
		return ret;
	if (!has_job) {
		/* Of a killed plan, if there are no batches either. */
		ret = sm_batch_row_from(&row, db, 0, err);
		r->is_void = ret == 0;
		return ret < 0 ? ret : 0;
	}
	ret = sm_db_integrity(&n, db, NULL, NULL, err);
	if (ret < 0 || n > 0)
		return ret;
	return sm_recover_rows_are_there(whole, db, err);
}

static int
recover_look_at_database(bool *whole, struct recover *r, struct sm_err *err)
{
	struct sm_db_opts opts = { .mode = SM_DB_CREATE,
				   .network_fs = r->p.opts->network_fs,
				   .wait = { .limit_s = SM_OUTSIDER_LIMIT_S,
					     .notice = r->p.ev->notice,
					     .arg = r->p.ev->arg } };
	struct sm_db *db = NULL;
	bool has;
	int ret = sm_jobdir_has(&has, &r->p.dir, "job.db", err);

	*whole = false;
	if (ret < 0 || !has)
		return ret;
	ret = sm_db_open(&db, r->p.dir.path, r->p.dir.fd, &opts, err);
	if (ret == 0)
		ret = recover_judge_database(whole, r, db, err);
	sm_db_close(db);
	/*
	 * A table or a column that is gone (SM_EBUG) is damage.  A newer
	 * version, or a disk that fails or is full, is none.
	 */
	return ret == SM_EDAMAGED || ret == SM_EBUG ? 0 : ret;
}

/*
 * Out of the way, but kept: it may still tell something to somebody.  One that
 * tells nothing must not take the place of one that was kept before.
 */
static int
recover_set_aside(struct recover *r, struct sm_err *err)
{
	static const char *const names[][2] = {
		{ "job.db-wal", "job.db.damaged-wal" },
		{ "job.db-journal", "job.db.damaged-journal" },
		{ "job.db", "job.db.damaged" },
	};
	size_t i;
	int ret;

	unlinkat(r->p.dir.fd, "job.db-shm", 0);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		sm_fault("recover.before_rename");
		if (r->is_void)
			ret = unlinkat(r->p.dir.fd, names[i][0], 0);
		else
			ret = renameat(r->p.dir.fd, names[i][0], r->p.dir.fd,
				       names[i][1]);
		if (ret == 0)
			r->result->had_database |= !r->is_void;
		else if (errno != ENOENT)
			return sm_err_sys(err, "cannot move '%s/%s' away",
					  r->p.dir.path, names[i][0]);
	}
	return 0;
}

/* A shard that is whole: is it the batch's? */
static bool
recover_take(struct recover *r, const struct sm_piece *b, uint64_t batch,
	     const struct sm_entry *e)
{
	if (batch != b->id)
		return false;
	if (sm_spec_made(r->p.spec, e->fingerprint, b->id))
		return true;
	r->outdated = true;
	return false;
}

/* Is the shard of `b` whole?  Then `e` is what its row records. */
static int
recover_look_at_shard(bool *found, struct sm_entry *e, struct recover *r,
		      const struct sm_piece *b, struct sm_err *err)
{
	char name[SM_SHARD_NAME_MAX];
	uint64_t batch = 0;
	int fd, ret = 0;

	*found = false;
	sm_shard_name(name, b->id, r->digits);
	fd = openat(r->p.dir.shards_fd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO))
		return 0;
	/* A disk that fails must not pass for a shard that is not there. */
	if (fd < 0)
		return sm_err_sys(err, "cannot open '%s/shards/%s'",
				  r->p.dir.path, name);
	ret = sm_shard_read(found, e, &batch, fd, name, err);
	close(fd);
	*found = *found && recover_take(r, b, batch, e);
	return ret;
}

/* The adopted shards' attempts need a worker: a row of our own is it. */
static int
recover_register(struct recover *r, struct sm_err *err)
{
	struct sm_worker w = { .slot = -1,
			       .pid = getpid(),
			       .started = sm_clock_wall() };
	int ret = sm_worker_insert(r->p.db, &w, "recover", err);

	if (ret == 0)
		ret = sm_worker_end(r->p.db, w.id, w.started, err);
	r->by.worker = w.id;
	r->by.now = w.started;
	return ret;
}

static void
recover_progress(struct recover *r, uint64_t done)
{
	const struct sm_events *ev = r->p.ev;
	struct sm_progress p = { .phase = "recover",
				 .unit = "batches",
				 .done = done,
				 .total = r->planned,
				 .eta_s = -1 };

	if (ev->progress)
		ev->progress(&p, ev->arg);
}

/* In a transaction as short as can be: compiling tables may take long. */
static int
recover_insert(struct recover *r, const struct sm_piece *b, struct sm_err *err)
{
	int ret = r->inserting ? 0 : sm_db_begin_write(r->p.db, err);

	if (ret < 0)
		return ret;
	if (!r->inserting)
		sm_db_hear_signals(r->p.db);
	r->inserting = true;
	return sm_batch_insert(r->p.db, b, err);
}

static int
recover_batch(const struct sm_piece *b, void *arg, struct sm_err *err)
{
	struct recover *r = arg; /* begins with its struct sm_planning */
	struct sm_made made = SM_MADE_NOTHING;
	bool held, found = false, joined = false;
	struct sm_entry e;
	uint64_t at = 0;
	int ret;

	if (b->id < r->first || b->id >= r->end)
		return 0; /* another part's */
	if (b->first >= 0)
		r->p.part_rows += (uint64_t)(b->end - b->first);
	ret = recover_insert(r, b, err);
	if (ret == 0 && r->by.worker == 0)
		ret = recover_register(r, err);
	r->outdated = false;
	if (ret == 0)
		ret = recover_look_at_shard(&found, &e, r, b, err);
	if (ret == 0 && !found) {
		ret = sm_recover_final_find(&found, &e, &at, &r->final, b, err);
		joined = found;
	}
	if (ret == 0 && found)
		ret = sm_files_adopt(&found, &e, &r->files, b->id, err);
	if (ret == 0 && found) {
		/* What it says of itself, which an extended job may have had.
		 */
		snprintf(r->hex, sizeof(r->hex), "%016llx",
			 (unsigned long long)e.fingerprint);
		made.counts = e.counts;
		made.sizes = e.sizes;
		sm_fault("recover.adopt");
		ret = sm_batch_adopt(&held, r->p.db, b->id, &r->by, &made, err);
		r->result->reused += held;
		if (ret == 0 && held && joined)
			ret = sm_joined_adopt(r->p.db, b->id, at, err);
	} else if (ret == 0) {
		r->result->outdated += r->outdated;
	}
	if (b->id % 256 == 0)
		recover_progress(r, b->id);
	return ret;
}

/* With run.lock held and the old database out of the way. */
static int
recover_rebuild(struct recover *r, struct sm_err *err)
{
	struct sm_planning *p = &r->p;
	int ret = sm_planning_open(p, err);

	if (ret == 0)
		ret = sm_planning_digest(p, err);
	if (ret < 0)
		return ret;
	ret = sm_planning_cut(p, recover_batch, err);
	if (ret == 0 && !r->inserting)
		ret = sm_db_begin_write(p->db, err);
	if (ret == 0)
		ret = sm_planning_check_same(p, r->fingerprint, r->planned,
					     err);
	if (ret == 0 && !p->compiled)
		ret = sm_jobdir_tables_name(&p->dir, r->fingerprint, err);
	if (ret == 0)
		ret = sm_planning_commit(p, err);
	if (ret == 0)
		sm_jobdir_prune_tables(&p->dir, r->fingerprint);
	sm_db_rollback(p->db);
	return ret;
}

/* How the final file is made is no content option: it is seen by the file. */
static int
recover_final_options(struct recover *r, struct sm_err *err)
{
	int ret;

	r->final.spec = r->p.spec;
	ret = sm_recover_final_open(&r->final, &r->p.dir, r->fingerprint, err);

	if (ret == 0 && r->final.path) {
		r->plan->settings.consume = 1;
		r->p.generation = r->final.fd >= 0 ? r->final.generation : 0;
		ret = sm_spec_set_output(r->p.spec, r->final.path, err);
	}
	return ret;
}

/*
 * A moved job's final file is looked for where it is now; the note of where
 * what was consumed is follows.
 */
static int
recover_find_place(struct recover *r, struct sm_err *err)
{
	const struct sm_jobdir *dir = &r->p.dir;
	enum sm_place place;
	char *noted = NULL;
	bool has;
	int ret = sm_jobdir_has(&has, dir, SM_CONSUMED_NOTE, err);

	if (ret == 0 && has)
		ret = sm_jobdir_read(&noted, dir, SM_CONSUMED_NOTE, err);
	if (ret == 0)
		ret = sm_place_settle(&place, dir, r->p.spec, &noted, err);
	if (ret == 0 && noted && place != SM_PLACE_HOME)
		ret = sm_jobdir_write(dir, SM_CONSUMED_NOTE, noted, err);
	free(noted);
	return ret;
}

static int
recover_locked(struct recover *r, struct sm_err *err)
{
	bool whole;
	int ret = recover_look_at_database(&whole, r, err);

	if (ret < 0)
		return ret;
	if (whole)
		return sm_err_set(err, SM_EREFUSED,
				  "the database of '%s' is whole; 'shardmill "
				  "run' goes on with it, 'shardmill verify "
				  "--requeue' looks for damaged shards",
				  r->p.dir.path);
	ret = sm_place_read_spec(&r->p.spec, &r->p.dir, err);
	if (ret == 0)
		ret = recover_find_place(r, err);
	if (ret < 0)
		return ret;
	sm_planning_of_spec(&r->p);
	r->fingerprint = r->p.spec->fingerprint;
	r->planned = r->p.spec->batches;
	r->digits = sm_shard_digits(r->planned);
	r->end = r->planned;
	if (r->p.spec->part >= 0)
		sm_spec_part_range(&r->first, &r->end, r->planned,
				   (uint64_t)r->p.spec->part, r->p.spec->parts);
	sm_files_open(&r->files, r->p.spec);
	ret = sm_files_require(&r->files, r->p.spec, &r->p.dir, err);
	if (ret == 0)
		ret = recover_final_options(r, err);
	if (ret == 0)
		ret = recover_set_aside(r, err);
	if (ret == 0)
		ret = recover_rebuild(r, err);
	return ret;
}

int
sm_one_recover(struct sm_recover_result *result, const char *job,
	       const struct sm_recover_opts *opts, struct sm_err *err)
{
	struct sm_plan_opts plan = { .network_fs = opts->network_fs };
	struct sm_plan_result planned = { 0 };
	struct recover r = { .p = { .opts = &plan,
				    .ev = &opts->events,
				    .result = &planned,
				    .dir = SM_JOBDIR_NONE,
				    .lock = -1 },
			     .plan = &plan,
			     .final = { .fd = -1 },
			     .files = SM_FILES_NONE,
			     .result = result };
	int ret;

	*result = (struct sm_recover_result){ 0 };
	r.by.fingerprint = r.hex;
	ret = sm_jobdir_open_lost(&r.p.dir, job, opts->trust, err);
	if (ret == 0 && !opts->network_fs)
		ret = sm_jobdir_refuse_network(&r.p.dir, err);
	if (ret == 0)
		ret = sm_planning_lock(&r.p, err);
	if (ret == 0)
		ret = recover_locked(&r, err);
	if (ret == 0)
		result->batches = r.end - r.first;
	sm_recover_final_close(&r.final);
	sm_files_close(&r.files);
	sm_db_close(r.p.db);
	sm_planning_release(&r.p);
	sm_plan_result_release(&planned);
	return ret;
}
