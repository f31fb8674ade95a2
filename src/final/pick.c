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

void
sm_pick_group(struct sm_pick *p, const struct sm_final_group *g)
{
	p->group = *g;
	p->row = g->row;
	p->rows = 0;
	p->skip = 0;
	p->take = PICK_ALL;
	p->open = false;
	p->by_line = false;
	p->done = false;
	if (p->what == SM_CAT_RECORDS) {
		pick_lines(p, g->record);
		p->by_line = p->done = true;
	}
}

/* How many of the batch's rows come before row `end` of the input? */
static uint64_t
pick_before(const struct sm_pick *p, uint64_t end)
{
	if (end <= p->row)
		return 0;
	return end - p->row < p->rows ? end - p->row : p->rows;
}

static void
pick_rows(struct sm_pick *p, const unsigned char *bits, uint64_t rows)
{
	const struct sm_final_group *g = &p->group;
	uint64_t end = p->last < UINT64_MAX ? p->last + 1 : p->last, before;

	/* All of the group, whatever its lines are. */
	if (p->first <= g->row && end > g->row && end - g->row >= g->rows)
		return;
	if (bits) {
		p->row += p->rows;
		p->rows = rows;
		before = sm_note_count(bits, pick_before(p, p->first));
		p->skip = before;
		p->take = sm_note_count(bits, pick_before(p, end)) - before;
		p->done = end <= p->row + rows;
	} else if (g->records == g->rows) {
		pick_lines(p, g->row);
		p->by_line = p->done = true;
	} else {
		p->whole = true;
	}
}

void
sm_pick_batch(struct sm_pick *p, uint64_t batch, const unsigned char *bits,
	      uint64_t rows)
{
	if (p->open) {
		if (p->skip > 0)
			p->skip--;
		else if (p->take > 0 && p->take < PICK_ALL)
			p->take--;
		p->open = false;
	}
	if (p->by_line)
		return;
	if (p->what == SM_CAT_BATCHES) {
		p->take = batch >= p->first && batch <= p->last ? PICK_ALL : 0;
		p->done = batch > p->last;
	} else if (p->what == SM_CAT_ROWS) {
		pick_rows(p, bits, rows);
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
