/*
 * choose.c - what is joined, into which file, and whether that may be
 *
 * Everything that can be refused is refused here, before a byte is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "final.h"
#include "mount.h"
#include "probe.h"

#include "joined.h"

#include "consumed.h"
#include "growing.h"

#include "join.h"
#include "published.h"

#include "write.h"

/* --------------------------------------------------------------- names -- */

/* The first batches of a list, as text: "3, 17, …". */
struct names {
	uint64_t n;
	size_t at;
	char text[SM_JOIN_NAMED_MAX * 64];
};

/* With the directory of the part that has the batch, if there is one. */
static void
names_add(struct names *names, uint64_t batch, const struct sm_handle *h)
{
	char *end = names->text + names->at;
	size_t room = sizeof(names->text) - names->at;
	const char *comma = names->n > 0 ? ", " : "";
	int n = 0;

	names->n++;
	if (names->n == SM_JOIN_NAMED_MAX + 1)
		n = snprintf(end, room, ", …");
	else if (names->n <= SM_JOIN_NAMED_MAX && h && h->job.parts > 0)
		n = snprintf(end, room, "%s%" PRIu64 " of %.32s", comma, batch,
			     strrchr(h->dir.path, '/') + 1);
	else if (names->n <= SM_JOIN_NAMED_MAX)
		n = snprintf(end, room, "%s%" PRIu64, comma, batch);
	names->at += (size_t)n;
}

int
sm_join_name_missing(const struct sm_join *j, struct sm_err *err)
{
	struct names names = { 0 };
	uint64_t i;

	for (i = 0; i < j->missing && i <= SM_JOIN_NAMED_MAX; i++)
		names_add(&names, j->named[i], NULL);
	return sm_err_set(err, SM_EWORK,
			  "'%s' lacks %" PRIu64 " batches that are not done: "
			  "%s; 'shardmill index' lists them",
			  j->path, j->missing, names.text);
}

/* -------------------------------------------------------------- choose -- */

/* Which batches, and are those done that must be?  One look at all rows. */
static int
choose_batches(struct sm_join *j, struct sm_err *err)
{
	const struct sm_finalize_opts *opts = j->opts;
	uint64_t done = 0, last = j->from->batches - 1;
	const struct sm_batch_row *row;
	struct names names = { 0 };
	struct sm_run_by by;
	struct sm_rows r;
	int ret;

	j->only = (struct sm_batch_range){ 0, UINT64_MAX };
	if (opts->batches)
		j->only = *opts->batches;
	if (opts->batches && j->only.first > last)
		return sm_err_set(err, SM_EUSAGE,
				  "there is no batch %" PRIu64
				  ": the job has %" PRIu64 ", counted from 0",
				  j->only.first, j->from->batches);
	sm_rows_init(&r, j->from);
	while ((ret = sm_rows_next(&row, &r, err)) > 0) {
		j->planned |= r.h->job.final_force;
		if (row->state == SM_DONE) {
			done++;
			j->records += row->counts.records;
			j->raw_bytes += row->sizes.raw_bytes;
			j->gz_bytes += row->sizes.gz_bytes;
		} else if (row->id >= j->only.first &&
			   row->id <= j->only.last) {
			names_add(&names, row->id, r.h);
		}
	}
	sm_rows_close(&r);
	/* What lacks nothing is the whole file, however it is asked for. */
	j->partial = j->only.first > 0 || j->only.last < last ||
		     (opts->allow_missing && done <= last);
	if (ret < 0 || names.n == 0 || opts->allow_missing)
		return ret;
	return sm_err_set(err, SM_EWORK,
			  "cannot finalize '%s': not done are the batches "
			  "%s; %s makes them, 'shardmill retry' puts failed "
			  "ones back, --allow-missing leaves them out",
			  j->from->dir->path, names.text,
			  sm_kind_run_by(&by, j->from->spec, NULL));
}

