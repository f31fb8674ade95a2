/*
 * dry_run.c - tell the commands of a job that is not made
 *
 * The input is cut as for a job, into a directory that is removed at once.
 * Apart from planning.c, which keeps what is cut.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dir.h"

#include "planning.h"

struct dry_run {
	struct sm_planning *p;
	bool (*command)(const char *line, void *arg);
	void *arg;
	bool enough;
};

/* What a batch is of is a comment where only its input says so. */
static void
dry_run_put_input(struct sm_buf *line, const struct sm_piece *b)
{
	if (b->first_byte < 0)
		return;
	if (b->first >= 0)
		sm_buf_printf(line, " # lines %" PRId64 " to %" PRId64,
			      b->first, b->end - 1);
	else
		sm_buf_printf(line, " # bytes %" PRId64 " to %" PRId64,
			      b->first_byte, b->end_byte - 1);
}

static int
dry_run_emit(const struct sm_piece *b, void *arg, struct sm_err *err)
{
	struct dry_run *d = arg;
	struct sm_buf line = { 0 };
	char *text = d->p->kind->describe(d->p->spec, b);
	int ret = 0;

	if (text)
		sm_buf_puts(&line, text);
	dry_run_put_input(&line, b);
	if (!text || sm_buf_failed(&line))
		ret = sm_err_mem(err, "a command");
	else if (!d->command(line.data, d->arg))
		d->enough = true;
	free(text);
	sm_buf_release(&line);
	/* A code that nobody sees ends the cutting. */
	if (ret == 0 && d->enough)
		ret = SM_ESTOPPED;
	return ret;
}

int
sm_plan_dry_run(struct sm_planning *p,
		bool (*command)(const char *line, void *arg), void *arg,
		struct sm_err *err)
{
	struct dry_run d = { .p = p, .command = command, .arg = arg };
	struct sm_kind_cut cut = { .spec = p->spec,
				   .tables_dirfd = -1,
				   .emit = dry_run_emit,
				   .arg = &d,
				   .events = p->ev };
	const char *tmp = getenv("TMPDIR");
	struct sm_buf path = { 0 };
	int ret = 0;

	if (!p->kind->describe)
		return sm_err_set(err, SM_EUSAGE,
				  "a job of %s runs no commands to show",
				  p->kind->info->name);
	sm_buf_printf(&path, "%s/shardmill-dry-run.XXXXXX",
		      tmp && *tmp ? tmp : "/tmp");
	if (sm_buf_failed(&path))
		return sm_err_mem(err, "a dry run");
	if (!mkdtemp(path.data)) {
		ret = sm_err_sys(err, "cannot make the directory '%s'",
				 path.data);
		goto out;
	}
	cut.tables_dirfd = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (cut.tables_dirfd < 0)
		ret = sm_err_sys(err, "cannot open '%s'", path.data);
	if (ret == 0)
		ret = p->kind->cut(&cut, err);
	if (d.enough)
		ret = 0;
	if (cut.tables_dirfd >= 0)
		close(cut.tables_dirfd);
	if (sm_dir_remove(AT_FDCWD, path.data) < 0 && ret == 0)
		ret = sm_err_sys(err, "cannot remove '%s'", path.data);

out:
	sm_buf_release(&path);
	return ret;
}
