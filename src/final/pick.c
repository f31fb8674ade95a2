/*
 * pick.c - which lines of a batch's text are asked for
 *
 * Apart from reading and writing them: it is arithmetic with newlines.
 */
#include <string.h>

#include "note.h"

#include "pick.h"

#define PICK_ALL UINT64_MAX

/* Lines `from` to `from` + `count` - 1 of those numbered from `base` on. */
static void
pick_lines(struct sm_pick *p, uint64_t base)
{
	p->skip = p->first > base ? p->first - base : 0;
	p->take = p->last < base ? 0 : p->last - base - p->skip;
	/* One more, but for the last line of all. */
	p->take += p->last >= base && p->take < PICK_ALL;
}

/* Rows of the batch before row `end` of the input. */
static uint64_t
pick_before(const struct sm_final_batch *b, uint64_t end)
{
	if (end <= b->row)
		return 0;
	return end - b->row < b->rows ? end - b->row : b->rows;
}

/* Are all of its rows asked for? */
static bool
pick_is_inside(const struct sm_pick *p, const struct sm_final_batch *b)
{
	return p->first <= b->row &&
	       (b->rows == 0 || p->last - b->row >= b->rows - 1);
}

bool
sm_pick_needs_rows(const struct sm_pick *p, const struct sm_final_batch *b)
{
	return p->what == SM_CAT_ROWS && !pick_is_inside(p, b) &&
	       b->records != b->rows;
}

static void
pick_rows(struct sm_pick *p, const struct sm_final_batch *b,
	  const unsigned char *bits)
{
	uint64_t end = p->last < UINT64_MAX ? p->last + 1 : p->last;

	if (pick_is_inside(p, b))
		return;
	p->done = true;
	if (b->records == b->rows) {
		pick_lines(p, b->row);
	} else if (bits) {
		p->skip = sm_note_count(bits, pick_before(b, p->first));
		p->take = sm_note_count(bits, pick_before(b, end)) - p->skip;
	} else {
		p->done = false;
		p->whole = true;
	}
}

void
sm_pick_batch(struct sm_pick *p, const struct sm_final_batch *b,
	      const unsigned char *bits)
{
	p->skip = 0;
	p->take = PICK_ALL;
	p->open = false;
	p->done = false;
	if (p->what == SM_CAT_RECORDS) {
		pick_lines(p, b->record);
		p->done = true;
	} else if (p->what == SM_CAT_ROWS) {
		pick_rows(p, b, bits);
	}
}

/* Go over up to `*lines` lines; those that ended are counted off. */
static const unsigned char *
pick_pass(struct sm_pick *p, uint64_t *lines, const unsigned char *from,
	  const unsigned char *to)
{
	const unsigned char *nl;

	while (*lines > 0 && from < to) {
		nl = memchr(from, '\n', (size_t)(to - from));
		p->open = !nl;
		if (!nl)
			return to;
		from = nl + 1;
		--*lines;
	}
	return from;
}

void
sm_pick_text(struct sm_pick *p, const unsigned char **from,
	     const unsigned char **to)
{
	*from = pick_pass(p, &p->skip, *from, *to);
	if (p->take < PICK_ALL)
		*to = pick_pass(p, &p->take, *from, *to);
}

bool
sm_pick_done(const struct sm_pick *p)
{
	return p->done && p->take == 0;
}