void
sm_join_tell_output(const char *given, const char *path,
		    const struct sm_events *ev)
{
	size_t n = strlen(path);
	struct stat st;

	if (lstat(given, &st) == 0 && S_ISLNK(st.st_mode)) {
		if (stat(given, &st) == 0)
			sm_event_notice(ev,
					"'%s' is a symbolic link: the file "
					"that it names, '%s', is written; the "
					"link stays",
					given, path);
		else
			sm_event_notice(ev,
					"'%s' is a symbolic link that leads "
					"nowhere: the final file takes its "
					"place",
					given);
	}
	if (n < 3 || strcasecmp(path + n - 3, ".gz") != 0)
		sm_event_notice(ev,
				"'%s' will be gzip, though its name does not "
				"end in .gz",
				path);
}

/* The file that is named, planned, or was joined before. */
static int
choose_path(struct sm_join *j, struct sm_err *err)
{
	const struct sm_join_from *from = j->from;
	const char *own = from->h ? from->h->job.final_path : from->output;
	const char *path = j->opts->output;
	int ret = sm_published_get(&j->was, from, err);

	if (ret < 0)
		return ret;
	/*
	 * Of parts nobody but JOB/final knows which file was named when they
	 * were joined.
	 */
	if (!own && !from->h)
		own = j->was.path;
	if (!path)
		path = own;
	if (!path)
		return sm_err_set(err, SM_EUSAGE,
				  "the job '%s' was planned without a final "
				  "file; name one by -o",
				  from->dir->path);
	j->path = sm_path_real(path, err);
	if (!j->path)
		return err->code;
	if (j->opts->output)
		sm_join_tell_output(path, j->path, &j->opts->events);
	/* A leave to replace what is there is for the planned path alone. */
	j->planned &= own && strcmp(j->path, own) == 0;
	/* With one database it grows only where the job row says. */
	j->ours =
		!j->partial && (!from->h || !own || strcmp(j->path, own) == 0);
	return 0;
}

int
sm_join_choose(struct sm_join *j, struct sm_err *err)
{
	int ret = choose_batches(j, err);

	if (ret == 0)
		ret = choose_path(j, err);
	return ret;
}

/* --------------------------------------------------------------- check -- */

/* What the file there says of itself; `*found` false: it is none of ours. */
static int
target_read_end(bool *found, struct sm_gzip_end *end, const char *path,
		struct sm_err *err)
{
	enum sm_final_state state = SM_FINAL_NONE;
	struct stat st;
	int fd, ret = 0;

	*found = false;
	/* O_NONBLOCK: a pipe there must not make us wait for its other end. */
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return sm_err_sys(err, "cannot open '%s'", path);
	if (fstat(fd, &st) < 0)
		ret = sm_err_sys(err, "cannot examine '%s'", path);
	else if (S_ISREG(st.st_mode))
		ret = sm_final_read_end(&state, end, fd, path,
					(uint64_t)st.st_size, err);
	*found = ret == 0 && state == SM_FINAL_WHOLE;
	close(fd);
	return ret;
}

int
sm_join_check_target(const char *path, uint64_t fingerprint,
		     const struct sm_published *was, bool force,
		     struct sm_err *err)
{
	struct sm_gzip_end end;
	struct stat st;
	bool found;
	int ret;

	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return 0;
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot examine the output '%s'", path);
	}
	if (S_ISDIR(st.st_mode))
		return sm_err_set(err, SM_EREFUSED,
				  "the output '%s' is a directory; name a file",
				  path);
	if (!S_ISREG(st.st_mode))
		return sm_err_set(err, SM_EREFUSED,
				  "the output '%s' is not a regular file",
				  path);
	if (force || (was && was->path && strcmp(was->path, path) == 0 &&
		      (uint64_t)st.st_size == was->size))
		return 0;
	ret = target_read_end(&found, &end, path, err);
	if (ret < 0 || (found && end.fingerprint == fingerprint))
		return ret;
	/*
	 * Options were changed since it was joined: an earlier fingerprint of
	 * this job.
	 */
	if (found && was && was->spec &&
	    sm_spec_had(was->spec, end.fingerprint))
		return 0;
	return sm_err_set(err, SM_EREFUSED,
			  "the output '%s' exists and is not this job's; move "
			  "it away, or replace it by --force",
			  path);
}

