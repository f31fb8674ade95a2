/*
 * source_plan.c - go over files of lines once, at plan time
 *
 * Form by form, text comes to one place, where a header is taken off and the
 * rest cut into batches.  Reading a batch again is source.c's business.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "dir.h"
#include "file.h"
#include "packed.h"
#include "text.h"

#include "lines_file.h"

#include "source.h"

#define PLAN_READ_BYTES ((size_t)256 * 1024)
#define PLAN_NEAR_BYTES ((size_t)16 * 1024) /* at the end of a batch */
#define PLAN_HEADER_MAX ((size_t)1 << 20)
#define PLAN_HEAD_BYTES 16 /* as many as it takes to know a form */
#define PLAN_STEP_BYTES ((uint64_t)64 << 20) /* between reports */
#define PLAN_ROOM_BYTES ((size_t)256 * 1024)

struct plan {
	const struct sm_source_plan *o;
	struct sm_cutter cutter;
	struct sm_lines_build build;
	uint64_t done, total, reported; /* bytes of files */
	struct sm_buf header;           /* of the first file that has one */
	const char *header_of;          /* its name; NULL: none was met */
	char *chunk;                    /* PLAN_READ_BYTES */

	/* The file in hand. */
	const char *path, *name; /* name: for messages */
	int fd;
	uint64_t size;
	struct sm_buf head;  /* the header so far */
	uint64_t head_lines; /* still to come */
	uint64_t start;      /* of its text in the sequence */
};

static void
plan_progress(struct plan *p, uint64_t done)
{
	done += p->done;
	if (!p->o->progress || done < p->reported + PLAN_STEP_BYTES)
		return;
	p->reported = done;
	p->o->progress(done, p->total, p->o->arg);
}

static void SM_PRINTF(2, 3) plan_notice(struct plan *p, const char *fmt, ...)
{
	char text[SM_ERR_TEXT], said[SM_SAID_MAX];
	va_list ap;

	if (!p->o->notice)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), sm_err_said(said, fmt), ap);
	va_end(ap);
	p->o->notice(text, p->o->arg);
}

/* --------------------------------------------------------------- header -- */

/* The file's header is whole: is it that of the files before? */
static int
plan_header_end(struct plan *p, struct sm_err *err)
{
	if (sm_buf_failed(&p->head))
		return sm_err_mem(err, "a header");
	sm_cutter_skip(&p->cutter, p->head.len);
	if (!p->header_of) {
		p->header_of = p->name;
		sm_buf_put(&p->header, p->head.data, p->head.len);
		return 0;
	}
	if (p->header.len == p->head.len &&
	    memcmp(p->header.data, p->head.data, p->head.len) == 0)
		return 0;
	return sm_err_set(err, SM_EINPUT,
			  "the header of '%s' (--header) is not that of '%s'; "
			  "give files of another header to another job",
			  p->name, p->header_of);
}

/* Text that begins in the header: `*at` is moved past what is of that. */
static int
plan_header(struct plan *p, const char **at, const char *end,
	    struct sm_err *err)
{
	const char *from = *at, *newline;

	while (p->head_lines > 0 && *at < end) {
		newline = memchr(*at, '\n', (size_t)(end - *at));
		p->head_lines -= newline != NULL;
		*at = newline ? newline + 1 : end;
	}
	sm_buf_put(&p->head, from, (size_t)(*at - from));
	if (p->head.len > PLAN_HEADER_MAX)
		return sm_err_set(err, SM_EINPUT,
				  "the header of '%s', %" PRIu64
				  " lines (--header), is longer than 1 MiB",
				  p->name, p->o->header);
	return p->head_lines > 0 ? 0 : plan_header_end(p, err);
}

/* The next piece of the file's text. */
static int
plan_text(struct plan *p, const char *text, size_t len, struct sm_err *err)
{
	const char *end = text + len;
	int ret = 0;

	if (p->head_lines > 0)
		ret = plan_header(p, &text, end, err);
	if (ret == 0)
		ret = sm_cutter_text(&p->cutter, text, (size_t)(end - text),
				     err);
	return ret;
}

