/*
 * The steps of planning that plan.c (a new job), replan.c (one that is there)
 * and the parts share: options to specification, digests, cutting, and the rows
 * of the database.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "cpus.h"
#include "fault.h"
#include "file.h"
#include "lock.h"
#include "rand.h"

#include "digests.h"
#include "npz.h"

#include "join.h"
#include "option.h"
#include "planning.h"
#include "settings.h"

static int
settle_path(const char **value, struct sm_planning *p, struct sm_err *err)
{
	char *path;

	if (strcmp(*value, "-") == 0) {
		p->stdin_once = true;
		return 0;
	}
	path = sm_npz_path_real(*value, err);
	if (!path)
		return err->code;
	*value = sm_spec_strdup(p->spec, path);
	free(path);
	return *value ? 0 : sm_err_mem(err, "the specification");
}

/* Paths absolute: the job may be run from anywhere. */
static int
settle_paths(struct sm_planning *p, struct sm_err *err)
{
	const struct sm_option *o;
	const char **value, ***list;
	size_t i;
	int ret = 0;

	for (o = p->spec->kind->options; o->name && ret == 0; o++) {
		value = sm_option_slot(o, p->spec->opts);
		if (o->type == SM_OPTION_FILE && *value)
			ret = settle_path(value, p, err);
		if (o->type != SM_OPTION_FILES)
			continue;
		list = sm_option_slot(o, p->spec->opts);
		for (i = 0; *list && (*list)[i] && ret == 0; i++)
			ret = settle_path(&(*list)[i], p, err);
	}
	return ret;
}

/* Is `output` the file that is read for `input`? */
static int
is_same_file(bool *same, const char *output, const char *input,
	     struct sm_err *err)
{
	char *file = sm_npz_file(input, err);
	struct stat x, y;

	if (!file)
		return err->code;
	*same = stat(output, &x) == 0 && stat(file, &y) == 0 &&
		x.st_dev == y.st_dev && x.st_ino == y.st_ino;
	free(file);
	return 0;
}

static int
settle_output(struct sm_planning *p, struct sm_err *err)
{
	struct sm_kind_input in;
	bool same;
	char *path;
	size_t i;
	int ret = 0;

	if (!p->opts->output)
		return 0;
	if (p->kind->files && p->kind->files(p->spec->opts).textless)
		return sm_err_set(err, SM_EUSAGE,
				  "the batches have no text, so there is no "
				  "final file '%s'",
				  p->opts->output);
	path = sm_path_real(p->opts->output, err);
	if (!path)
		return err->code;
	for (i = 0; ret == 0 && p->kind->input(&in, i, p->spec->opts); i++) {
		same = false;
		if (in.path)
			ret = is_same_file(&same, path, in.path, err);
		if (same)
			ret = sm_err_set(err, SM_EREFUSED,
					 "the output '%s' is the input '%s'; "
					 "name another file",
					 path, in.name);
	}
	if (ret == 0)
		ret = sm_join_check_place(path, err);
	if (ret == 0)
		ret = sm_spec_set_output(p->spec, path, err);
	if (ret == 0)
		sm_join_tell_output(p->opts->output, path, p->ev);
	free(path);
	return ret;
}

/* People and messages know a job by the one name or the other. */
static int
settle_producer(struct sm_planning *p, struct sm_err *err)
{
	const char *name = p->opts->producer->name;

	if (p->opts->kind)
		return sm_err_set(err, SM_EUSAGE,
				  "the job has a producer, which is its kind: "
				  "leave out the kind '%s'",
				  p->opts->kind);
	p->kind = &sm_kind_producer;
	if (name &&
	    (sm_kind_find(name) || strcmp(name, p->kind->info->name) == 0))
		return sm_err_set(err, SM_EUSAGE,
				  "the producer's name '%s' is that of a kind "
				  "of job; give it another one",
				  name);
	return 0;
}

static int
settle_kind(struct sm_planning *p, struct sm_err *err)
{
	const char *name = p->opts->kind;

	if (p->opts->producer)
		return settle_producer(p, err);
	if (name)
		p->kind = sm_kind_find(name);
	if (p->kind)
		return 0;
	if (!name)
		return sm_err_set(err, SM_EUSAGE, "no kind of job is named");
	return sm_err_set(err, SM_EUSAGE, "there is no kind of job '%s'", name);
}

