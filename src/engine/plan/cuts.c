/*
 * The batches of a cut in a file of their own, one after another: numbers,
 * length of the item, item.  It is apart from planning.c because a list in
 * memory would do there but for its size.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"

#include "cuts.h"

#define CUTS_CHUNK 32768 /* read and written at once */

struct sm_cuts {
	uint64_t count, first_id;
	int fd;
	struct sm_buf buf; /* added and not written, or read from `at` on */
	size_t at;
	uint64_t next; /* the index of what is read next */
	bool reading;
	struct sm_buf item; /* of what was read last */
};

/* As it stands in the file, before its item. */
struct cut {
	uint64_t id;
	int64_t first, end, first_byte, end_byte;
	uint64_t item; /* bytes with the NUL; 0: it has none */
};

static int
cuts_write(struct sm_cuts *c, struct sm_err *err)
{
	if (sm_buf_failed(&c->buf))
		return sm_err_mem(err, "the batches");
	if (sm_write_all(c->fd, c->buf.data, c->buf.len) < 0)
		return sm_err_sys(err, "cannot keep the list of batches in the "
				       "job directory");
	sm_buf_clear(&c->buf);
	return 0;
}

static int
cuts_new(struct sm_cuts **out, int dirfd, struct sm_err *err)
{
	struct sm_cuts *c = calloc(1, sizeof(*c));

	if (!c)
		return sm_err_mem(err, "the batches");
	c->fd = sm_open_scratch(dirfd);
	if (c->fd < 0) {
		free(c);
		return sm_err_sys(err, "cannot make a file for the list of "
				       "batches in the job directory");
	}
	*out = c;
	return 0;
}

int
sm_cuts_add(struct sm_cuts **out, int dirfd, const struct sm_piece *b,
	    struct sm_err *err)
{
	struct cut cut = { .id = b->id,
			   .first = b->first,
			   .end = b->end,
			   .first_byte = b->first_byte,
			   .end_byte = b->end_byte };
	struct sm_cuts *c;
	size_t item = b->item ? strlen(b->item) + 1 : 0;
	int ret = *out ? 0 : cuts_new(out, dirfd, err);

	if (ret < 0)
		return ret;
	c = *out;
	cut.item = item;
	sm_buf_put(&c->buf, &cut, sizeof(cut));
	sm_buf_put(&c->buf, b->item, item);
	if (c->count++ == 0)
		c->first_id = b->id;
	return c->buf.len < CUTS_CHUNK ? 0 : cuts_write(c, err);
}

uint64_t
sm_cuts_count(const struct sm_cuts *c)
{
	return c ? c->count : 0;
}

uint64_t
sm_cuts_first_id(const struct sm_cuts *c)
{
	return c->first_id;
}

/* From the first one; what was added last is written now. */
static int
cuts_rewind(struct sm_cuts *c, struct sm_err *err)
{
	int ret = c->reading ? 0 : cuts_write(c, err);

	if (ret == 0 && lseek(c->fd, 0, SEEK_SET) < 0)
		ret = sm_err_sys(err, "cannot read the list of batches");
	sm_buf_clear(&c->buf);
	c->at = 0;
	c->next = 0;
	c->reading = true;
	return ret;
}

/* `len` bytes to the end of `to`. */
static int
cuts_take(struct sm_buf *to, struct sm_cuts *c, uint64_t len,
	  struct sm_err *err)
{
	char chunk[CUTS_CHUNK];
	size_t have;
	ssize_t n;

	while (len > 0) {
		if (c->at == c->buf.len) {
			n = sm_read_full(c->fd, chunk, sizeof(chunk));
			if (n < 0)
				return sm_err_sys(err, "cannot read the list "
						       "of batches");
			if (n == 0)
				return sm_err_set(err, SM_EIO,
						  "the list of batches was cut "
						  "short");
			sm_buf_clear(&c->buf);
			sm_buf_put(&c->buf, chunk, (size_t)n);
			c->at = 0;
		}
		have = c->buf.len - c->at;
		if (have > len)
			have = (size_t)len;
		sm_buf_put(to, c->buf.data + c->at, have);
		c->at += have;
		len -= have;
		if (sm_buf_failed(&c->buf) || sm_buf_failed(to))
			return sm_err_mem(err, "the batches");
	}
	return 0;
}

/* The next one: its item is left in c->item. */
static int
cuts_next(struct cut *cut, struct sm_cuts *c, struct sm_err *err)
{
	int ret;

	sm_buf_clear(&c->item);
	ret = cuts_take(&c->item, c, sizeof(*cut), err);
	if (ret < 0)
		return ret;
	memcpy(cut, c->item.data, sizeof(*cut));
	sm_buf_clear(&c->item);
	c->next++;
	return cuts_take(&c->item, c, cut->item, err);
}

int
sm_cuts_read(struct sm_piece *b, struct sm_cuts *c, uint64_t index,
	     struct sm_err *err)
{
	struct cut cut;
	int ret = 0;

	if (!c->reading || index < c->next)
		ret = cuts_rewind(c, err);
	while (ret == 0 && c->next <= index)
		ret = cuts_next(&cut, c, err);
	if (ret < 0)
		return ret;
	*b = (struct sm_piece){ .id = cut.id,
				.first = cut.first,
				.end = cut.end,
				.first_byte = cut.first_byte,
				.end_byte = cut.end_byte };
	if (cut.item)
		b->item = c->item.data;
	return 0;
}

void
sm_cuts_free(struct sm_cuts *c)
{
	if (!c)
		return;
	close(c->fd);
	sm_buf_release(&c->buf);
	sm_buf_release(&c->item);
	free(c);
}
