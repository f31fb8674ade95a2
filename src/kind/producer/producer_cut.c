/*
 * producer_cut.c - the batches of a producer's job
 *
 * Ranges, lines and items are cut by exec's own code.  What the producer cuts
 * itself is written into the job's tables first, in exec's form of a list, and
 * read from there, so that whoever plans again, or recovers, needs no producer.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "errfile.h"
#include "event.h"
#include "file.h"

#include "items.h"

#include "producer.h"

#define CUT_TMP       SM_ITEMS_NAME ".tmp"
#define CUT_WRITE     ((size_t)64 * 1024)
#define CUT_ITEM_MAX  100000
#define CUT_PLACE_MAX 64 /* two numbers and two blanks */

struct sm_cutter {
	const struct sm_events *events;
	uint64_t batches;
	int fd;
	struct sm_buf text;   /* to be written */
	struct sm_err failed; /* the first failure; code 0: none */
};

bool
sm_producer_input(struct sm_kind_input *in, size_t i, const void *opts)
{
	const struct sm_producer_opts *o = opts;

	if (!o->own_cut)
		return sm_exec_input(in, i, &o->in);
	*in = (struct sm_kind_input){ .cuts = true, .grows = true };
	strcpy(in->name, SM_EXEC_ITEMS);
	return i == 0;
}

/* ------------------------------------------------------ the producer's -- */

static int
cut_flush(struct sm_cutter *c, struct sm_err *err)
{
	if (sm_buf_failed(&c->text))
		return sm_err_mem(err, "the batches");
	if (c->text.len > 0 &&
	    sm_write_all(c->fd, c->text.data, c->text.len) < 0)
		return sm_err_sys(err, "cannot write '%s'", CUT_TMP);
	sm_buf_clear(&c->text);
	return 0;
}

static int
cut_check(const struct sm_cutter *c, int64_t first, int64_t end,
	  const char *item, struct sm_err *err)
{
	if (c->events && c->events->stop && *c->events->stop)
		return sm_err_set(err, SM_ESTOPPED, "stopped while planning");
	if ((first < 0 || end < first) && !(first == -1 && end == -1))
		return sm_err_set(err, SM_EUSAGE,
				  "batch %" PRIu64 " from %" PRId64
				  " to %" PRId64 " is no range",
				  c->batches, first, end);
	if (item && strlen(item) > CUT_ITEM_MAX)
		return sm_err_set(err, SM_EUSAGE,
				  "the item of batch %" PRIu64
				  " is longer than "
				  "%d bytes",
				  c->batches, CUT_ITEM_MAX);
	return 0;
}

int
sm_cut(struct sm_cutter *c, int64_t first, int64_t end, const char *item,
       struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	int ret = c->failed.code;

	if (ret != 0) {
		*err = c->failed;
		return ret;
	}
	ret = cut_check(c, first, end, item, err);
	if (ret == 0) {
		sm_buf_printf(&c->text, "%" PRId64 " %" PRId64, first, end);
		if (item) {
			sm_buf_putc(&c->text, ' ');
			sm_buf_puts(&c->text, item);
		}
		sm_buf_putc(&c->text, '\0');
		c->batches++;
		if (c->text.len >= CUT_WRITE || sm_buf_failed(&c->text))
			ret = cut_flush(c, err);
	}
	if (ret < 0) {
		c->failed = *err;
		c->failed.code = ret;
	}
	return ret;
}

static int
keep_cut(struct sm_cutter *c, const struct sm_producer_opts *o,
	 struct sm_err *err)
{
	struct sm_producer_env env = { .options = o->options,
				       .slot = -1,
				       .arg = o->producer->arg };
	struct sm_err why = { 0 };
	int ret = o->producer->cut(c, &env, &why);

	if (c->failed.code != 0) {
		*err = c->failed;
		return c->failed.code;
	}
	if (ret == 0)
		return cut_flush(c, err);
	/* Of a class that planning knows. */
	if (why.code != ret || strcmp(sm_code_name(ret), "none") == 0)
		return sm_err_set(err, SM_EINPUT,
				  "the cut() of the producer '%s' returned %d "
				  "and did not say why, as by sm_fail()",
				  o->name, ret);
	*err = why;
	return sm_err_prefix(err, "cut() of the producer '%s'", o->name);
}

