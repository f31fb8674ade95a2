/*
 * inputs.c - are the inputs still the planned ones?
 *
 * Size and time first, the content only if the time differs.  Apart from
 * planning, since a run and recover ask it as well.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpus.h"

#include "digests.h"

#include "handle.h"

/* Same content, another mtime or place: recorded, so that it is digested once.
 */
static int
input_touch(struct sm_handle *h, const struct sm_job_input *in,
	    const char *path, int64_t mtime_ns, struct sm_err *err)
{
	struct sm_job_input now = *in;
	int ret;

	now.path = (char *)path;
	now.mtime_ns = mtime_ns;
	ret = sm_db_begin_write(h->db, err);
	if (ret < 0)
		return ret;
	ret = sm_job_insert_input(h->db, &now, err);
	if (ret == 0)
		return sm_db_commit(h->db, err);
	sm_db_rollback(h->db);
	return ret;
}

static int
input_changed(const struct sm_job_input *was, const struct sm_kind_input *in,
	      const struct sm_digest *now, struct sm_err *err)
{
	sm_err_set(err, SM_EREFUSED,
		   "the input '%s' changed since the job was planned: it had "
		   "%llu bytes with CRC-32 %08x and has %llu with %08x; put it "
		   "back, or start the job's command with --accept-changed "
		   "(keeps what is done) or --restart (begins again)",
		   in->path, (unsigned long long)was->size, was->crc32,
		   (unsigned long long)now->size, now->crc32);
	if (in->grows && now->size > was->size)
		sm_err_append(err, ", or --extend, if lines were added at its "
				   "end");
	return SM_EREFUSED;
}

unsigned
sm_input_threads(int workers)
{
	int cpus = sm_cpus(NULL, "/proc/self");

	if (workers > 0 && workers < cpus)
		cpus = workers;
	return (unsigned)cpus - 1;
}

int
sm_input_digest(struct sm_digest *d, const char *path, bool sampled,
		int workers, const struct sm_events *ev, struct sm_err *err)
{
	struct sm_digests *ds;
	int ret = sm_digests_new(&ds, ev, err);

	if (ret < 0)
		return ret;
	ret = sm_digests_add(ds, path, sampled, err);
	if (ret == 0 && sm_digests_left(ds) > 0)
		sm_digests_start(ds, sm_input_threads(workers));
	if (ret == 0)
		ret = sm_digests_end(ds, err);
	if (ret == 0)
		sm_digests_get(d, ds, 0);
	sm_digests_free(ds);
	return ret;
}

static int
input_check(struct sm_handle *h, const struct sm_job_input *was,
	    const struct sm_kind_input *in, const struct sm_events *ev,
	    struct sm_err *err)
{
	struct sm_digest now = { 0 };
	bool moved = strcmp(was->path, in->path) != 0;
	int ret = sm_digest_stat(&now, in->path, err);

	if (ret < 0)
		return ret;
	if (!moved && now.size == was->size && now.mtime_ns == was->mtime_ns)
		return 0;
	ret = sm_input_digest(&now, in->path, was->sampled, h->job.workers, ev,
			      err);
	if (ret < 0)
		return ret;
	if (now.size != was->size || now.crc32 != was->crc32)
		return input_changed(was, in, &now, err);
	return input_touch(h, was, in->path, now.mtime_ns, err);
}

int
sm_input_same(bool *same, struct sm_digest *d, const struct sm_kind_file *f,
	      const struct sm_job_input *was, const struct sm_events *ev,
	      struct sm_err *err)
{
	bool moved = strcmp(f->path, was->path) != 0;
	int ret = sm_digest_stat(d, f->path, err);

	if (ret < 0)
		return ret;
	d->crc32 = was->crc32;
	d->sampled = was->sampled;
	if (moved || d->size != was->size || d->mtime_ns != was->mtime_ns)
		ret = sm_input_digest(d, f->path, true, 0, ev, err);
	*same = ret == 0 && d->size == was->size && d->crc32 == was->crc32 &&
		d->sampled == was->sampled && !(f->place && moved);
	return ret;
}

