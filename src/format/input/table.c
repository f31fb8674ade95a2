/*
 * Compiled tables, from their two ends: sm_table_compile() runs a source
 * through reader, token and builder at plan time; sm_table_open() and
 * sm_table_search() are what a worker uses.  How a source is read, a token
 * written and a file put together is in table_source.c, table_id.c and
 * table_build.c.
 */
#include <endian.h>
#include <errno.h>

#include "buf.h"

#include "crc32.h"
#include "scan.h"
#include "table_build.h"
#include "table_file.h"
#include "table_source.h"
#include "table_id.h"

#include "table.h"

/* Bytes of the source from one report of progress to the next. */
#define TABLE_PROGRESS_BYTES (4 * 1024 * 1024)

/* What is known of a source when all of it has been read. */
struct table_look {
	uint64_t entries;
	uint64_t numbers;    /* that are decimal numbers ... */
	bool first_number;   /* ... and is the first? */
	uint64_t max_number; /* the largest of those that fit */
};

/* The beginning of a text, as far as a terminal may show it. */
static void
table_show(char *shown, size_t size, const struct sm_jsonflat_entry *e)
{
	size_t n = e->len < size ? e->len : size - 1, i;

	/* No part of a character. */
	while (n > 0 && n < e->len &&
	       ((unsigned char)e->text[n] & 0xc0) == 0x80)
		n--;
	for (i = 0; i < n; i++) {
		shown[i] = e->text[i];
		if ((unsigned char)shown[i] < 0x20 || shown[i] == 0x7f)
			shown[i] = '?';
	}
	shown[n] = '\0';
}

/*
 * Count what a user most likely did not mean: a carriage return at a line's
 * end, which is part of its text, or quotes around it.
 */
static void
table_look_at(struct table_look *k, struct sm_table_info *info, bool is_number,
	      uint64_t v, const struct sm_table_reader *r,
	      const struct sm_jsonflat_entry *e)
{
	if (k->entries == 0)
		table_show(info->first, sizeof(info->first), e);
	if (is_number) {
		if (k->entries == 0)
			k->first_number = true;
		if (v > k->max_number)
			k->max_number = v;
		k->numbers++;
	}
	k->entries++;
	if (r->format != SM_FORMAT_TEXT || e->len == 0)
		return;
	if (e->text[e->len - 1] == '\r')
		info->crlf++;
	if (e->len > 1 && e->text[0] == '"' &&
	    (e->text[e->len - 1] == '"' ||
	     (e->text[e->len - 1] == '\r' && e->text[e->len - 2] == '"')))
		info->quoted++;
}

/* A header is no number where all else is; two lines say nothing yet. */
static void
table_look_end(const struct table_look *k, struct sm_table_info *info,
	       const struct sm_table_reader *r,
	       const struct sm_table_source *source)
{
	info->bom = r->bom || r->json.bom;
	info->positional = r->format != SM_FORMAT_JSON || !r->json.is_object;
	info->header = r->format == SM_FORMAT_TEXT && k->entries > 2 &&
		       !k->first_number && k->numbers == k->entries - 1;
	info->inverted = !info->positional && !source->inverted &&
			 k->entries > 1 && k->numbers == k->entries &&
			 k->max_number == k->entries - 1 &&
			 info->end > k->entries;
}

/* The text of an entry: where it lies, or in `buf`. */
static int
table_text(struct sm_table_text *t, struct sm_buf *buf,
	   const struct sm_jsonflat_entry *e, bool is_number,
	   const struct sm_table_source *source, struct sm_err *err)
{
	if (sm_table_id_in_place(&t->text, &t->len, e, source->is_keys,
				 source->ids, is_number))
		return 0;
	buf->len = 0;
	sm_table_id(buf, e, source->is_keys, source->ids);
	if (sm_buf_failed(buf))
		return sm_err_mem(err, "a key or token");
	t->text = buf->data;
	t->len = buf->len;
	return 0;
}

/* Source to builder, entry by entry. */
static int
table_fill(struct sm_table_build *b, struct sm_table_reader *r,
	   const struct sm_table_source *source, struct sm_err *err)
{
	uint64_t size = sm_table_reader_size(r), report = TABLE_PROGRESS_BYTES;
	struct table_look look = { 0 };
	struct sm_jsonflat_entry e;
	struct sm_buf buf = { 0 };
	struct sm_table_text text;
	bool is_number;
	uint64_t v;
	int ret;

	while ((ret = sm_table_reader_next(r, &e, err)) > 0) {
		is_number = sm_scan_number(&v, e.text, e.len);
		table_look_at(&look, b->info, is_number, v, r, &e);
		ret = table_text(&text, &buf, &e, is_number, source, err);
		if (ret == 0)
			ret = sm_table_build_add(b, e.index, e.at, text.text,
						 text.len, err);
		if (ret < 0)
			break;
		if (source->progress && e.at >= report) {
			source->progress(e.at, size, source->arg);
			report = e.at + TABLE_PROGRESS_BYTES;
		}
	}
	if (ret == 0)
		table_look_end(&look, b->info, r, source);
	if (ret == 0 && source->progress)
		source->progress(size, size, source->arg);
	sm_buf_release(&buf);
	return ret;
}

