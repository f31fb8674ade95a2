#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

#include "crc32.h"
#include "note.h"

#include "final_text.h"

#define TEXT_IN_BYTES ((size_t)128 * 1024)

/* CRC and length, behind the last block of a member. */
#define TEXT_TRAILER 8

enum text_state {
	TEXT_MEMBER, /* at a member's header */
	TEXT_NOTE,   /* at a batch's first byte */
	TEXT_INSIDE,
	TEXT_BEHIND, /* of several members: the last block and the trailer */
};

struct sm_text {
	const struct sm_final_reader *final;
	int fd;
	const char *name;
	struct sm_final_group group;
	uint64_t batch;
	enum text_state state;
	bool began;       /* a batch of this group did */
	uint64_t at, end; /* of the group, not read yet */
	uint64_t read;    /* bytes, ever */
	uint32_t gz_crc32, raw_crc32;
	uint64_t raw_bytes;

	bool has_note;
	uint64_t rows;
	unsigned char *bits;
	size_t bits_cap;

	struct sm_inflate z;
	unsigned char in[TEXT_IN_BYTES + SM_INFLATE_IN_SLACK];
};

int
sm_text_new(struct sm_text **out, const struct sm_final_reader *r,
	    struct sm_err *err)
{
	struct sm_text *t = calloc(1, sizeof(*t));

	if (!t)
		return sm_err_mem(err, "reading text");
	t->final = r;
	sm_final_file(r, &t->fd, &t->name);
	*out = t;
	return 0;
}

void
sm_text_free(struct sm_text *t)
{
	if (!t)
		return;
	free(t->bits);
	free(t);
}

static int
text_damaged(const struct sm_text *t, struct sm_err *err)
{
	const struct sm_final_group *g = &t->group;

	if (g->batches == 1)
		return sm_err_set(err, SM_EVERIFY,
				  "'%s' is damaged: batch %" PRIu64
				  ", at byte %" PRIu64
				  ", is not as it was written; 'shardmill "
				  "verify' says what is",
				  t->name, g->batch, g->at);
	return sm_err_set(
		err, SM_EVERIFY,
		"'%s' is damaged: one of the batches %" PRIu64 " to %" PRIu64
		", from byte %" PRIu64
		" on, is not as it was written; 'shardmill verify' says "
		"what is",
		t->name, g->batch, g->batch + g->batches - 1, g->at);
}

/* Have `need` bytes of input at hand, or all that is left of the group. */
static int
text_fill(struct sm_text *t, size_t need, struct sm_err *err)
{
	size_t left = (size_t)(t->z.in_end - t->z.in), want;
	ssize_t n;

	if (left >= need || t->at == t->end)
		return 0;
	memmove(t->in, t->z.in, left);
	want = TEXT_IN_BYTES - left;
	if (want > t->end - t->at)
		want = (size_t)(t->end - t->at);
	n = sm_pread_full(t->fd, t->in + left, want, t->at);
	if (n < 0)
		return sm_err_sys(err, "cannot read '%s'", t->name);
	if ((size_t)n < want)
		return sm_err_set(err, SM_EIO, "'%s' shrank while it was read",
				  t->name);
	t->gz_crc32 = sm_crc32(t->gz_crc32, t->in + left, want);
	t->at += want;
	t->read += want;
	t->z.in = t->in;
	t->z.in_end = t->in + left + want;
	t->z.in_last = t->at == t->end;
	return 0;
}

void
sm_text_begin(struct sm_text *t, const struct sm_final_group *g)
{
	t->group = *g;
	t->batch = g->batch;
	t->began = false;
	t->at = g->at;
	t->end = g->at + g->bytes;
	t->gz_crc32 = t->raw_crc32 = 0;
	t->raw_bytes = 0;
	t->has_note = false;
	sm_inflate_reset(&t->z);
	t->z.in = t->z.in_end = t->in;
	t->z.in_last = false;
	t->z.floor = t->z.out;
	t->state =
		sm_final_about(t->final)->is_single ? TEXT_NOTE : TEXT_MEMBER;
}

void
sm_text_move(struct sm_text *t, unsigned char *room, size_t bytes)
{
	size_t n = (size_t)(t->z.out - t->z.floor);

	if (n > SM_INFLATE_WINDOW)
		n = SM_INFLATE_WINDOW;
	if (n > 0)
		memmove(room - n, t->z.out - n, n);
	t->z.floor = room - n;
	t->z.out = room;
	t->z.out_end = room + bytes;
}

/* --------------------------------------------------------------- parts -- */

/* The header of a shard that stands as a member of its own. */
static int
text_member(struct sm_text *t, struct sm_err *err)
{
	const struct sm_final_group *g = &t->group;
	struct sm_gzip_shard s;
	int ret = text_fill(t, SM_GZIP_SHARD_HEADER, err);

	if (ret < 0)
		return ret;
	if (!sm_gzip_get_shard(&s, t->z.in, (size_t)(t->z.in_end - t->z.in)) ||
	    s.batch != g->batch || s.counts.rows != g->rows ||
	    s.counts.records != g->records || s.raw_bytes != g->raw_bytes)
		return text_damaged(t, err);
	t->z.in += SM_GZIP_SHARD_HEADER;
	t->state = TEXT_NOTE;
	return 0;
}

