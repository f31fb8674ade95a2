/*
 * lines_file.c - write what planning found out about files of lines, and map it
 *
 * Windows go to the file as they come, for there may be gigabytes of text to
 * a few of them; all else is kept in memory until the end, 32 bytes each.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "crc32.h"
#include "zmem.h"

#include "lines_file.h"

#define LINES_MAGIC        "SMLINES\n"
#define LINES_MAGIC_BYTES  8
#define LINES_VERSION      1
#define LINES_HEADER_BYTES 64
#define LINES_ENTRY_BYTES  32 /* of a file, and of a point */

/* Of a window, where zlib makes it larger: far more than that. */
#define LINES_WINDOW_PACKED (SM_LINES_WINDOW + 1024)

int
sm_lines_build_open(struct sm_lines_build *b, int dirfd, struct sm_err *err)
{
	const unsigned char none[LINES_HEADER_BYTES] = { 0 };
	int ret;

	*b = (struct sm_lines_build){ .dirfd = dirfd, .fd = -1 };
	ret = sm_tmp_create(&b->fd, b->tmp, dirfd, SM_LINES_NAME, err);
	if (ret < 0)
		return ret;
	if (sm_write_all(b->fd, none, sizeof(none)) < 0)
		return sm_err_sys(err, "cannot write '%s'", b->tmp);
	return 0;
}

void
sm_lines_build_close(struct sm_lines_build *b)
{
	if (b->fd >= 0) {
		close(b->fd);
		unlinkat(b->dirfd, b->tmp, 0);
	}
	b->fd = -1;
	sm_buf_release(&b->file);
	sm_buf_release(&b->point);
}

static int
build_write(struct sm_lines_build *b, const void *data, size_t len,
	    struct sm_err *err)
{
	if (len > 0 && sm_write_all(b->fd, data, len) < 0)
		return sm_err_sys(err, "cannot write '%s'", b->tmp);
	b->crc32 = sm_crc32(b->crc32, data, len);
	return 0;
}

/* What compress2() does, with our own memory; *size: the room, then the result.
 */
static int
build_pack(unsigned char *packed, uInt *size, const unsigned char *window,
	   size_t len, struct sm_err *err)
{
	z_stream z = { .next_in = (Bytef *)window,
		       .avail_in = (uInt)len,
		       .next_out = packed,
		       .avail_out = *size };

	sm_zmem_use(&z);
	if (deflateInit(&z, 6) != Z_OK)
		return sm_err_mem(err, "a window of text");
	/* The room is enough, so that this cannot fail. */
	deflate(&z, Z_FINISH);
	deflateEnd(&z);
	*size -= z.avail_out;
	return 0;
}

int
sm_lines_build_point(struct sm_lines_build *b, const struct sm_point *p,
		     const unsigned char *window, size_t len,
		     struct sm_err *err)
{
	unsigned char packed[LINES_WINDOW_PACKED], e[LINES_ENTRY_BYTES] = { 0 };
	uInt size = 0;
	int ret;

	if (len > 0) {
		size = sizeof(packed);
		ret = build_pack(packed, &size, window, len, err);
		if (ret < 0)
			return ret;
	}
	sm_put_le(e, p->at, 8);
	sm_put_le(e + 8, p->text_at, 8);
	sm_put_le(e + 16, b->windows, 8);
	sm_put_le(e + 24, size, 4);
	e[28] = p->count;
	e[29] = p->bits;
	e[30] = p->member;
	sm_buf_put(&b->point, e, sizeof(e));
	b->points++;
	b->windows += size;
	return build_write(b, packed, size, err);
}

void
sm_lines_build_file(struct sm_lines_build *b, enum sm_lines_form form,
		    uint64_t start, uint64_t bytes)
{
	unsigned char e[LINES_ENTRY_BYTES] = { 0 };

	sm_put_le(e, form, 4);
	sm_put_le(e + 8, start, 8);
	sm_put_le(e + 16, bytes, 8);
	sm_put_le(e + 24, b->points, 8);
	sm_buf_put(&b->file, e, sizeof(e));
	b->files++;
}

int
sm_lines_build_end(struct sm_lines_build *b, const struct sm_buf *header,
		   struct sm_err *err)
{
	unsigned char h[LINES_HEADER_BYTES] = { 0 };
	int fd = b->fd, ret;

