/*
 * Finds repeated text for level 1, which is to take the time of igzip.  It is
 * apart from defmatch.c, whose finders look at more places, because much of its
 * time is one chain of dependent steps: where a match ends is known only when
 * it was compared, and the next search begins there.  So the chain is kept
 * short, with few branches that would be guessed wrong, and what does not
 * depend on it is done beside it.
 *
 * Method.  A table has the last place of each hash of six bytes.  All places
 * are looked up and noted, whatever the matches will be, 256 together: they
 * wait neither for each other nor for the chain.  Then four neighbours are
 * compared at once, sixteen bytes each, and the longest match of six or more is
 * taken, the first one where they are equal; with it what agrees in the seven
 * bytes before it.  Six, because a shorter match from anywhere in the window
 * takes as many bits as its literals.  Where nothing was found for long, four
 * places are looked up together, and those that follow are left out.
 *
 * Why a match is right, and bytes are the same everywhere: as in defmatch.c.
 * What is noted has eight bytes before the run's end, and what agrees beyond
 * that end is not counted, so that no byte after it decides; the last eight
 * begin no match.  With SSE2, which every x86-64 has, sixteen bytes are
 * compared by one instruction, for the same number.
 *
 * Bounds.  A place is noted once at most, and searched from once; a search
 * compares four places, for 16 bytes, and goes on with one of them, for 258
 * bytes at most.
 */
#include <stdbool.h>
#include <string.h>

#include "defmatch_impl.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* A match is at least so long; so many bytes are hashed. */
#define LEAST 6

/* So many bytes are compared at once: a match of as many may be longer. */
#define AT_ONCE 16

/* So many neighbours are compared at once. */
#define NEIGHBOURS 4

/* So many places are looked up and noted together. */
#define TOGETHER 256

#define FAR_END 8 /* bytes that a look-up reads */

_Static_assert(AT_ONCE <= FAR_END + SM_DEFMATCH_SLACK, "readable after a run");

/* So many places wait for what is noted next, to be compared together. */
#define WAITING (NEIGHBOURS - 1)

/*
 * Where the text of some places was before, modulo 65,536; in front is room for
 * the last of those before them.
 */
struct before {
	uint16_t place[WAITING + TOGETHER];
};

static inline uint16_t *
quick_place(struct sm_defmatch *m, uint64_t word)
{
	return &m->one[(word << (64 - 8 * LEAST)) *
			       UINT64_C(0x9e3779b97f4a7c15) >>
		       (64 - ONE_BITS)];
}

static inline void
quick_note_one(struct sm_defmatch *m, uint16_t *before,
	       const unsigned char *text, size_t at)
{
	uint16_t *place = quick_place(m, sm_load64(text + at));

	*before = *place;
	*place = (uint16_t)at;
}

/* Look up and note `n` places, of which TOGETHER are the rule. */
static inline void
quick_note(struct sm_defmatch *m, struct before *before,
	   const unsigned char *text, size_t at, size_t n)
{
	uint16_t *next = before->place;
	size_t i;

	memcpy(next, next + TOGETHER, WAITING * sizeof(*next));
	next += WAITING;
	for (i = 0; i + 4 <= n; i += 4) {
		quick_note_one(m, next + i, text, at + i);
		quick_note_one(m, next + i + 1, text, at + i + 1);
		quick_note_one(m, next + i + 2, text, at + i + 2);
		quick_note_one(m, next + i + 3, text, at + i + 3);
	}
	for (; i < n; i++)
		quick_note_one(m, next + i, text, at + i);
}

/* How many bytes agree, of the first AT_ONCE. */
static inline unsigned
quick_agree(const unsigned char *a, const unsigned char *b)
{
#ifdef __SSE2__
	__m128i x = _mm_loadu_si128((const __m128i *)a);
	__m128i y = _mm_loadu_si128((const __m128i *)b);
	unsigned equal = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(x, y));

	return (unsigned)__builtin_ctz(~equal);
#else
	uint64_t x = sm_load64(a) ^ sm_load64(b);
	uint64_t y = sm_load64(a + 8) ^ sm_load64(b + 8);

	if (x != 0)
		return (unsigned)__builtin_ctzll(x) / 8;
	if (y != 0)
		return 8 + (unsigned)__builtin_ctzll(y) / 8;
	return AT_ONCE;
#endif
}

/*
 * A match as a number that is greater the longer the match is, and of those of
 * one length, the sooner it begins: `later` is less than NEIGHBOURS.
 */
#define FOUND(len, later, dist)                                                \
	((uint32_t)(len) << 18 | (uint32_t)(WAITING - (later)) << 16 | (dist))
#define FOUND_LEN(found)   ((found) >> 18)
#define FOUND_LATER(found) (WAITING - ((found) >> 16 & 3))
#define FOUND_DIST(found)  ((found)&0xffff)