int
sm_join_check_place(const char *path, struct sm_err *err)
{
	char why[SM_PROBE_WHY] = "", *dir = strdup(path), *slash;
	struct sm_mount m;
	int fd, ret = 1;

	if (!dir)
		return sm_err_mem(err, "a path");
	slash = strrchr(dir, '/');
	if (slash)
		slash[slash == dir] = '\0';
	fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	/* What cannot be opened is told by whoever makes the file. */
	if (fd < 0)
		return 0;
	sm_mount_of(&m, fd);
	if (m.is_remote)
		ret = sm_probe(why, fd, SM_PROBE_FILE, err);
	close(fd);
	if (ret < 0)
		return sm_err_prefix(err, "%s", path);
	if (ret > 0)
		return 0;
	sm_err_set(err, SM_EREFUSED,
		   "the final file '%s' would lie on a file system (%s) on "
		   "which it could not be continued after a kill: %s",
		   path, m.type, why);
	if (m.note)
		sm_err_append(err, " (of %s: %s)", m.type, m.note);
	return sm_err_append(err,
			     "; name another one by -o, and copy it there");
}

int
sm_join_check_output(struct sm_handle *h, const char *path, struct sm_err *err)
{
	struct sm_join_from from = sm_join_from_one(h);
	const char *own = h->job.final_path;
	bool force = h->job.final_force && own && strcmp(path, own) == 0;
	struct sm_growing who = sm_growing_of(h);
	struct sm_published was;
	int ret = sm_published_get(&was, &from, err);

	if (ret == 0)
		ret = sm_join_check_target(path, h->fingerprint, &was, force,
					   err);
	/*
	 * With a generation the growing file is known to be the job's by its
	 * rows.
	 */
	if (ret == 0 && !force && h->job.generation == 0)
		ret = sm_growing_check(path, &who, err);
	if (ret == 0)
		ret = sm_consumed_refuse_change(h->db, &h->job, path, err);
	sm_published_release(&was);
	return ret;
}

int
sm_join_check_partial(const char *path, struct sm_err *err)
{
	struct sm_gzip_end end;
	bool found;
	int ret = target_read_end(&found, &end, path, err);

	if (ret < 0 || !found || end.missing > 0)
		return ret;
	return sm_err_set(err, SM_EREFUSED,
			  "'%s' is whole, and would be replaced by a part; "
			  "name another file by -o, or use --force",
			  path);
}

/* The first final file that is named is the job's: it may grow as such. */
static int
check_name_first(struct sm_join *j, struct sm_err *err)
{
	struct sm_handle *h = j->from->h;
	int ret = sm_db_begin_write(h->db, err);

	if (ret < 0)
		return ret;
	ret = sm_job_set_final(h->db, j->path, false, err);
	if (ret < 0) {
		sm_db_rollback(h->db);
		return ret;
	}
	ret = sm_db_commit(h->db, err);
	if (ret < 0)
		return ret;
	h->job.final_path = strdup(j->path);
	return h->job.final_path ? 0 : sm_err_mem(err, "a path");
}

int
sm_join_check(struct sm_join *j, struct sm_err *err)
{
	struct sm_handle *h = j->from->h;
	int ret = 0;

	if (h && h->files.kind.textless)
		return sm_err_set(err, SM_EUSAGE,
				  "the batches of the job '%s' have no text to "
				  "join",
				  h->dir.path);
	if (j->opts->output)
		ret = sm_join_check_place(j->path, err);
	if (ret == 0)
		ret = sm_join_check_target(j->path, j->from->fingerprint,
					   &j->was,
					   j->opts->force || j->planned, err);
	if (ret == 0 && j->partial && !j->opts->force)
		ret = sm_join_check_partial(j->path, err);
	if (ret < 0 || j->partial || !h)
		return ret;
	ret = sm_joined_generation(&h->job.generation, h->db, err);
	if (ret == 0)
		ret = sm_consumed_refuse_change(h->db, &h->job, j->path, err);
	if (ret == 0 && !h->job.final_path)
		ret = check_name_first(j, err);
	return ret;
}