void
sm_input_put_change(struct sm_buf *out, const struct sm_kind_file *f,
		    const struct sm_job_input *was, const struct sm_digest *d)
{
	if (f->place && strcmp(f->path, was->path) != 0)
		sm_buf_printf(out, "the command's %s was '%s', is '%s'",
			      f->name, was->path, f->path);
	else
		sm_buf_printf(out,
			      "'%s' (the command's %s) changed: it had %llu "
			      "bytes with CRC-32 %08x, has %llu with %08x",
			      f->path, f->name, (unsigned long long)was->size,
			      was->crc32, (unsigned long long)d->size,
			      d->crc32);
}

/*
 * The program of a part may be another on each host, and a job in parts cannot
 * be changed: one that comes with the machine is told.
 */
static int
file_changed(struct sm_handle *h, const struct sm_kind_file *f,
	     const struct sm_job_input *was, const struct sm_digest *d,
	     const struct sm_events *ev, struct sm_err *err)
{
	struct sm_buf text = { 0 };
	int ret = 0;

	sm_input_put_change(&text, f, was, d);
	if (sm_buf_failed(&text))
		ret = sm_err_mem(err, "a message");
	else if (h->job.parts > 0 && f->aside)
		sm_event_notice(ev, "%s", text.data);
	else
		ret = sm_err_set(
			err, SM_EREFUSED,
			"%s; put it back, or start the job's command with "
			"--accept-changed (keeps what is done) or --restart "
			"(begins again); --no-watch-command does not compare "
			"it",
			text.data);
	sm_buf_release(&text);
	return ret;
}

static int
file_check(struct sm_handle *h, const struct sm_kind_file *f,
	   const struct sm_events *ev, struct sm_err *err)
{
	struct sm_job_input was = { 0 };
	struct sm_digest d = { 0 };
	bool known, same = true;
	int ret = sm_job_input(&known, &was, h->db, f->name, err);

	if (ret == 0 && known)
		ret = sm_input_same(&same, &d, f, &was, ev, err);
	if (ret == 0 && !same)
		ret = file_changed(h, f, &was, &d, ev, err);
	else if (ret == 0 && known &&
		 (d.mtime_ns != was.mtime_ns || strcmp(f->path, was.path)))
		ret = input_touch(h, &was, f->path, d.mtime_ns, err);
	sm_job_input_release(&was);
	return ret;
}

static int
handle_check_kept(struct sm_handle *h, const struct sm_events *ev,
		  struct sm_err *err)
{
	int fd, ret = sm_jobdir_tables(&fd, &h->dir, h->fingerprint, err);

	if (ret < 0)
		return ret;
	ret = h->kind->check_kept(h->spec, fd, ev, err);
	close(fd);
	return ret;
}

static int
handle_check_files(struct sm_handle *h, const struct sm_events *ev,
		   struct sm_err *err)
{
	struct sm_kind_file file[SM_KIND_FILES_MAX];
	size_t i, n = 0;
	int ret = 0;

	if (h->kind->made_by)
		ret = h->kind->made_by(file, &n, h->spec, h->spec, err);
	for (i = 0; i < n && ret == 0; i++)
		ret = file_check(h, &file[i], ev, err);
	return ret;
}

int
sm_handle_check_inputs(struct sm_handle *h, const struct sm_events *ev,
		       struct sm_err *err)
{
	struct sm_kind_input of;
	struct sm_job_input in;
	bool known, kept = false;
	size_t i;
	int ret;

	for (i = 0; h->kind->input(&of, i, h->spec->opts); i++) {
		kept |= !of.path;
		if (!of.path)
			continue; /* kept in the job itself */
		ret = sm_job_input(&known, &in, h->db, of.name, err);
		if (ret == 0 && known)
			ret = input_check(h, &in, &of, ev, err);
		sm_job_input_release(&in);
		if (ret < 0)
			return ret;
	}
	if (kept) {
		ret = handle_check_kept(h, ev, err);
		if (ret < 0)
			return ret;
	}
	return handle_check_files(h, ev, err);
}