/* A file without any text needs no header. */
static int
plan_text_end(struct plan *p, struct sm_err *err)
{
	if (p->head_lines > 0 && p->head.len > 0)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' has fewer lines than the %" PRIu64
				  " of its header (--header)",
				  p->name, p->o->header);
	return sm_cutter_end(&p->cutter, err);
}

/* ---------------------------------------------------------------- forms -- */

/*
 * What needs no look is not read; near the end of a batch less is read at a
 * time, since most of it would be passed over again.
 */
static int
plan_plain(struct plan *p, struct sm_err *err)
{
	uint64_t at = 0, pass;
	size_t want;
	ssize_t n;
	int ret = 0;

	posix_fadvise(p->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while (at < p->size && ret == 0) {
		pass = p->head_lines > 0 ? 0 : sm_cutter_free(&p->cutter);
		if (pass > p->size - at)
			pass = p->size - at;
		ret = sm_cutter_pass(&p->cutter, pass, 0, err);
		at += pass;
		want = p->o->lines ? PLAN_READ_BYTES : PLAN_NEAR_BYTES;
		n = sm_pread_full(p->fd, p->chunk, want, at);
		if (n < 0)
			return sm_err_sys_as(err, SM_EINPUT,
					     "cannot read '%s' at byte "
					     "%" PRIu64,
					     p->name, at);
		if (n == 0)
			break;
		if (ret == 0)
			ret = plan_text(p, p->chunk, (size_t)n, err);
		at += (uint64_t)n;
		plan_progress(p, at);
	}
	/* Grown or shrunk meanwhile: the digest says so. */
	return ret;
}

static int
plan_gzip_points(struct plan *p, struct sm_gztext *g, struct sm_err *err)
{
	const unsigned char *window;
	uint64_t last = 0;
	struct sm_point point;
	const char *text;
	size_t len;
	int ret;

	while ((ret = sm_gztext_next(&text, &len, g, err)) > 0) {
		ret = plan_text(p, text, len, err);
		if (ret < 0)
			return ret;
		if (sm_gztext_point(&point, &window, &len, g)) {
			last = point.text_at;
			ret = sm_lines_build_point(&p->build, &point, window,
						   len, err);
			if (ret < 0)
				return ret;
		}
		if (sm_gztext_text(g) >= last + SM_SOURCE_SPAN)
			sm_gztext_seek_point(g);
		plan_progress(p, sm_gztext_at(g));
	}
	return ret;
}

static int
plan_gzip(struct plan *p, struct sm_err *err)
{
	struct sm_gztext *g = NULL;
	int ret = sm_gztext_new(&g, p->fd, p->name, SM_EINPUT, err);

	posix_fadvise(p->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	if (ret == 0)
		ret = plan_gzip_points(p, g, err);
	sm_gztext_free(g);
	return ret;
}

/* Inflate one batch of a final file. */
static int
plan_final_batch(struct plan *p, struct sm_text *t,
		 const struct sm_final_batch *b, unsigned char *room,
		 struct sm_err *err)
{
	enum sm_text_event event = SM_TEXT_FULL;
	unsigned char *end;
	int ret = 0;

	sm_text_begin(t, b);
	while (ret == 0 && event != SM_TEXT_END) {
		sm_text_move(t, room + SM_TEXT_BEFORE, PLAN_ROOM_BYTES);
		ret = sm_text_read(&event, &end, t, err);
		if (ret == SM_EVERIFY && err)
			ret = err->code = SM_EINPUT;
		if (ret == 0)
			ret = plan_text(p, (char *)room + SM_TEXT_BEFORE,
					(size_t)(end - room) - SM_TEXT_BEFORE,
					err);
	}
	return ret;
}

static int
plan_final(struct plan *p, struct sm_final_reader *r, struct sm_err *err)
{
	unsigned char *room =
		malloc(SM_TEXT_BEFORE + PLAN_ROOM_BYTES + SM_TEXT_AFTER);
	struct sm_final_batch b;
	struct sm_text *t = NULL;
	uint64_t missing = 0;
	int ret = room ? sm_text_new(&t, r, err) : sm_err_mem(err, "text");

	sm_final_rewind(r);
	while (ret >= 0 && (ret = sm_final_next(&b, r, err)) > 0) {
		if (b.missing)
			missing += b.batches;
		if (b.raw_bytes == 0)
			continue;
		if (p->head_lines == 0 &&
		    sm_cutter_may_pass(&p->cutter, b.raw_bytes, b.records))
			ret = sm_cutter_pass(&p->cutter, b.raw_bytes, b.records,
					     err);
		else
			ret = plan_final_batch(p, t, &b, room, err);
		plan_progress(p, b.at + b.bytes);
	}
	if (ret == 0 && missing > 0)
		plan_notice(p,
			    "%" PRIu64 " batch%s left out of '%s', whose lines "
			    "are not in it",
			    missing, missing == 1 ? " was" : "es were",
			    p->name);
	sm_text_free(t);
	free(room);
	return ret;
}

/* ---------------------------------------------------------------- files -- */

static bool
plan_is_named_gzip(const char *path)
{
	size_t n = strlen(path);

	return n > 3 && strcmp(path + n - 3, ".gz") == 0;
}

/* Whose index is damaged is a gzip file as any other. */
static int
plan_form(enum sm_lines_form *form, struct sm_final_reader **r, struct plan *p,
	  struct sm_err *err)
{
	unsigned char head[PLAN_HEAD_BYTES];
	ssize_t n = sm_pread_full(p->fd, head, sizeof(head), 0);
	struct sm_map map = { .data = head, .path = p->name };
	struct sm_err why;
	int ret;

	if (n < 0)
		return sm_err_sys_as(err, SM_EINPUT, "cannot read '%s'",
				     p->name);
	*form = SM_LINES_PLAIN;
	map.size = (size_t)n;
	if (n >= 3 && memcmp(head, "\x1f\x8b\x08", 3) == 0) {
		*form = SM_LINES_GZIP;
		ret = sm_final_open(r, p->fd, p->name, p->size, &why);
		if (ret == 0)
			*form = SM_LINES_FINAL;
		else if (ret == SM_EIO || ret == SM_ENOMEM)
			*err = why;
		else
			ret = 0;
		return ret;
	}
	if (plan_is_named_gzip(p->path))
		return sm_err_set(err, SM_EINPUT,
				  "'%s' is no gzip file%s; name it otherwise "
				  "if it is text",
				  p->name,
				  n == 0 ? ": it is empty"
					 : " by its first bytes");
	return sm_packed_refuse(&map, SM_PACKED_TEXT, err);
}

static int
plan_open(struct plan *p, const char *path, struct sm_err *err)
{
	struct stat st;
	int ret = 0;

	p->path = p->name = path;
	if (strcmp(path, SM_SOURCE_STDIN) != 0) {
		ret = sm_open_input(&p->fd, path, &st, err);
	} else {
		p->name = "standard input";
		p->fd = openat(p->o->tables_dirfd, SM_SOURCE_KEPT,
			       O_RDONLY | O_CLOEXEC);
		if (p->fd < 0 || fstat(p->fd, &st) < 0)
			ret = sm_err_sys(err, "cannot open '%s' in the tables",
					 SM_SOURCE_KEPT);
	}
	if (ret == 0)
		p->size = (uint64_t)st.st_size;
	return ret;
}

static int
plan_file(struct plan *p, const char *path, struct sm_err *err)
{
	enum sm_lines_form form = SM_LINES_PLAIN;
	struct sm_final_reader *r = NULL;
	int ret = plan_open(p, path, err);

	p->start = p->cutter.at;
	p->head_lines = p->o->header;
	sm_buf_clear(&p->head);
	if (ret == 0)
		ret = plan_form(&form, &r, p, err);
	if (ret == 0 && form == SM_LINES_PLAIN)
		ret = plan_plain(p, err);
	else if (ret == 0 && form == SM_LINES_GZIP)
		ret = plan_gzip(p, err);
	else if (ret == 0)
		ret = plan_final(p, r, err);
	if (ret == 0)
		ret = plan_text_end(p, err);
	if (ret == 0)
		sm_lines_build_file(&p->build, form, p->start,
				    p->cutter.at - p->start);
	p->done += p->size;
	sm_final_close(r);
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
	return ret;
}

int
sm_source_plan(const struct sm_source_plan *o, struct sm_err *err)
{
	struct plan p = { .o = o, .fd = -1, .build.fd = -1 };
	struct stat st;
	size_t i;
	int ret;

	p.cutter.lines = o->lines;
	p.cutter.bytes = o->bytes;
	p.cutter.emit = o->cut;
	p.cutter.arg = o->arg;
	for (i = 0; o->path[i]; i++)
		if (stat(o->path[i], &st) == 0)
			p.total += (uint64_t)st.st_size;
	ret = sm_lines_build_open(&p.build, o->tables_dirfd, err);
	p.chunk = malloc(PLAN_READ_BYTES);
	if (ret == 0 && !p.chunk)
		ret = sm_err_mem(err, "reading lines");
	for (i = 0; ret == 0 && o->path[i]; i++) {
		p.cutter.file = i;
		ret = plan_file(&p, o->path[i], err);
	}
	if (ret == 0 && sm_buf_failed(&p.header))
		ret = sm_err_mem(err, "a header");
	if (ret == 0)
		ret = sm_lines_build_end(&p.build, &p.header, err);
	sm_lines_build_close(&p.build);
	sm_buf_release(&p.header);
	sm_buf_release(&p.head);
	free(p.chunk);
	return ret;
}

/* ------------------------------------------------------- standard input -- */

static int
keep_copy(uint64_t *bytes, int fd, struct sm_err *err)
{
	char *chunk = malloc(PLAN_READ_BYTES);
	ssize_t n = 1;
	int ret = 0;

	if (!chunk)
		return sm_err_mem(err, "reading standard input");
	for (*bytes = 0; ret == 0 && n > 0; *bytes += (uint64_t)n) {
		n = sm_read_full(STDIN_FILENO, chunk, PLAN_READ_BYTES);
		if (n < 0) {
			ret = sm_err_sys_as(err, SM_EINPUT,
					    "cannot read standard input");
			n = 0;
		}
		if (n > 0 && sm_write_all(fd, chunk, (size_t)n) < 0)
			ret = sm_err_sys(err,
					 "cannot keep standard input in the "
					 "job, after %" PRIu64 " bytes",
					 *bytes);
	}
	free(chunk);
	return ret;
}

int
sm_source_keep(uint64_t *bytes, int tables_dirfd, struct sm_err *err)
{
	char tmp[SM_TMP_MAX];
	int fd, ret = sm_tmp_create(&fd, tmp, tables_dirfd, SM_SOURCE_KEPT,
				    err);

	if (ret < 0)
		return ret;
	ret = keep_copy(bytes, fd, err);
	if (ret < 0)
		close(fd);
	else if (sm_sync_close(fd, true) < 0)
		ret = sm_err_sys(err, "cannot sync '%s'", tmp);
	if (ret == 0 &&
	    renameat(tables_dirfd, tmp, tables_dirfd, SM_SOURCE_KEPT) < 0)
		ret = sm_err_sys(err, "cannot rename '%s'", tmp);
	if (ret < 0)
		unlinkat(tables_dirfd, tmp, 0);
	return ret;
}
