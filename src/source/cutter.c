/*
 * cutter.c - cut a sequence of texts into batches of whole lines
 *
 * Apart from how the text is come by: it is arithmetic with newlines, which is
 * to give the same batches whatever form a file has.
 */
#include <string.h>

#include "cutter.h"

static int
cutter_emit(struct sm_cutter *c, struct sm_err *err)
{
	struct sm_cut cut = {
		.first_byte = c->start,
		.end_byte = c->at,
		.first = SM_CUT_NONE,
		.end = SM_CUT_NONE,
		.file = c->file,
	};

	if (c->lines) {
		cut.first = c->first;
		cut.end = c->line;
	}
	c->start = c->at;
	c->first = c->line;
	return c->emit(&cut, c->arg, err);
}

void
sm_cutter_skip(struct sm_cutter *c, uint64_t bytes)
{
	c->at += bytes;
	c->start = c->at;
}

/* Hence - 1: the batch's last byte may be the newline. */
uint64_t
sm_cutter_free(const struct sm_cutter *c)
{
	uint64_t has = c->at - c->start;

	if (c->lines || has >= c->bytes - 1)
		return 0;
	return c->bytes - 1 - has;
}

int
sm_cutter_text(struct sm_cutter *c, const char *p, size_t len,
	       struct sm_err *err)
{
	const char *end = p + len, *newline;
	uint64_t free;
	int ret;

	while (p < end) {
		free = sm_cutter_free(c);
		if (free >= (uint64_t)(end - p)) {
			c->at += (uint64_t)(end - p);
			return 0;
		}
		newline = memchr(p + free, '\n',
				 (size_t)(end - p) - (size_t)free);
		c->in_line = !newline;
		if (!newline) {
			c->at += (uint64_t)(end - p);
			return 0;
		}
		c->at += (uint64_t)(newline + 1 - p);
		c->line++;
		p = newline + 1;
		if (c->lines && c->line - c->first < c->lines)
			continue;
		ret = cutter_emit(c, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

bool
sm_cutter_may_pass(const struct sm_cutter *c, uint64_t bytes, uint64_t lines)
{
	if (c->lines)
		return !c->in_line && lines <= c->lines - (c->line - c->first);
	return bytes <= sm_cutter_free(c);
}

int
sm_cutter_pass(struct sm_cutter *c, uint64_t bytes, uint64_t lines,
	       struct sm_err *err)
{
	c->at += bytes;
	c->line += lines;
	if (c->lines && c->line - c->first == c->lines)
		return cutter_emit(c, err);
	return 0;
}

int
sm_cutter_end(struct sm_cutter *c, struct sm_err *err)
{
	c->line += c->in_line;
	c->in_line = false;
	if (c->at == c->start)
		return 0;
	return cutter_emit(c, err);
}