/* By which a copy of the job is known. */
static int
settle_id(struct sm_spec *spec, struct sm_err *err)
{
	char hex[17];
	int64_t token;
	int ret = sm_rand_token(&token, err);

	snprintf(hex, sizeof(hex), "%016llx", (unsigned long long)token);
	spec->id = sm_spec_strdup(spec, hex);
	if (ret == 0 && !spec->id)
		ret = sm_err_mem(err, "the specification");
	return ret;
}

int
sm_planning_settle(struct sm_planning *p, struct sm_err *err)
{
	const struct sm_plan_opts *o = p->opts;
	int ret = sm_settings_check(&o->settings, err);

	if (ret == 0)
		ret = settle_kind(p, err);
	if (ret == 0)
		ret = sm_spec_new(&p->spec, p->kind->info, o->options,
				  o->command, err);
	if (ret == 0)
		ret = settle_id(p->spec, err);
	if (ret == 0 && p->kind->take)
		ret = p->kind->take(p->spec, o, err);
	if (ret == 0 && p->kind->settle)
		ret = p->kind->settle(p->spec, err);
	if (ret == 0)
		ret = sm_options_check(p->kind->info->options, p->spec->opts,
				       err);
	/* Checked first: a path that is missing is better named so. */
	if (ret == 0)
		ret = p->kind->check(p->spec->opts, err);
	if (ret == 0)
		ret = settle_paths(p, err);
	if (ret < 0)
		return ret;
	p->inputs = sm_kind_count_inputs(p->spec);
	ret = settle_output(p, err);
	if (ret == 0 && p->kind->made_by)
		ret = p->kind->made_by(p->file, &p->files, p->spec, NULL, err);
	if (ret == 0 && p->files == SM_KIND_FILES_MAX)
		sm_event_notice(p->ev,
				"of the files among the command's words the "
				"first %d are compared at the next start",
				SM_KIND_FILES_MAX);
	return ret;
}

void
sm_planning_release(struct sm_planning *p)
{
	sm_digests_free(p->digests);
	p->digests = NULL;
	sm_cuts_free(p->cuts);
	p->cuts = NULL;
	sm_spec_free(p->spec);
	p->spec = NULL;
	sm_jobdir_close(&p->dir);
	if (p->lock >= 0)
		close(p->lock);
	p->lock = -1;
	sm_reach_leave(&p->reach);
}

int
sm_planning_lock(struct sm_planning *p, struct sm_err *err)
{
	int ret = sm_reach_enter(&p->reach, &p->dir, err);

	if (ret < 0)
		return ret;
	ret = sm_lock_try(&p->lock, p->dir.fd, "run.lock", err);
	if (ret == 0)
		return sm_err_set(err, SM_EHELD,
				  "another plan or run holds the job '%s'; "
				  "'shardmill status' shows it",
				  p->dir.path);
	if (ret < 0)
		return ret;
	/* What a killed clean has left is room for a new job. */
	unlinkat(p->dir.fd, SM_JOBDIR_CLEANING, 0);
	return 0;
}

int
sm_planning_open(struct sm_planning *p, struct sm_err *err)
{
	struct sm_db_opts db = { .mode = SM_DB_CREATE,
				 .network_fs = p->opts->network_fs,
				 .wait = { .limit_s = SM_OUTSIDER_LIMIT_S,
					   .notice = p->ev->notice,
					   .arg = p->ev->arg } };

	return sm_db_open(&p->db, p->dir.path, p->dir.fd, &db, err);
}

/*
 * What the kind keeps itself may come through a stream, which can be read only
 * once: it is in tables/new before anything is compared.  `old` has the tables
 * of the job that is there: the kind takes over from them what it need not read
 * again.
 */
int
sm_planning_keep(struct sm_planning *p, uint64_t fingerprint,
		 struct sm_err *err)
{
	struct sm_kind_input in;
	struct sm_err ignored;
	bool any = false;
	int fd = -1, old = -1, ret;
	size_t i;

	for (i = 0; p->kind->input(&in, i, p->spec->opts); i++)
		any |= !in.path;
	if (!any || p->kept)
		return 0;
	if (sm_jobdir_tables(&old, &p->dir, fingerprint, &ignored) < 0)
		old = -1;
	ret = sm_jobdir_tables_new(&fd, &p->dir, err);
	if (ret == 0)
		ret = p->kind->keep(p->spec, fd, old, p->ev, err);
	if (ret == 0)
		ret = sm_planning_digest_kept(p, fd, err);
	if (fd >= 0)
		close(fd);
	if (old >= 0)
		close(old);
	p->kept = ret == 0;
	return ret;
}