	if (sm_buf_failed(&b->file) || sm_buf_failed(&b->point))
		return sm_err_mem(err, "the list of inputs");
	ret = build_write(b, header->data, header->len, err);
	if (ret == 0)
		ret = build_write(b, b->file.data, b->file.len, err);
	if (ret == 0)
		ret = build_write(b, b->point.data, b->point.len, err);
	if (ret < 0)
		return ret;
	memcpy(h, LINES_MAGIC, LINES_MAGIC_BYTES);
	sm_put_le(h + 8, LINES_VERSION, 4);
	sm_put_le(h + 12, b->files, 4);
	sm_put_le(h + 16, b->points, 8);
	sm_put_le(h + 24, b->windows, 8);
	sm_put_le(h + 32, header->len, 8);
	sm_put_le(h + 40,
		  sizeof(h) + b->windows + header->len + b->file.len +
			  b->point.len,
		  8);
	sm_put_le(h + 56, b->crc32, 4);
	sm_put_le(h + 60, sm_crc32(0, h, 60), 4);
	if (sm_pwrite_all(fd, h, sizeof(h), 0) < 0)
		return sm_err_sys(err, "cannot write '%s'", b->tmp);
	b->fd = -1;
	if (sm_sync_close(fd, true) < 0)
		ret = sm_err_sys(err, "cannot sync '%s'", b->tmp);
	else if (renameat(b->dirfd, b->tmp, b->dirfd, SM_LINES_NAME) < 0)
		ret = sm_err_sys(err, "cannot rename '%s'", b->tmp);
	if (ret < 0)
		unlinkat(b->dirfd, b->tmp, 0);
	return ret;
}

/* -------------------------------------------------------------- reading -- */

/*
 * Each number is held against the size before anything is computed from it
 * that could overflow: the CRCs detect damage, not malice.
 */
static bool
lines_check(struct sm_lines_file *f)
{
	const unsigned char *h = f->map.data, *rest = h + LINES_HEADER_BYTES;
	uint64_t size = f->map.size, left, last = 0, i;

	if (size < LINES_HEADER_BYTES ||
	    memcmp(h, LINES_MAGIC, LINES_MAGIC_BYTES) != 0 ||
	    sm_get_le(h + 8, 4) != LINES_VERSION ||
	    sm_get_le(h + 60, 4) != sm_crc32(0, h, 60) ||
	    sm_get_le(h + 40, 8) != size)
		return false;
	left = size - LINES_HEADER_BYTES;
	f->files = sm_get_le(h + 12, 4);
	f->points = sm_get_le(h + 16, 8);
	f->windows = sm_get_le(h + 24, 8);
	f->header_bytes = sm_get_le(h + 32, 8);
	if (f->windows > left || f->header_bytes > left - f->windows)
		return false;
	f->window = rest;
	f->header = rest + f->windows;
	f->file = f->header + f->header_bytes;
	left -= f->windows + f->header_bytes;
	if (left % LINES_ENTRY_BYTES != 0 ||
	    f->files > left / LINES_ENTRY_BYTES ||
	    f->points != left / LINES_ENTRY_BYTES - f->files)
		return false;
	f->point = f->file + f->files * LINES_ENTRY_BYTES;
	for (i = 0; i < f->files; i++) {
		left = sm_get_le(f->file + i * LINES_ENTRY_BYTES + 24, 8);
		if (left < last || left > f->points)
			return false;
		last = left;
	}
	return sm_get_le(h + 56, 4) ==
	       sm_crc32(0, rest, (size_t)size - LINES_HEADER_BYTES);
}

int
sm_lines_file_open(struct sm_lines_file *f, int dirfd, struct sm_err *err)
{
	int ret;

	*f = (struct sm_lines_file){ 0 };
	ret = sm_map_openat(&f->map, dirfd, SM_LINES_NAME, err);
	if (ret < 0)
		return ret;
	if (lines_check(f))
		return 0;
	sm_lines_file_close(f);
	return sm_err_set(err, SM_EDAMAGED,
			  "'%s' in the job's tables is not as it was written",
			  SM_LINES_NAME);
}

