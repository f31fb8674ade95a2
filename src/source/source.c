/*
 * source.c - read a batch's lines again, whatever form its file has
 *
 * Where a worker's last batch ended is kept: its next one is most often a
 * little further on in the same file, and going on from there costs less than
 * entering anew.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc32.h"
#include "scan.h"
#include "text.h"

#include "lines_file.h"

#include "source.h"

#define SOURCE_BYTES ((size_t)256 * 1024)

struct sm_source {
	struct sm_lines_file file;
	const char *const *path;
	int tables_dirfd;

	/* The file in hand; number UINT64_MAX: none. */
	uint64_t number;
	struct sm_lines_entry e;
	const char *name; /* for messages */
	int fd;
	struct sm_gztext *gzip;
	struct sm_final_reader *final;
	struct sm_text *text;
	struct sm_final_batch inside; /* of a final file: what is inflated … */
	bool live;       /* … or, of any form, where the last piece ended */
	bool batch_over; /* all of `inside` was given */

	/* The last piece, and where in the file's text it is. */
	const char *piece;
	size_t len;
	uint64_t at;

	/* The batch: places in the file's text. */
	uint64_t next, end;
	bool in_header;
	uint64_t lines;
	bool in_line;
	unsigned char *room; /* text is read or inflated to here */
};

int
sm_source_open(struct sm_source **out, int tables_dirfd,
	       const char *const *path, struct sm_err *err)
{
	struct sm_source *s = calloc(1, sizeof(*s));
	uint64_t paths = 0;
	int ret;

	if (!s)
		return sm_err_mem(err, "reading lines");
	s->path = path;
	s->number = UINT64_MAX;
	s->fd = -1;
	/* For what was kept of standard input, opened when it is asked for. */
	s->tables_dirfd = fcntl(tables_dirfd, F_DUPFD_CLOEXEC, 3);
	ret = s->tables_dirfd < 0
		      ? sm_err_sys(err, "cannot open the tables")
		      : sm_lines_file_open(&s->file, tables_dirfd, err);
	while (path[paths])
		paths++;
	if (ret == 0 && s->file.files != paths)
		ret = sm_err_set(err, SM_EDAMAGED,
				 "'%s' in the job's tables is of %" PRIu64
				 " files, the job of %" PRIu64,
				 SM_LINES_NAME, s->file.files, paths);
	s->room = malloc(SM_TEXT_BEFORE + SOURCE_BYTES + SM_TEXT_AFTER);
	if (ret == 0 && !s->room)
		ret = sm_err_mem(err, "reading lines");
	if (ret < 0)
		sm_source_close(s);
	else
		*out = s;
	return ret;
}

/* Leave the file in hand. */
static void
source_leave(struct sm_source *s)
{
	sm_gztext_free(s->gzip);
	s->gzip = NULL;
	sm_text_free(s->text);
	s->text = NULL;
	sm_final_close(s->final);
	s->final = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->live = false;
	s->number = UINT64_MAX;
}

void
sm_source_close(struct sm_source *s)
{
	if (!s)
		return;
	source_leave(s);
	sm_lines_file_close(&s->file);
	if (s->tables_dirfd >= 0)
		close(s->tables_dirfd);
	free(s->room);
	free(s);
}

static int
source_changed(const struct sm_source *s, const char *what, struct sm_err *err)
{
	return sm_err_set(err, SM_EREFUSED,
			  "the input '%s' is not as it was planned: %s",
			  s->name, what);
}

/* ---------------------------------------------------------------- plain -- */

static int
plain_fill(struct sm_source *s, struct sm_err *err)
{
	uint64_t at = s->at + s->len, left = s->e.bytes - at;
	size_t want = left < SOURCE_BYTES ? (size_t)left : SOURCE_BYTES;
	ssize_t n;

	if (s->end > at && s->end - at < want)
		want = (size_t)(s->end - at);
	n = sm_pread_full(s->fd, s->room, want, at);
	if (n < 0)
		return sm_err_sys(err, "cannot read '%s' at byte %" PRIu64,
				  s->name, at);
	if ((size_t)n < want || want == 0)
		return sm_err_set(err, SM_EREFUSED,
				  "input '%s' shrank: it ends at byte %" PRIu64
				  ", the batch at %" PRIu64,
				  s->name, at + (uint64_t)n, s->end);
	s->piece = (const char *)s->room;
	s->at = at;
	s->len = want;
	return 0;
}

/* ----------------------------------------------------------------- gzip -- */