/* Room for the bits of a note; what it claims is not more than there is. */
static int
text_note_room(struct sm_text *t, uint64_t rows, struct sm_err *err)
{
	size_t bytes = (size_t)(rows / 8 + 1);
	unsigned char *bits;

	if (rows > t->group.rows)
		return text_damaged(t, err);
	if (bytes > t->bits_cap) {
		bits = realloc(t->bits, bytes);
		if (!bits)
			return sm_err_mem(err, "a note of rows");
		t->bits = bits;
		t->bits_cap = bytes;
	}
	return 0;
}

/* What stands before a batch's text. */
static int
text_note(struct sm_text *t, struct sm_err *err)
{
	uint64_t n, blocks;
	int ret;

	ret = text_fill(t, SM_NOTE_BLOCK_BYTES, err);
	if (ret < 0)
		return ret;
	t->has_note = t->z.in_end - t->z.in >= SM_NOTE_BLOCK_BYTES &&
		      sm_note_begins(&t->rows, t->z.in);
	if (!t->has_note)
		return 0;
	ret = text_note_room(t, t->rows, err);
	blocks = sm_note_blocks(t->rows);
	for (n = 0; n < blocks && ret == 0; n++) {
		ret = text_fill(t, SM_NOTE_BLOCK_BYTES, err);
		if (ret == 0 && (t->z.in_end - t->z.in < SM_NOTE_BLOCK_BYTES ||
				 !sm_note_get(t->bits, t->rows, n, t->z.in)))
			ret = text_damaged(t, err);
		t->z.in += ret == 0 ? SM_NOTE_BLOCK_BYTES : 0;
	}
	return ret;
}

/* A batch begins: which one, and with what note? */
static int
text_batch(struct sm_text *t, struct sm_err *err)
{
	const struct sm_final_group *g = &t->group;
	int ret = text_note(t, err);

	if (ret < 0)
		return ret;
	t->batch = sm_final_due(t->final, g, t->batch + t->began);
	t->began = true;
	if (t->batch >= g->batch + g->batches)
		return text_damaged(t, err);
	/* No batch refers to another's text. */
	t->z.floor = t->z.out;
	t->state = TEXT_INSIDE;
	return SM_TEXT_BATCH;
}

/* Inflate until the room is full or the batch ends. */
static int
text_inside(struct sm_text *t, struct sm_err *err)
{
	unsigned char *start;
	enum sm_inflate_why why;
	int ret;

	for (;;) {
		start = t->z.out;
		why = sm_inflate(&t->z);
		t->raw_bytes += (size_t)(t->z.out - start);
		t->raw_crc32 = sm_crc32(t->raw_crc32, start,
					(size_t)(t->z.out - start));
		if (t->raw_bytes > t->group.raw_bytes)
			return text_damaged(t, err);
		switch (why) {
		case SM_INFLATE_IN:
			ret = text_fill(t, SM_INFLATE_IN_MIN, err);
			if (ret < 0)
				return ret;
			break;
		case SM_INFLATE_OUT:
			return SM_TEXT_FULL;
		case SM_INFLATE_FLUSH:
			t->state = sm_final_about(t->final)->is_single
					   ? TEXT_NOTE
					   : TEXT_BEHIND;
			return 0;
		case SM_INFLATE_END:
		case SM_INFLATE_BAD:
			return text_damaged(t, err);
		}
	}
}

/* Of several members: the last block and the trailer, and all was read. */
static int
text_behind(struct sm_text *t, struct sm_err *err)
{
	unsigned char tail[SM_GZIP_TAIL_BYTES];
	int ret = text_fill(t, sizeof(tail), err);

	if (ret < 0)
		return ret;
	sm_gzip_put_tail(tail, t->raw_crc32, t->raw_bytes);
	if ((size_t)(t->z.in_end - t->z.in) != sizeof(tail) ||
	    memcmp(t->z.in, tail, sizeof(tail)) != 0)
		return text_damaged(t, err);
	t->z.in += sizeof(tail);
	return 0;
}

/* Has all of the group been read, and is it what the index says? */
static int
text_end(struct sm_text *t, struct sm_err *err)
{
	const struct sm_final_group *g = &t->group;

	if (t->raw_bytes != g->raw_bytes || t->raw_crc32 != g->raw_crc32 ||
	    t->gz_crc32 != g->gz_crc32)
		return text_damaged(t, err);
	return SM_TEXT_END;
}

int
sm_text_read(struct sm_text *t, unsigned char **end, struct sm_err *err)
{
	int ret = 0;

	while (ret == 0) {
		if (t->at == t->end && t->z.in == t->z.in_end) {
			ret = text_end(t, err);
			break;
		}
		switch (t->state) {
		case TEXT_MEMBER:
			ret = text_member(t, err);
			break;
		case TEXT_NOTE:
			ret = text_batch(t, err);
			break;
		case TEXT_INSIDE:
			ret = text_inside(t, err);
			break;
		case TEXT_BEHIND:
			ret = text_behind(t, err);
			break;
		}
	}
	*end = t->z.out;
	return ret;
}

uint64_t
sm_text_batch(const struct sm_text *t)
{
	return t->batch;
}

const unsigned char *
sm_text_rows(const struct sm_text *t, uint64_t *rows)
{
	if (!t->has_note)
		return NULL;
	*rows = t->rows;
	return t->bits;
}

uint64_t
sm_text_bytes(const struct sm_text *t)
{
	return t->read;
}
