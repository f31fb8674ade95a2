/*
 * Finds repeated text for level 1, which is to take the time of igzip.  It is
 * apart from defmatch.c, whose finders look at more places, because nearly all
 * of its time is one chain of dependent steps: where a match ends is known only
 * when it was compared, and the next search begins there.  So each step is
 * without a branch where one would be guessed wrong, and little else is done.
 *
 * Method.  A table has the last place of each hash of six bytes.  Eight bytes
 * there are compared at once, and a match of six or more is taken, unless it is
 * short and the text one byte on has a longer one; with it what agrees in the
 * seven bytes before it.  Of what a match covers the second and third byte and
 * the last are noted, and every second between in a long one: a match that is
 * found late begins where it would have.  Six, because a shorter match from
 * anywhere in the window takes as many bits as its literals.
 *
 * Why a match is right, and bytes are the same everywhere: as in defmatch.c.
 * What is searched and noted has eight bytes before the run's end, so that no
 * byte after it decides; the last eight begin no match.
 *
 * Bounds.  No byte is searched from twice, and a search compares one place, for
 * 258 bytes at most; a match is noted at half of its bytes at most, and three.
 */
#include "defmatch_impl.h"

/* A match is at least so long; so many bytes are hashed. */
#define LEAST 6

/* So many bytes are compared at once: a match of as many may be longer. */
#define AT_ONCE 7

/* A longer match is taken without a look one byte on. */
#define LAZY 32

/* In a longer match more is noted than three places. */
#define SHORT 12

#define FAR_END 8 /* bytes that a search or a note reads */

static inline uint16_t *
quick_place(struct sm_defmatch *m, uint64_t word)
{
	return &m->head[(word << (64 - 8 * LEAST)) *
				UINT64_C(0x9e3779b97f4a7c15) >>
			(64 - CHAIN_BITS)];
}

static inline void
quick_note(struct sm_defmatch *m, const unsigned char *text, size_t at)
{
	*quick_place(m, sm_load64(text + at)) = (uint16_t)at;
}

/* What agrees at text[at], which is noted: 0 to AT_ONCE bytes. */
static inline struct match
quick_find(struct sm_defmatch *m, const unsigned char *text, size_t at)
{
	const unsigned char *p = text + at;
	uint64_t word = sm_load64(p), other;
	uint16_t *place = quick_place(m, word);
	struct match found;

	found.dist = (unsigned)(at - *place) & 0xffff;
	*place = (uint16_t)at;
	other = word ^ sm_load64(p - found.dist);
	found.len = (unsigned)__builtin_ctzll(other | UINT64_C(1) << 63) / 8;
	found.len &= -(unsigned)(found.dist - 1 < WINDOW);
	return found;
}

/* How long it is, beyond what was compared at once. */
static inline unsigned
quick_len(const unsigned char *text, size_t at, size_t end, struct match found)
{
	const unsigned char *p = text + at;

	if (found.len < AT_ONCE)
		return found.len;
	return agree(p, p - found.dist, AT_ONCE, room_of(at, end));
}

/*
 * What agrees before a match, 0 to 7 bytes of `literals` and of the shard; a
 * turn before a run is readable, and so are the 8 before any place.
 */
static inline unsigned
quick_back(const struct sm_defmatch *m, const unsigned char *text, size_t at,
	   struct match found, size_t literals)
{
	const unsigned char *p = text + at;
	uint64_t other = sm_load64(p - 8) ^ sm_load64(p - found.dist - 8);
	size_t back = (unsigned)__builtin_clzll(other | 1) / 8;
	size_t most = at - found.dist - m->floor;

	if (most > literals)
		most = literals;
	if (most > MATCH_MAX - found.len)
		most = MATCH_MAX - found.len;
	if (back > most)
		back = most;
	return (unsigned)back;
}

void
sm_defquick_run(struct sm_defmatch *m, const unsigned char *text, size_t at,
		size_t end)
{
	struct match found, next;
	size_t stop, noted;
	unsigned back;

	if (end - at <= FAR_END)
		return;
	stop = end - FAR_END - 1; /* one byte on is looked at, too */
	while (at <= stop) {
		found = quick_find(m, text, at);
		if (found.len < LEAST) {
			at += 1 + ((at - m->covered) >> BLIND_SHIFT);
			continue;
		}
		found.len = quick_len(text, at, end, found);
		while (found.len < LAZY && at < stop) {
			next = quick_find(m, text, at + 1);
			next.len = quick_len(text, at + 1, end, next);
			if (next.len <= found.len)
				break;
			found = next;
			at++;
		}
		back = quick_back(m, text, at, found, at - m->covered);
		found.len += back;
		put_match(m, at - back, found);
		if (m->covered > stop)
			break;
		quick_note(m, text, at + 1);
		quick_note(m, text, at + 2);
		quick_note(m, text, m->covered - 1);
		if (found.len > SHORT)
			for (noted = at + 5; noted < m->covered - 3; noted += 2)
				quick_note(m, text, noted);
		at = m->covered;
	}
}
