/*
 * Reads keys and vocabularies from .npy, JSON or text, and presents them as one
 * kind of entry.  It is where the format is guessed, so that neither compiling
 * a table nor writing a token depends on what the file was.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"
#include "dir.h"

#include "packed.h"
#include "scan.h"

#include "table_source.h"

/* An array that is being unpacked; it loses its name at once. */
#define SOURCE_UNPACKED "array"

static bool
source_ends_in(const char *path, const char *ending)
{
	size_t n = strlen(path), m = strlen(ending);

	return n >= m && strcmp(path + n - m, ending) == 0;
}

/* One dimension: the place is the index, the number or string the text. */
static int
source_open_npy(struct sm_table_reader *r, const char *path, int dirfd,
		struct sm_err *err)
{
	struct sm_npz nobody = { 0 };
	char copy[SM_TMP_MAX];
	bool unpacked;
	int ret;

	r->format = SM_FORMAT_NPY;
	ret = sm_tmp_name(copy, SOURCE_UNPACKED, err);
	if (ret == 0)
		ret = sm_npy_unpack(&unpacked, &nobody, path, dirfd, copy, err);
	if (ret < 0)
		return ret;
	ret = sm_npy_open(&r->npy, path, dirfd, copy, err);
	if (unpacked)
		unlinkat(dirfd, copy, 0);
	if (ret < 0)
		return ret;
	ret = sm_npy_require(&r->npy, 1, SM_NPY_INTEGERS | SM_NPY_STRINGS,
			     "an array of integers or strings", err);
	if (ret == 0 && r->npy.item_bytes > SM_TABLE_LINE_MAX)
		ret = sm_err_set(err, SM_EINPUT,
				 "cannot read '%s': its strings have %u bytes; "
				 "up to %d are possible",
				 path, r->npy.item_bytes, SM_TABLE_LINE_MAX);
	return ret;
}

/*
 * The name decides before the content does, so that a file named .npy that is
 * not one is refused as such.  A .npy file under another name is found by its
 * magic.
 */
static int
source_open_mapped(struct sm_table_reader *r, const char *path, int format,
		   int dirfd, struct sm_err *err)
{
	int ret;

	if (format == SM_FORMAT_NPY ||
	    (format == SM_FORMAT_AUTO &&
	     (source_ends_in(path, ".npy") || sm_npz_member(path))))
		return source_open_npy(r, path, dirfd, err);
	ret = sm_map_open(&r->map, path, err);
	if (ret < 0)
		return ret;
	if (format == SM_FORMAT_AUTO && sm_npy_is(r->map.data, r->map.size)) {
		sm_map_close(&r->map);
		return source_open_npy(r, path, dirfd, err);
	}
	r->format = format;
	if (format == SM_FORMAT_AUTO)
		r->format = SM_FORMAT_TEXT;
	if (format == SM_FORMAT_AUTO && source_ends_in(path, ".json"))
		r->format = SM_FORMAT_JSON;
	ret = sm_packed_refuse(&r->map, SM_PACKED_TABLE, err);
	if (ret < 0)
		return ret;
	sm_jsonflat_init(&r->json, &r->map);
	if (r->format == SM_FORMAT_TEXT &&
	    sm_scan_bom(r->map.data, r->map.size)) {
		r->bom = true;
		r->at = 3;
	}
	return 0;
}

int
sm_table_reader_open(struct sm_table_reader *r, const char *path, int format,
		     int dirfd, struct sm_err *err)
{
	int ret;

	*r = (struct sm_table_reader){ 0 };
	ret = source_open_mapped(r, path, format, dirfd, err);
	if (ret == 0 && sm_table_reader_size(r) > SM_TABLE_SOURCE_MAX)
		ret = sm_err_set(err, SM_EINPUT,
				 "cannot read '%s': it has %" PRIu64 " bytes; "
				 "keys and vocabularies may have up to %" PRIu64
				 " (1 TiB)",
				 path, sm_table_reader_size(r),
				 SM_TABLE_SOURCE_MAX);
	if (ret < 0)
		sm_table_reader_close(r);
	return ret;
}

void
sm_table_reader_close(struct sm_table_reader *r)
{
	sm_jsonflat_release(&r->json);
	sm_buf_release(&r->string);
	sm_npy_close(&r->npy);
	sm_map_close(&r->map);
	*r = (struct sm_table_reader){ 0 };
}

uint64_t
sm_table_reader_size(const struct sm_table_reader *r)
{
	if (r->format == SM_FORMAT_NPY)
		return r->npy.map.size;
	return r->map.size;
}

/*
 * The next line, in place.  The bound on its length is that of JSON strings: a
 * file without newlines is most likely no list of lines.
 */
static int
source_next_line(struct sm_table_reader *r, struct sm_jsonflat_entry *e,
		 struct sm_err *err)
{
	const char *line = (const char *)r->map.data + r->at, *end;
	size_t left = (size_t)(r->map.size - r->at), len;
	ssize_t bad;