/*
 * Three places for the tables: those that keep() has begun, those of a job that
 * is recovered, or a folder that is made anew.  The fingerprint is known only
 * after the cut, since the digest of what is kept in the tables is part of it.
 */
int
sm_planning_cut(struct sm_planning *p,
		int (*emit)(const struct sm_piece *b, void *arg,
			    struct sm_err *err),
		struct sm_err *err)
{
	struct sm_kind_cut cut = { .spec = p->spec,
				   .tables_dirfd = -1,
				   .compiled = p->compiled || p->kept,
				   .emit = emit,
				   .arg = p,
				   .events = p->ev };
	int ret;

	if (p->kept)
		ret = sm_jobdir_tables_kept(&cut.tables_dirfd, &p->dir, err);
	else if (p->compiled)
		ret = sm_jobdir_tables(&cut.tables_dirfd, &p->dir,
				       p->spec->fingerprint, err);
	else
		ret = sm_jobdir_tables_new(&cut.tables_dirfd, &p->dir, err);
	if (ret == 0)
		ret = p->kind->cut(&cut, err);
	if (ret == 0 && p->begin && p->digests)
		ret = sm_planning_open(p, err);
	ret = sm_planning_digested(p, ret, err);
	if (ret == 0)
		ret = sm_planning_digest_kept(p, cut.tables_dirfd, err);
	if (ret == 0 && sm_sync_dir(cut.tables_dirfd) < 0)
		ret = sm_err_sys(err, "cannot sync the tables of '%s'",
				 p->dir.path);
	if (cut.tables_dirfd >= 0)
		close(cut.tables_dirfd);
	p->spec->batches = cut.batches;
	p->spec->rows = cut.rows;
	if (ret < 0)
		return ret;
	return sm_spec_fingerprint(&p->spec->fingerprint, p->spec, err);
}

static int
planning_emit(const struct sm_piece *b, void *arg, struct sm_err *err)
{
	struct sm_planning *p = arg;

	if (b->id == 0 && p->kind->describe)
		p->result->first_command = p->kind->describe(p->spec, b);
	return sm_cuts_add(&p->cuts, p->dir.fd, b, err);
}

int
sm_planning_fill_cuts(struct sm_planning *p, struct sm_err *err)
{
	int ret = sm_planning_digest(p, err);

	if (ret >= 0)
		ret = sm_planning_cut(p, planning_emit, err);
	return ret;
}

void
sm_planning_of_spec(struct sm_planning *p)
{
	struct sm_err ignored;
	int fd;

	p->kind = sm_kind_of(p->spec);
	p->inputs = sm_kind_count_inputs(p->spec);
	p->compiled = sm_jobdir_tables(&fd, &p->dir, p->spec->fingerprint,
				       &ignored) == 0;
	if (p->compiled)
		close(fd);
}

/*
 * Recover cuts the inputs again: other batches under the ids of the shards that
 * are there would make a final file of two halves.
 */
int
sm_planning_check_same(const struct sm_planning *p, uint64_t fingerprint,
		       uint64_t batches, struct sm_err *err)
{
	if (p->spec->fingerprint == fingerprint && p->spec->batches == batches)
		return 0;
	return sm_err_set(err, SM_EREFUSED,
			  "the inputs of '%s' are not those that it was "
			  "planned with: they make the fingerprint %016llx and "
			  "%llu batches, it was planned with %016llx and %llu; "
			  "put the planned inputs back",
			  p->dir.path, (unsigned long long)p->spec->fingerprint,
			  (unsigned long long)p->spec->batches,
			  (unsigned long long)fingerprint,
			  (unsigned long long)batches);
}

int
sm_planning_workers(const char *proc, const struct sm_events *ev)
{
	bool quota;
	int cpus = sm_cpus(&quota, proc);

	if (quota)
		sm_event_notice(ev,
				"%d worker%s: the CPU quota of this control "
				"group allows no more; -j says otherwise",
				cpus, cpus == 1 ? "" : "s");
	return cpus;
}

int
sm_planning_insert_inputs(struct sm_planning *p, struct sm_err *err)
{
	struct sm_job_input in;
	size_t i;
	int ret = 0;

	for (i = 0; i < p->spec->inputs && ret == 0; i++) {
		in = (struct sm_job_input){
			.name = (char *)p->spec->input[i].name,
			.path = (char *)p->spec->input[i].path,
			.size = p->spec->input[i].digest.size,
			.mtime_ns = p->spec->input[i].digest.mtime_ns,
			.crc32 = p->spec->input[i].digest.crc32,
			.sampled = p->spec->input[i].digest.sampled,
		};
		ret = sm_job_insert_input(p->db, &in, err);
	}
	return ret;
}