int
sm_table_compile(struct sm_table_info *info, int dirfd, const char *name,
		 const struct sm_table_source *source, struct sm_err *err)
{
	struct sm_table_reader reader;
	struct sm_table_build build;
	struct sm_table_info counted;
	int ret;

	ret = sm_table_reader_open(&reader, source->path, source->format, dirfd,
				   err);
	if (ret < 0)
		return ret;
	if (source->inverted && reader.format != SM_FORMAT_JSON) {
		sm_table_reader_close(&reader);
		return sm_err_set(err, SM_EINPUT,
				  "'%s' is no JSON object from token to index; "
				  "leave out --vocab-inverted, or name its "
				  "format",
				  source->path);
	}
	reader.json.inverted = source->inverted;
	ret = sm_table_build_open(&build, dirfd, name, source->path, &counted,
				  err);
	if (ret == 0)
		ret = table_fill(&build, &reader, source, err);
	if (ret == 0)
		ret = sm_table_build_finish(&build, err);
	if (ret == 0)
		*info = counted;
	sm_table_build_close(&build);
	sm_table_reader_close(&reader);
	return ret;
}

/*
 * Take the header's numbers; do they and the CRCs fit the file?  The CRCs
 * detect damage, not malice, so that each number is checked against the size as
 * well, before anything is computed from it that could overflow.
 */
static bool
table_check(struct sm_table *t)
{
	const unsigned char *h = t->map.data;
	uint64_t size = t->map.size, text_at, slot_bytes;
	bool sparse;

	if (size < SM_TABLE_HEADER_SIZE ||
	    memcmp(h, SM_TABLE_MAGIC, SM_TABLE_MAGIC_SIZE) != 0 ||
	    sm_get_le(h + 8, 4) != SM_TABLE_VERSION ||
	    sm_get_le(h + 60, 4) != sm_crc32(0, h, 60) ||
	    sm_get_le(h + 40, 8) != size)
		return false;
	sparse = sm_get_le(h + 12, 4) == 1;
	t->count = sm_get_le(h + 16, 8);
	t->entries = sm_get_le(h + 24, 8);
	text_at = sm_get_le(h + 32, 8);
	slot_bytes = sizeof(*t->slots);
	if (sparse)
		slot_bytes += sizeof(*t->sorted);
	if (t->entries > t->count || text_at > size ||
	    t->count > size / slot_bytes ||
	    text_at != SM_TABLE_HEADER_SIZE + t->count * slot_bytes ||
	    sm_get_le(h + 56, 4) !=
		    sm_crc32(0, h + SM_TABLE_HEADER_SIZE,
			     t->map.size - SM_TABLE_HEADER_SIZE))
		return false;
	t->slots = (const void *)(h + text_at - t->count * sizeof(*t->slots));
	t->sorted = NULL;
	if (sparse)
		t->sorted = (const void *)(h + SM_TABLE_HEADER_SIZE);
	t->text = (const char *)h + text_at;
	return true;
}

/*
 * A missing table and a damaged one have the same remedy, and other errors,
 * such as a lack of memory, have another.  The check touches every page, which
 * also brings the table into the page cache before the first row needs it.
 */
int
sm_table_open(struct sm_table *t, int dirfd, const char *name,
	      struct sm_err *err)
{
	struct sm_table open = { 0 };
	struct sm_err e = { 0 };
	int ret;

	ret = sm_map_openat(&open.map, dirfd, name, &e);
	if (ret < 0 && e.sys == ENOENT)
		return sm_err_set(err, SM_EDAMAGED,
				  "compiled table '%s' is missing; plan the "
				  "job again with --restart",
				  name);
	if (ret < 0) {
		if (err)
			*err = e;
		return ret;
	}
	if (!table_check(&open)) {
		sm_map_close(&open.map);
		return sm_err_set(err, SM_EDAMAGED,
				  "compiled table '%s' is damaged; plan the "
				  "job again with --restart",
				  name);
	}
	*t = open;
	return 0;
}

void
sm_table_close(struct sm_table *t)
{
	sm_map_close(&t->map);
	*t = (struct sm_table){ 0 };
}

void
sm_table_use_copy(struct sm_table *t, const void *copy)
{
	const unsigned char *from = t->map.data, *to = copy;

	t->slots =
		(const void *)(to + ((const unsigned char *)t->slots - from));
	if (t->sorted)
		t->sorted =
			(const void *)(to + ((const unsigned char *)t->sorted -
					     from));
	t->text = (const char *)to + ((const unsigned char *)t->text - from);
}

const struct sm_table_slot *
sm_table_search(const struct sm_table *t, uint64_t index)
{
	const uint64_t *base = t->sorted;
	uint64_t n = t->count, half;

	if (n == 0)
		return NULL;
	/*
	 * Invariant: if the index is there, it is in base[0 … n - 1].  There is
	 * no exit on equality: it would add a branch to each step, and save one
	 * step on average.
	 */
	while (n > 1) {
		half = n / 2;
		if (le64toh(base[half]) <= index)
			base += half;
		n -= half;
	}
	if (le64toh(*base) != index)
		return NULL;
	return &t->slots[base - t->sorted];
}