	if (left == 0)
		return 0;
	end = memchr(line, '\n', left);
	len = left;
	if (end)
		len = (size_t)(end - line);
	if (len > SM_TABLE_LINE_MAX)
		return sm_err_set(err, SM_EINPUT,
				  "cannot read '%s': line %" PRIu64
				  " at byte %" PRIu64 " has %zu bytes; lines "
				  "may have up to %d",
				  r->map.path, r->index, r->at, len,
				  SM_TABLE_LINE_MAX);
	bad = sm_scan_utf8(line, len);
	if (bad >= 0)
		return sm_err_set(err, SM_EINPUT,
				  "cannot read '%s': byte %" PRIu64 " (line "
				  "%" PRIu64 ", from 0): invalid UTF-8",
				  r->map.path, r->at + (uint64_t)bad, r->index);
	*e = (struct sm_jsonflat_entry){ .index = r->index++,
					 .is_string = true,
					 .text = line,
					 .len = len,
					 .at = r->at };
	r->at += len + (end != NULL);
	return 1;
}

/* `width` bytes in the array's order. */
static uint64_t
source_get(const struct sm_npy *n, const unsigned char *p, unsigned width)
{
	if (n->big_endian)
		return sm_get_be(p, width);
	return sm_get_le(p, width);
}

/* The next integer as decimal text. */
static int
source_next_item(struct sm_table_reader *r, struct sm_jsonflat_entry *e)
{
	const struct sm_npy *n = &r->npy;
	const unsigned char *p = n->data + r->index * n->item_bytes;
	unsigned bits = 8 * n->item_bytes;
	uint64_t v;
	int len;

	if (r->index == n->count)
		return 0;
	v = source_get(n, p, n->item_bytes);
	if (n->type >= SM_NPY_I1 && n->type <= SM_NPY_I8) {
		/* Bring the sign bit to the top, and back with its copies. */
		v = (uint64_t)((int64_t)(v << (64 - bits)) >> (64 - bits));
		len = snprintf(r->digits, sizeof(r->digits), "%" PRId64,
			       (int64_t)v);
	} else {
		len = snprintf(r->digits, sizeof(r->digits), "%" PRIu64, v);
	}
	*e = (struct sm_jsonflat_entry){ .index = r->index++,
					 .text = r->digits,
					 .len = (size_t)len,
					 .at = (uint64_t)(p - n->map.data) };
	return 1;
}

/* A code point as UTF-8. */
static void
source_put_utf8(struct sm_buf *b, uint32_t c)
{
	if (c < 0x80) {
		sm_buf_putc(b, (char)c);
		return;
	}
	if (c < 0x800) {
		sm_buf_putc(b, (char)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		sm_buf_putc(b, (char)(0xe0 | c >> 12));
		sm_buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
	} else {
		sm_buf_putc(b, (char)(0xf0 | c >> 18));
		sm_buf_putc(b, (char)(0x80 | (c >> 12 & 0x3f)));
		sm_buf_putc(b, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	sm_buf_putc(b, (char)(0x80 | (c & 0x3f)));
}

/* The text of UTF-32 at `p`, without the NULs that fill it up. */
static bool
source_put_utf32(struct sm_buf *b, const struct sm_npy *n,
		 const unsigned char *p)
{
	size_t len = n->item_bytes / 4, i;
	uint32_t c;

	while (len > 0 && memcmp(p + 4 * (len - 1), "\0\0\0\0", 4) == 0)
		len--;
	for (i = 0; i < len; i++, p += 4) {
		c = (uint32_t)source_get(n, p, 4);
		if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
			return false;
		source_put_utf8(b, c);
	}
	return true;
}

/* The next string, without the NULs that NumPy fills it up with. */
static int
source_next_string(struct sm_table_reader *r, struct sm_jsonflat_entry *e,
		   struct sm_err *err)
{
	const struct sm_npy *n = &r->npy;
	const unsigned char *p = n->data + r->index * n->item_bytes;
	size_t len = n->item_bytes;
	bool text = true;

	if (r->index == n->count)
		return 0;
	r->string.len = 0;
	if (n->type == SM_NPY_S) {
		while (len > 0 && p[len - 1] == 0)
			len--;
		sm_buf_put(&r->string, p, len);
		text = sm_scan_utf8((const char *)p, len) < 0;
	} else {
		text = source_put_utf32(&r->string, n, p);
	}
	if (sm_buf_failed(&r->string))
		return sm_err_mem(err, "a string");
	if (!text)
		return sm_err_set(err, SM_EINPUT,
				  "cannot read '%s': string %" PRIu64
				  " (from 0) is no valid Unicode",
				  n->map.path, r->index);
	*e = (struct sm_jsonflat_entry){ .index = r->index++,
					 .is_string = true,
					 .text = r->string.data,
					 .len = r->string.len,
					 .at = (uint64_t)(p - n->map.data) };
	if (!e->text)
		e->text = "";
	return 1;
}

int
sm_table_reader_next(struct sm_table_reader *r, struct sm_jsonflat_entry *entry,
		     struct sm_err *err)
{
	switch (r->format) {
	case SM_FORMAT_NPY:
		if (r->npy.type >= SM_NPY_S)
			return source_next_string(r, entry, err);
		return source_next_item(r, entry);
	case SM_FORMAT_JSON:
		return sm_jsonflat_next(&r->json, entry, err);
	default:
		return source_next_line(r, entry, err);
	}
}