/* A part has its own numbers, and no final file: that is the whole job's. */
static void
planning_be_part(struct sm_job *job, const struct sm_planning *p)
{
	uint64_t end;

	job->part = p->spec->part;
	job->parts = p->spec->parts;
	job->whole_batches = p->spec->batches;
	sm_spec_part_range(&job->first_batch, &end, p->spec->batches,
			   (uint64_t)p->spec->part, p->spec->parts);
	job->batches = end - job->first_batch;
	job->rows = p->part_rows;
	job->final_path = NULL;
}

/* Within the transaction: inputs and the job row. */
static int
planning_insert_job(struct sm_planning *p, const char *text, struct sm_err *err)
{
	const struct sm_settings *s = &p->opts->settings;
	struct sm_job job = {
		.kind = (char *)p->spec->kind->name,
		.spec = (char *)text,
		.batches = p->spec->batches,
		.rows = p->spec->rows,
		.workers = s->workers,
		.max_attempts = s->max_attempts > 0 ? s->max_attempts
						    : SM_MAX_ATTEMPTS_DEFAULT,
		.lease_s = s->lease_s > 0 ? s->lease_s : SM_LEASE_S_DEFAULT,
		.sync = s->sync > 0 ? s->sync : SM_SYNC_SHARD,
		.fail_fast = s->fail_fast > 0,
		.consume = s->consume > 0,
		.generation = p->generation,
		.network_fs = p->opts->network_fs,
		.final_path = (char *)p->spec->output,
		.final_force = p->force,
		.created = sm_clock_wall(),
	};
	int ret;

	if (job.workers <= 0)
		job.workers = sm_planning_workers("/proc/self", p->ev);
	if (p->spec->part >= 0)
		planning_be_part(&job, p);
	snprintf(job.fingerprint, sizeof(job.fingerprint), "%016llx",
		 (unsigned long long)p->spec->fingerprint);
	ret = sm_planning_insert_inputs(p, err);
	if (ret >= 0)
		ret = sm_job_insert(p->db, &job, err);
	return ret;
}

/*
 * The order holds against a kill at any point: spec.json is written first, so
 * that no committed job is without one; a job.db without a job row is a killed
 * plan. Checkpoint and directory sync come after the commit: then a power cut
 * leaves the whole job.
 */
int
sm_planning_commit(struct sm_planning *p, struct sm_err *err)
{
	char *text = NULL;
	int ret = sm_spec_set_home(p->spec, p->dir.path, err);

	if (ret == 0)
		text = sm_spec_text(p->spec, err);
	if (!text)
		return err->code;
	ret = sm_jobdir_write(&p->dir, "spec.json", text, err);
	if (ret == 0)
		ret = planning_insert_job(p, text, err);
	sm_fault("plan.before_commit");
	if (ret == 0)
		ret = sm_db_commit(p->db, err);
	if (ret == 0)
		ret = sm_db_checkpoint(p->db, err);
	if (ret == 0)
		ret = sm_jobdir_sync(&p->dir, err);
	free(text);
	return ret;
}

/* The rows of the list that are this job's: all, or those of the part. */
static int
planning_insert(struct sm_planning *p, struct sm_err *err)
{
	uint64_t first = 0, end = p->spec->batches, i;
	struct sm_piece b;
	int ret = 0;

	if (p->spec->part >= 0)
		sm_spec_part_range(&first, &end, p->spec->batches,
				   (uint64_t)p->spec->part, p->spec->parts);
	for (i = first; i < end && ret == 0; i++) {
		ret = sm_cuts_read(&b, p->cuts, i, err);
		/* Batches without row numbers do not count. */
		if (ret == 0 && b.first >= 0)
			p->part_rows += (uint64_t)(b.end - b.first);
		if (ret == 0)
			ret = sm_batch_insert(p->db, &b, err);
	}
	return ret;
}

int
sm_planning_make(struct sm_planning *p, struct sm_err *err)
{
	int ret = p->db ? 0 : sm_planning_open(p, err);

	if (ret == 0)
		ret = sm_db_begin_write(p->db, err);
	if (ret < 0)
		return ret;
	/* The transaction may take minutes for millions of batches. */
	sm_db_hear_signals(p->db);
	/* The job row, which says that all are there, comes last. */
	ret = planning_insert(p, err);
	if (ret == 0)
		ret = sm_planning_commit(p, err);
	/* Does nothing after a commit. */
	sm_db_rollback(p->db);
	return ret;
}