void
sm_lines_file_close(struct sm_lines_file *f)
{
	sm_map_close(&f->map);
	*f = (struct sm_lines_file){ 0 };
}

void
sm_lines_file_entry(struct sm_lines_entry *e, const struct sm_lines_file *f,
		    uint64_t i)
{
	const unsigned char *p = f->file + i * LINES_ENTRY_BYTES;

	*e = (struct sm_lines_entry){
		.form = (enum sm_lines_form)sm_get_le(p, 4),
		.start = sm_get_le(p + 8, 8),
		.bytes = sm_get_le(p + 16, 8),
		.end_point = sm_get_le(p + 24, 8),
	};
	if (i > 0)
		e->first_point = sm_get_le(p - LINES_ENTRY_BYTES + 24, 8);
}

uint64_t
sm_lines_file_find(const struct sm_lines_file *f, uint64_t at)
{
	uint64_t low = 0, high = f->files, middle;
	struct sm_lines_entry e = { .bytes = 0 };

	/* The last that does not begin after it; empty ones come before. */
	while (high - low > 1) {
		middle = low + (high - low) / 2;
		sm_lines_file_entry(&e, f, middle);
		if (e.start <= at)
			low = middle;
		else
			high = middle;
	}
	if (f->files > 0)
		sm_lines_file_entry(&e, f, low);
	if (at < e.start || at - e.start >= e.bytes)
		return UINT64_MAX;
	return low;
}

static const unsigned char *
lines_point(const struct sm_lines_file *f, uint64_t number)
{
	return f->point + number * LINES_ENTRY_BYTES;
}

void
sm_lines_file_point(struct sm_point *p, uint64_t *number,
		    const struct sm_lines_file *f,
		    const struct sm_lines_entry *e, uint64_t text_at)
{
	uint64_t low = e->first_point, high = e->end_point, middle;
	const unsigned char *q;

	*number = UINT64_MAX;
	*p = (struct sm_point){ .member = true };
	while (low < high) {
		middle = low + (high - low) / 2;
		if (sm_get_le(lines_point(f, middle) + 8, 8) <= text_at) {
			*number = middle;
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	if (*number == UINT64_MAX)
		return;
	q = lines_point(f, *number);
	*p = (struct sm_point){ .at = sm_get_le(q, 8),
				.text_at = sm_get_le(q + 8, 8),
				.count = q[28],
				.bits = q[29],
				.member = q[30] == 1 };
}

/*
 * What uncompress() does, with our own memory, a lack of which is no damage;
 * *size: the room, then the result.
 */
static int
lines_unpack(unsigned char *window, uInt *size, const unsigned char *packed,
	     uInt len, struct sm_err *err)
{
	z_stream z = { .next_in = (Bytef *)packed,
		       .avail_in = len,
		       .next_out = window,
		       .avail_out = *size };
	int ret;

	sm_zmem_use(&z);
	ret = inflateInit(&z);
	if (ret == Z_OK) {
		ret = inflate(&z, Z_FINISH);
		inflateEnd(&z);
	}
	*size -= z.avail_out;
	if (ret == Z_MEM_ERROR)
		return sm_err_mem(err, "a window of text");
	if (ret != Z_STREAM_END)
		return sm_err_set(err, SM_EDAMAGED,
				  "'%s' in the job's tables has a window that "
				  "does not inflate",
				  SM_LINES_NAME);
	return 0;
}

int
sm_lines_file_window(unsigned char *window, size_t *len,
		     const struct sm_lines_file *f, uint64_t number,
		     struct sm_err *err)
{
	const unsigned char *q;
	uint64_t at, bytes;
	uInt size = SM_LINES_WINDOW;
	int ret;

	*len = 0;
	if (number == UINT64_MAX)
		return 0; /* the start of the file */
	q = lines_point(f, number);
	at = sm_get_le(q + 16, 8);
	bytes = sm_get_le(q + 24, 4);
	if (bytes == 0)
		return 0;
	if (at > f->windows || bytes > f->windows - at)
		at = bytes = 0; /* which is no window */
	ret = lines_unpack(window, &size, f->window + at, (uInt)bytes, err);
	if (ret == 0)
		*len = size;
	return ret;
}
