/*
 * Finds repeated text: the part of the text encoder that its levels differ in.
 * It is apart from defcut.c, which decides about blocks, because it is the
 * inner loop, and knows nothing of codes.
 *
 * Method.  Tables say where text was.  Level 1 has one place for each hash of
 * six bytes (defquick.c).  Level 2 has two for each of four bytes, the last two
 * where such text was: both are tried, and one store updates them.  Levels 3 to
 * 9 chain all places of the window by that
 * hash, the nearest first, of which they try as many as the level says, and
 * have one place for each hash of three bytes.  What was found is taken if the
 * text one byte on (levels 8 and 9: or two) has no better match, and with it
 * what agrees before it.
 *
 * Why a match is always right.  Places are kept as 16 bits, an index modulo
 * 65,536, and never removed.  A place is turned into the distance from where
 * the search is, which is used only if it is 1 to 32,768 and the bytes there
 * are compared and equal: a stale or colliding place costs time and nothing
 * else.  Where a distance leads is in this shard: a table begins as zeros,
 * which is the shard's first byte; in the first 65,536 bytes no place, zero or
 * set, is farther than that, and after them a whole window is there.  In every
 * build put_match() asserts length, distance and reach.
 *
 * Why it is the same everywhere: only bytes before `end` decide, hashes are of
 * unsigned integers of fixed width that are read as little-endian, and begin()
 * clears all tables.
 *
 * Bounds.  A search tries at most two places, or as many as the level's
 * `depth`; each comparison ends after 258 bytes.  So that repetitive text costs
 * no more than other text, a match of `nice` bytes ends a search at once, and a
 * chain ends at the first place that is not farther than the one before.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "defmatch_impl.h"

/* A match of three bytes from farther than this costs more than literals. */
#define THREE_FAR 4096

static const struct level levels[] = {
	[1] = { .finder = QUICK },     [2] = { PAIRS, 0, 64, 1 },
	[3] = { CHAINS, 6, 32, 1 },    [4] = { CHAINS, 8, 48, 1 },
	[5] = { CHAINS, 14, 64, 1 },   [6] = { CHAINS, 24, 96, 1 },
	[7] = { CHAINS, 80, 130, 1 },  [8] = { CHAINS, 200, 258, 2 },
	[9] = { CHAINS, 800, 258, 2 },
};

struct sm_defmatch *
sm_defmatch_new(int level)
{
	struct sm_defmatch *m = calloc(1, sizeof(*m));

	assert(level >= 1 && level <= 9);
	if (m)
		m->level = levels[level];
	return m;
}

void
sm_defmatch_free(struct sm_defmatch *m)
{
	free(m);
}

void
sm_defmatch_begin(struct sm_defmatch *m)
{
	m->floor = SM_DEFMATCH_TURN;
	switch (m->level.finder) {
	case QUICK:
		memset(m->one, 0, sizeof(m->one));
		return;
	case PAIRS:
		memset(m->pair, 0, sizeof(m->pair));
		return;
	case CHAINS:
		break;
	}
	memset(m->head, 0, sizeof(m->head));
	memset(m->prev, 0, sizeof(m->prev));
	memset(m->three, 0, sizeof(m->three));
}

void
sm_defmatch_moved(struct sm_defmatch *m)
{
	m->floor = SM_DEFMATCH_TURN - WINDOW;
}

/* A match with what agrees before it, which is of it, too. */
static inline void
put_grown(struct sm_defmatch *m, const unsigned char *text, size_t at,
	  struct match found)
{
	for (; at > m->to.covered && found.len < MATCH_MAX; at--, found.len++)
		if (at - found.dist <= m->floor ||
		    text[at - 1] != text[at - 1 - found.dist])
			break;
	put_match(&m->to, at, found, m->floor);
}

/* ------------------------------------------------------------ two places -- */

static inline uint32_t *
pair_of(struct sm_defmatch *m, uint32_t word)
{
	return &m->pair[word * UINT32_C(0x9e3779b1) >> (32 - PAIR_BITS)];
}

static inline void
pair_note(struct sm_defmatch *m, const unsigned char *text, size_t at)
{
	uint32_t *pair = pair_of(m, sm_load32(text + at));

	*pair = *pair << 16 | (uint32_t)(at & 0xffff);
}

/* The better match of two at text[at], which is noted; at + 4 <= end. */
static inline struct match
pair_find(struct sm_defmatch *m, const unsigned char *text, size_t at,
	  size_t end)
{
	const unsigned char *p = text + at;
	uint32_t word = sm_load32(p), *pair = pair_of(m, word), was = *pair;
	unsigned near = ((uint32_t)at - was) & 0xffff;
	unsigned far = ((uint32_t)at - (was >> 16)) & 0xffff, n;
	struct match found = { 0, 0 };

	*pair = was << 16 | (uint32_t)(at & 0xffff);
	if (sm_load32(p - near) == word && near - 1 < WINDOW) {
		found.len = agree(p, p - near, 4, room_of(at, end));
		found.dist = near;
	}
	if (sm_load32(p - far) == word && far - 1 < WINDOW) {
		n = agree(p, p - far, 4, room_of(at, end));
		if (n > found.len)
			found = (struct match){ n, far };
	}
	return found;
}