/* Enter at the last point before `want`, unless going on is as near. */
static int
gzip_seek(struct sm_source *s, uint64_t want, struct sm_err *err)
{
	unsigned char window[SM_LINES_WINDOW];
	struct sm_point p;
	uint64_t number;
	size_t len;
	int ret;

	sm_lines_file_point(&p, &number, &s->file, &s->e, want);
	if (s->live && want >= s->at && p.text_at <= s->at + s->len)
		return 0;
	ret = sm_lines_file_window(window, &len, &s->file, number, err);
	if (ret < 0)
		return ret;
	sm_gztext_enter(s->gzip, &p, window, len);
	s->at = p.text_at;
	s->len = 0;
	return 0;
}

static int
gzip_fill(struct sm_source *s, struct sm_err *err)
{
	int ret;

	s->at += s->len;
	ret = sm_gztext_next(&s->piece, &s->len, s->gzip, err);
	if (ret == 0)
		return source_changed(s, "its text is shorter", err);
	return ret < 0 ? ret : 0;
}

/* ---------------------------------------------------------------- final -- */

/* Planning believed the index; no text is given of what differs from it. */
static int
final_check(struct sm_source *s, struct sm_err *err)
{
	uint64_t at = s->inside.at, end = at + s->inside.bytes;
	uint32_t crc = 0;
	size_t want;
	ssize_t got;

	for (; at < end; at += want) {
		want = SOURCE_BYTES;
		if (want > end - at)
			want = (size_t)(end - at);
		got = sm_pread_full(s->fd, s->room, want, at);
		if (got < 0)
			return sm_err_sys(err, "cannot read '%s'", s->name);
		if ((size_t)got < want)
			return source_changed(s, "it shrank", err);
		crc = sm_crc32(crc, s->room, want);
	}
	if (crc == s->inside.gz_crc32)
		return 0;
	return sm_err_set(err, SM_EREFUSED,
			  "the input '%s' is damaged: batch %" PRIu64
			  " of it, at byte %" PRIu64
			  ", is not as it was written",
			  s->name, s->inside.batch, s->inside.at);
}

static int
final_begin(struct sm_source *s, struct sm_err *err)
{
	int ret = final_check(s, err);

	if (ret < 0)
		return ret;
	sm_text_begin(s->text, &s->inside);
	s->at = s->inside.raw_at;
	s->len = 0;
	s->batch_over = false;
	return 0;
}

static int
final_seek(struct sm_source *s, uint64_t want, struct sm_err *err)
{
	int ret;

	if (s->live && want >= s->at &&
	    want - s->inside.raw_at < s->inside.raw_bytes)
		return 0;
	ret = sm_final_find(&s->inside, s->final, SM_FINAL_BY_TEXT, want, err);
	if (ret == 0)
		return source_changed(s, "its text is shorter", err);
	if (ret > 0)
		ret = final_begin(s, err);
	return ret;
}

static int
final_fill(struct sm_source *s, struct sm_err *err)
{
	unsigned char *from = s->room + SM_TEXT_BEFORE, *end;
	enum sm_text_event event;
	int ret = 1;

	s->at += s->len;
	s->len = 0;
	if (s->batch_over) {
		do {
			ret = sm_final_next(&s->inside, s->final, err);
		} while (ret > 0 && s->inside.raw_bytes == 0);
		if (ret == 0)
			return source_changed(s, "its text is shorter", err);
		if (ret > 0)
			ret = final_begin(s, err);
		if (ret < 0)
			return ret;
	}
	sm_text_move(s->text, from, SOURCE_BYTES);
	ret = sm_text_read(&event, &end, s->text, err);
	if (ret == SM_EVERIFY)
		return source_changed(s, "it does not inflate", err);
	s->batch_over = event == SM_TEXT_END;
	s->piece = (const char *)from;
	s->len = (size_t)(end - from);
	return ret;
}

/* ---------------------------------------------------------------- files -- */

static int
source_open_form(struct sm_source *s, uint64_t size, struct sm_err *err)
{
	struct sm_err why;
	int ret = 0;

	switch (s->e.form) {
	case SM_LINES_PLAIN:
		break;
	case SM_LINES_GZIP:
		ret = sm_gztext_new(&s->gzip, s->fd, s->name, SM_EREFUSED, err);
		break;
	case SM_LINES_FINAL:
		ret = sm_final_open(&s->final, s->fd, s->name, size, &why);
		if (ret == 0)
			ret = sm_text_new(&s->text, s->final, err);
		else if (ret == SM_EINPUT || ret == SM_EVERIFY)
			ret = source_changed(s, why.text, err);
		else
			*err = why; /* which says nothing of the input */
		break;
	default:
		ret = sm_err_set(err, SM_EDAMAGED,
				 "'%s' in the job's tables names a form that "
				 "there is not",
				 SM_LINES_NAME);
	}
	return ret;
}