static int
keep_publish(struct sm_cutter *c, int tables_dirfd, struct sm_err *err)
{
	int fd = c->fd;

	c->fd = -1;
	if (sm_sync_close(fd, true) < 0)
		return sm_err_sys(err, "cannot sync '%s'", CUT_TMP);
	if (renameat(tables_dirfd, CUT_TMP, tables_dirfd, SM_ITEMS_NAME) < 0)
		return sm_err_sys(err, "cannot rename '%s'", CUT_TMP);
	return 0;
}

static int
keep_own(const struct sm_producer_opts *o, int tables_dirfd,
	 const struct sm_events *ev, struct sm_err *err)
{
	struct sm_cutter c = { .events = ev, .fd = -1 };
	int ret = 0;

	/* The batches are lost with their table, and only it can say them. */
	if (!o->producer)
		return sm_err_set(err, SM_EREFUSED,
				  "the batches were cut by the producer '%s', "
				  "and the list of them is lost; plan the job "
				  "again with its program%s%s",
				  o->name, o->program ? ", " : "",
				  o->program ? o->program : "");
	c.fd = openat(tables_dirfd, CUT_TMP,
		      O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
		      0666);
	if (c.fd < 0)
		return sm_err_file(err, tables_dirfd, CUT_TMP, "cannot create");
	ret = keep_cut(&c, o, err);
	if (ret == 0)
		ret = keep_publish(&c, tables_dirfd, err);
	if (c.fd >= 0)
		close(c.fd);
	if (ret < 0)
		unlinkat(tables_dirfd, CUT_TMP, 0);
	sm_buf_release(&c.text);
	return ret;
}

int
sm_producer_keep(const struct sm_spec *spec, int tables_dirfd, int old_dirfd,
		 const struct sm_events *ev, struct sm_err *err)
{
	const struct sm_producer_opts *o = spec->opts;

	if (o->own_cut)
		return keep_own(o, tables_dirfd, ev, err);
	return sm_exec_keep(spec, tables_dirfd, old_dirfd, ev, err);
}

/* ------------------------------------------------------------ the list -- */

/* "FIRST END ITEM"; the item is what follows the second blank, if any does. */
static bool
cut_parse(struct sm_piece *b, const char *text)
{
	char *end;

	errno = 0;
	b->first = strtoll(text, &end, 10);
	if (*end != ' ')
		return false;
	b->end = strtoll(end + 1, &end, 10);
	b->item = NULL;
	if (*end == ' ')
		b->item = end + 1; /* nobody writes to it */
	else if (*end != '\0')
		return false;
	return errno == 0;
}

static int
cut_emit(struct sm_kind_cut *cut, struct sm_piece *b, struct sm_err *err)
{
	b->id = cut->batches++;
	if (b->first >= 0)
		cut->rows += (uint64_t)(b->end - b->first);
	if (cut->events && cut->events->stop && *cut->events->stop)
		return sm_err_set(err, SM_ESTOPPED, "stopped while planning");
	return cut->emit(b, cut->arg, err);
}

static int
cut_own(struct sm_kind_cut *cut, struct sm_err *err)
{
	struct sm_piece b = { .first_byte = -1, .end_byte = -1 };
	struct sm_items list = { 0 };
	const char *text;
	int ret = 0;

	if (!cut->compiled)
		ret = sm_producer_keep(cut->spec, cut->tables_dirfd, -1,
				       cut->events, err);
	if (ret == 0)
		ret = sm_items_open(&list, cut->tables_dirfd, err);
	while (ret == 0 && (text = sm_items_next(&list)) != NULL) {
		if (cut_parse(&b, text))
			ret = cut_emit(cut, &b, err);
		else
			ret = sm_err_set(err, SM_EDAMAGED,
					 "batch %" PRIu64 " in '%s' of the "
					 "job's tables cannot be read: '%.60s'",
					 cut->batches, SM_ITEMS_NAME, text);
	}
	sm_items_close(&list);
	return ret;
}

int
sm_producer_cut(struct sm_kind_cut *cut, struct sm_err *err)
{
	const struct sm_producer_opts *o = cut->spec->opts;

	cut->batches = cut->rows = 0;
	if (o->own_cut)
		return cut_own(cut, err);
	return sm_exec_cut(cut, err);
}