static void
pair_run(struct sm_defmatch *m, const unsigned char *text, size_t at,
	 size_t end)
{
	unsigned nice = m->level.nice;
	struct match found, next;
	size_t stop = end - 4, noted, to;

	while (at <= stop) {
		found = pair_find(m, text, at, end);
		if (found.len == 0) {
			at += 1 + ((at - m->to.covered) >> BLIND_SHIFT);
			continue;
		}
		noted = at + 1;
		while (found.len < nice && at < stop) {
			next = pair_find(m, text, at + 1, end);
			noted = at + 2;
			if (next.len <= found.len)
				break;
			found = next;
			at++;
		}
		put_grown(m, text, at, found);
		to = m->to.covered < stop ? m->to.covered : stop;
		for (; noted < to; noted++)
			pair_note(m, text, noted);
		at = m->to.covered;
	}
}

/* ---------------------------------------------------------------- chains -- */

static inline uint16_t *
chain_of(struct sm_defmatch *m, uint32_t word)
{
	return &m->head[word * UINT32_C(0x9e3779b1) >> (32 - CHAIN_BITS)];
}

static inline uint16_t *
three_of(struct sm_defmatch *m, uint32_t word)
{
	return &m->three[(word << 8) * UINT32_C(0x9e3779b1) >>
			 (32 - THREE_BITS)];
}

static inline void
chain_note(struct sm_defmatch *m, const unsigned char *text, size_t at)
{
	uint32_t word = sm_load32(text + at);
	uint16_t *head = chain_of(m, word);

	m->prev[at % WINDOW] = *head;
	*head = *three_of(m, word) = (uint16_t)at;
}

/*
 * The longest match at text[at] that is longer than `least`, the nearest of
 * such; at + 4 <= end.
 */
static inline struct match
chain_find(struct sm_defmatch *m, const unsigned char *text, size_t at,
	   size_t end, unsigned least, unsigned depth)
{
	const unsigned char *p = text + at;
	uint32_t word = sm_load32(p), tail;
	uint16_t *head = chain_of(m, word), *three = three_of(m, word);
	unsigned max = room_of(at, end), nice = m->level.nice, n, dist, last;
	uint16_t place = *head;
	struct match found = { 0, 0 };

	dist = (unsigned)(at - *three) & 0xffff;
	m->prev[at % WINDOW] = place;
	*head = *three = (uint16_t)at;

	if (least < 3) {
		least = 3;
		if (dist - 1 < THREE_FAR &&
		    ((sm_load32(p - dist) ^ word) & 0xffffff) == 0)
			found = (struct match){ 3, dist };
	}
	if (least >= max)
		return found;
	tail = sm_load32(p + least - 3);
	for (last = 0; depth > 0; depth--) {
		dist = (unsigned)(at - place) & 0xffff;
		if (dist <= last || dist > WINDOW)
			break;
		last = dist;
		if (sm_load32(p - dist + least - 3) == tail &&
		    sm_load32(p - dist) == word) {
			n = agree(p, p - dist, 4, max);
			if (n > least) {
				found = (struct match){ n, dist };
				least = n;
				if (n >= nice || n >= max)
					break;
				tail = sm_load32(p + least - 3);
			}
		}
		place = m->prev[place % WINDOW];
	}
	return found;
}

static inline int
log_of(unsigned dist)
{
	return 31 - __builtin_clz(dist);
}

/*
 * Is `next`, `by` bytes on, worth the literals before it?  A byte more is
 * taken for four bits, and a distance costs a bit each time it doubles.
 */
static inline bool
is_better(struct match next, struct match found, int by)
{
	return next.len >= found.len && next.len > 0 &&
	       4 * (int)(next.len - found.len) + log_of(found.dist) -
			       log_of(next.dist) >
		       4 * by - 2;
}

static void
chain_run(struct sm_defmatch *m, const unsigned char *text, size_t at,
	  size_t end)
{
	unsigned depth = m->level.depth, nice = m->level.nice;
	struct match found, next;
	size_t stop = end - 4, noted, to;

	while (at <= stop) {
		found = chain_find(m, text, at, end, 0, depth);
		noted = at + 1;
		if (found.len == 0) {
			at += 1 + ((at - m->to.covered) >> BLIND_SHIFT);
			continue;
		}
		while (found.len < nice && at < stop) {
			next = chain_find(m, text, at + 1, end, found.len - 1,
					  depth / 2);
			noted = at + 2;
			if (is_better(next, found, 1)) {
				found = next;
				at++;
				continue;
			}
			if (m->level.lazy < 2 || at + 1 >= stop)
				break;
			next = chain_find(m, text, at + 2, end, found.len - 1,
					  depth / 4);
			noted = at + 3;
			if (!is_better(next, found, 2))
				break;
			found = next;
			at += 2;
		}
		put_grown(m, text, at, found);
		to = m->to.covered < stop ? m->to.covered : stop;
		for (; noted < to; noted++)
			chain_note(m, text, noted);
		at = m->to.covered;
	}
}

/* The rest is literals: one sequence at least, and the last without a match. */
size_t
sm_defmatch_run(struct sm_defmatch *m, struct sm_defseq *seq,
		const unsigned char *text, size_t start, size_t end)
{
	size_t literals;

	m->to.seq = seq;
	m->to.covered = start;
	assert(start >= SM_DEFMATCH_TURN && start <= end);
	if (end - start >= 4) {
		switch (m->level.finder) {
		case QUICK:
			sm_defquick_run(m, text, start, end);
			break;
		case PAIRS:
			pair_run(m, text, start, end);
			break;
		case CHAINS:
			chain_run(m, text, start, end);
			break;
		}
	}
	assert(m->to.covered <= end);
	literals = put_literals(&m->to, end);
	*m->to.seq++ = (struct sm_defseq){ .literals = (uint32_t)literals };
	return (size_t)(m->to.seq - seq);
}