/* Have the file of that number in hand. */
static int
source_enter(struct sm_source *s, uint64_t number, struct sm_err *err)
{
	struct stat st;
	int ret = 0;

	if (number == s->number)
		return 0;
	source_leave(s);
	sm_lines_file_entry(&s->e, &s->file, number);
	s->name = s->path[number];
	if (strcmp(s->name, SM_SOURCE_STDIN) != 0) {
		ret = sm_open_input(&s->fd, s->name, &st, err);
	} else {
		s->name = "standard input";
		s->fd = openat(s->tables_dirfd, SM_SOURCE_KEPT,
			       O_RDONLY | O_CLOEXEC);
		if (s->fd < 0 || fstat(s->fd, &st) < 0)
			ret = sm_err_sys(err, "cannot open '%s' in the tables",
					 SM_SOURCE_KEPT);
	}
	if (ret == 0)
		ret = source_open_form(s, (uint64_t)st.st_size, err);
	if (ret < 0)
		source_leave(s);
	else
		s->number = number;
	return ret;
}

static int
source_fill(struct sm_source *s, struct sm_err *err)
{
	if (s->e.form == SM_LINES_GZIP)
		return gzip_fill(s, err);
	if (s->e.form == SM_LINES_FINAL)
		return final_fill(s, err);
	return plain_fill(s, err);
}

/* Have s->next in the piece. */
static int
source_reach(struct sm_source *s, struct sm_err *err)
{
	int ret = 0;

	if (!s->live || s->next < s->at || s->next - s->at > s->len) {
		if (s->e.form == SM_LINES_GZIP) {
			ret = gzip_seek(s, s->next, err);
		} else if (s->e.form == SM_LINES_FINAL) {
			ret = final_seek(s, s->next, err);
		} else {
			s->at = s->next;
			s->len = 0;
		}
	}
	s->live = ret == 0;
	while (ret == 0 && s->next - s->at >= s->len)
		ret = source_fill(s, err);
	s->live = ret == 0;
	return ret;
}

/* ---------------------------------------------------------------- batch -- */

int
sm_source_begin(uint64_t *bytes, struct sm_source *s, uint64_t first,
		uint64_t end, struct sm_err *err)
{
	uint64_t number = sm_lines_file_find(&s->file, first);
	struct sm_lines_entry e = { .bytes = 0 };
	int ret;

	if (number != UINT64_MAX)
		sm_lines_file_entry(&e, &s->file, number);
	if (end <= first || first - e.start > e.bytes ||
	    end - e.start > e.bytes)
		return sm_err_set(err, SM_EDAMAGED,
				  "bytes %" PRIu64 " to %" PRIu64
				  " are of no input",
				  first, end);
	ret = source_enter(s, number, err);
	if (ret < 0)
		return ret;
	s->next = first - s->e.start;
	s->end = end - s->e.start;
	s->in_header = s->file.header_bytes > 0;
	s->lines = 0;
	s->in_line = false;
	*bytes = s->file.header_bytes + end - first;
	return 0;
}

int
sm_source_next(const char **text, size_t *len, struct sm_source *s,
	       struct sm_err *err)
{
	int ret;

	*len = 0;
	if (s->in_header) {
		s->in_header = false;
		*text = (const char *)s->file.header;
		*len = (size_t)s->file.header_bytes;
		return 1;
	}
	if (s->next == s->end)
		return 0;
	ret = source_reach(s, err);
	if (ret < 0)
		return ret;
	*text = s->piece + (s->next - s->at);
	*len = s->len - (size_t)(s->next - s->at);
	if (*len > s->end - s->next)
		*len = (size_t)(s->end - s->next);
	s->next += *len;
	s->lines += sm_scan_newlines(*text, *len);
	s->in_line = (*text)[*len - 1] != '\n';
	return 1;
}

int
sm_source_count(uint64_t *lines, struct sm_source *s, struct sm_err *err)
{
	const char *text;
	size_t len;
	int ret;

	s->in_header = false;
	do {
		ret = sm_source_next(&text, &len, s, err);
	} while (ret > 0);
	*lines = s->lines;
	/* Elsewhere than at the file's end a line is not over. */
	if (s->in_line && s->end == s->e.bytes)
		++*lines;
	return ret;
}

bool
sm_source_is_indexed(const struct sm_source *s)
{
	return s->e.form == SM_LINES_FINAL;
}

const char *
sm_source_path(const struct sm_source *s)
{
	return s->path[s->number];
}

const char *
sm_source_name(const struct sm_source *s)
{
	return s->name;
}