_Static_assert(NEIGHBOURS == 4 && LEAST >= NEIGHBOURS,
	       "two bits; compared once");

/*
 * What is known at once of a match at text[at + later] with what is at `place`;
 * only at the run's `tail` it may be one with what is after that.
 */
static inline __attribute__((always_inline)) uint32_t
quick_find(const unsigned char *text, size_t at, unsigned later, size_t end,
	   uint16_t place, bool tail)
{
	const unsigned char *p = text + at + later;
	uint16_t dist = (uint16_t)(at + later - place);
	unsigned len = quick_agree(p, p - dist);

	if (tail && len > end - at - later)
		len = (unsigned)(end - at - later);
	return FOUND(len, later, dist) & -(uint32_t)(dist - 1u < WINDOW);
}

static inline uint32_t
quick_better(uint32_t found, uint32_t other)
{
	if (found < other)
		found = other;
	return found;
}

/*
 * The longest match that begins at text[at] or a neighbour; `place` has those
 * of the four.
 */
static inline __attribute__((always_inline)) uint32_t
quick_find_four(const unsigned char *text, size_t at, size_t end,
		const uint16_t *place, bool tail)
{
	uint32_t a = quick_find(text, at, 0, end, place[0], tail);
	uint32_t b = quick_find(text, at, 1, end, place[1], tail);
	uint32_t c = quick_find(text, at, 2, end, place[2], tail);
	uint32_t d = quick_find(text, at, 3, end, place[3], tail);

	return quick_better(quick_better(a, b), quick_better(c, d));
}

/*
 * What agrees before a match, 0 to 7 bytes of `literals` and of the shard; a
 * turn before a run is readable, and so are the 8 before any place.
 */
static inline unsigned
quick_back(const unsigned char *text, size_t at, struct match found,
	   size_t literals, size_t floor)
{
	const unsigned char *p = text + at;
	uint64_t other = sm_load64(p - 8) ^ sm_load64(p - found.dist - 8);
	size_t back = (unsigned)__builtin_clzll(other | 1) / 8;
	size_t most = at - found.dist - floor;

	if (most > literals)
		most = literals;
	if (most > MATCH_MAX - found.len)
		most = MATCH_MAX - found.len;
	if (back > most)
		back = most;
	return (unsigned)back;
}

/* Places that were noted together, text[first .. last), of a run to `end`. */
struct stretch {
	size_t first, last, end;
};

/*
 * Matches that begin at text[at .. last), of which `before` has those from
 * `first` - WAITING on; returns where to go on.  Inlined with what it calls, so
 * that nothing asks about the tail but at the tail.
 */
static inline __attribute__((always_inline)) size_t
quick_parse(struct sm_defmatch *m, const struct before *before,
	    const unsigned char *text, size_t at, struct stretch s, bool tail)
{
	struct sm_defmatch_to to = m->to; /* a copy stays in registers */
	size_t begin, floor = m->floor, first = s.first, end = s.end;
	struct match match;
	uint32_t found;
	unsigned back;

	assert(at + WAITING >= first);
	while (at + WAITING < s.last) {
		found = quick_find_four(text, at, end,
					before->place + (at + WAITING - first),
					tail);
		if (found < FOUND(LEAST, WAITING, 0)) {
			at += NEIGHBOURS;
			continue;
		}
		at += FOUND_LATER(found);
		match.len = FOUND_LEN(found);
		match.dist = FOUND_DIST(found);
		if (match.len == AT_ONCE)
			match.len = agree(text + at, text + at - match.dist,
					  AT_ONCE, room_of(at, end));
		/* The next search does not wait for what is before this. */
		back = quick_back(text, at, match, at - to.covered, floor);
		begin = at - back;
		at += match.len;
		match.len += back;
		put_match(&to, begin, match, floor);
	}
	m->to = to;
	return at;
}

void
sm_defquick_run(struct sm_defmatch *m, const unsigned char *text, size_t start,
		size_t end)
{
	size_t stop, at = start, n = TOGETHER, blind;
	struct stretch s = { start, start, end };
	struct before before = { { 0 } };

	if (end - start <= FAR_END)
		return;
	stop = end - FAR_END;
	for (; s.first < stop; s.first = s.last) {
		s.last = s.first + n;
		if (s.last > stop)
			s.last = stop;
		quick_note(m, &before, text, s.first, s.last - s.first);
		if (s.last + AT_ONCE <= end)
			at = quick_parse(m, &before, text, at, s, false);
		else
			at = quick_parse(m, &before, text, at, s, true);
		n = TOGETHER;
		if (at > s.last)
			continue;
		blind = (at - m->to.covered) >> BLIND_SHIFT;
		if (blind > 0) {
			n = NEIGHBOURS;
			at = s.last += blind;
		}
	}
}
