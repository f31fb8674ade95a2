/*
 * text.c - inflate a body, and find the row notes in it
 *
 * A note is deflate that says nothing, so that text is read past it without a
 * look.  Only who asks for rows looks: at each byte boundary.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

#include "crc32.h"

#include "text.h"

#define TEXT_IN_BYTES    ((size_t)128 * 1024)
#define TEXT_ASIDE_BYTES ((size_t)64 * 1024)

struct sm_text {
	int fd;
	const char *name;
	struct sm_final_batch batch;
	uint64_t at, end; /* of the body, not read yet */
	uint64_t read;    /* bytes, ever */
	uint32_t gz_crc32;
	uint64_t raw_bytes;

	/* Row notes so far. */
	unsigned char *bits;
	size_t bits_cap;
	unsigned notes;
	uint64_t noted_from, noted_to, noted; /* rows; that have lines */
	unsigned char *aside;                 /* text that nobody wants */

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
	free(t->aside);
	free(t);
}

static int
text_damaged(const struct sm_text *t, struct sm_err *err)
{
	return sm_err_set(err, SM_EVERIFY,
			  "'%s' is damaged: batch %" PRIu64 ", at byte %" PRIu64
			  ", is not as it was written; 'shardmill verify' says "
			  "what is",
			  t->name, t->batch.batch, t->batch.at);
}

static size_t
text_left(const struct sm_text *t)
{
	return (size_t)(t->z.in_end - t->z.in);
}

/* Have `need` bytes of input at hand, or all that is left of the body. */
static int
text_fill(struct sm_text *t, size_t need, struct sm_err *err)
{
	size_t left = text_left(t), want;
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
sm_text_begin(struct sm_text *t, const struct sm_final_batch *b)
{
	t->batch = *b;
	t->at = b->at;
	t->end = b->at + b->bytes;
	t->gz_crc32 = 0;
	t->raw_bytes = 0;
	sm_inflate_reset(&t->z);
	t->z.in = t->z.in_end = t->in;
	t->z.in_last = false;
	t->z.floor = t->z.out;
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

/* Go on until the room is full, the body ends, or a byte boundary. */
static int
text_go_on(enum sm_inflate_why *why, struct sm_text *t, struct sm_err *err)
{
	unsigned char *start = t->z.out;
	int ret = 0;

	do {
		ret = text_fill(t, SM_INFLATE_IN_MIN, err);
		if (ret < 0)
			return ret;
		*why = sm_inflate(&t->z);
	} while (*why == SM_INFLATE_IN);
	t->raw_bytes += (size_t)(t->z.out - start);
	if (*why == SM_INFLATE_END || *why == SM_INFLATE_BAD ||
	    t->raw_bytes > t->batch.raw_bytes)
		return text_damaged(t, err);
	return 0;
}

/* Has all been read, and is it what the index says? */
static int
text_check(const struct sm_text *t, struct sm_err *err)
{
	if (t->raw_bytes != t->batch.raw_bytes ||
	    t->gz_crc32 != t->batch.gz_crc32)
		return text_damaged(t, err);
	return 0;
}

static bool
text_is_over(const struct sm_text *t)
{
	return t->at == t->end && text_left(t) == 0;
}

int
sm_text_read(enum sm_text_event *event, unsigned char **end, struct sm_text *t,
	     struct sm_err *err)
{
	enum sm_inflate_why why = SM_INFLATE_FLUSH;
	int ret = 0;

	while (ret == 0 && why == SM_INFLATE_FLUSH && !text_is_over(t))
		ret = text_go_on(&why, t, err);
	*end = t->z.out;
	*event = SM_TEXT_FULL;
	if (ret < 0 || why == SM_INFLATE_OUT)
		return ret;
	*event = SM_TEXT_END;
	return text_check(t, err);
}

/* ------------------------------------------------------------------- rows --
 */

static int
text_room_for_rows(struct sm_text *t, uint64_t rows, struct sm_err *err)
{
	size_t bytes = (size_t)(rows / 8 + 1);
	unsigned char *bits;

	if (!t->aside)
		t->aside = malloc(SM_TEXT_BEFORE + TEXT_ASIDE_BYTES +
				  SM_TEXT_AFTER);
	if (bytes > t->bits_cap) {
		bits = realloc(t->bits, bytes);
		if (bits) {
			t->bits = bits;
			t->bits_cap = bytes;
		}
	}
	if (!t->aside || bytes > t->bits_cap)
		return sm_err_mem(err, "a note of rows");
	memset(t->bits, 0, bytes);
	t->notes = 0;
	t->noted_from = t->noted_to = t->noted = 0;
	return 0;
}

/* If a row note is here, take it in; it is passed as text is. */
static int
text_note(struct sm_text *t, struct sm_err *err)
{
	const unsigned char *bits;
	struct sm_note n;
	uint64_t first;
	unsigned rows, i;
	int ret = text_fill(t, SM_NOTE_ROWS_BYTES, err);

	if (ret < 0 || !sm_note_get(&n, t->z.in, text_left(t)) ||
	    !sm_note_get_rows(&first, &rows, &bits, &n))
		return ret;
	if (first < t->noted_to || first > t->batch.rows ||
	    rows > t->batch.rows - first)
		return text_damaged(t, err);
	for (i = 0; i < rows; i++)
		if (bits[i / 8] >> i % 8 & 1)
			t->bits[(first + i) / 8] |=
				(unsigned char)(1u << (first + i) % 8);
	if (t->notes++ == 0)
		t->noted_from = first;
	t->noted_to = first + rows;
	t->noted += sm_note_count(bits, rows);
	return 0;
}

/* Rows before the first note have a line each, or none of them has. */
static int
text_rows_before(struct sm_text *t, struct sm_err *err)
{
	uint64_t lines = t->batch.records - t->noted, i;

	if (t->noted > t->batch.records ||
	    (lines > 0 && lines != t->noted_from))
		return text_damaged(t, err);
	for (i = 0; i < lines; i++)
		t->bits[i / 8] |= (unsigned char)(1u << i % 8);
	return 0;
}

int
sm_text_rows(const unsigned char **bits, struct sm_text *t,
	     const struct sm_final_batch *b, struct sm_err *err)
{
	enum sm_inflate_why why;
	int ret = text_room_for_rows(t, b->rows, err);

	*bits = NULL;
	sm_text_begin(t, b);
	while (ret == 0 && !text_is_over(t)) {
		sm_text_move(t, t->aside + SM_TEXT_BEFORE, TEXT_ASIDE_BYTES);
		ret = text_go_on(&why, t, err);
		if (ret == 0 && why == SM_INFLATE_FLUSH)
			ret = text_note(t, err);
	}
	if (ret == 0)
		ret = text_check(t, err);
	if (ret < 0 || t->notes == 0)
		return ret;
	ret = text_rows_before(t, err);
	*bits = t->bits;
	return ret;
}

uint64_t
sm_text_bytes(const struct sm_text *t)
{
	return t->read;
}
