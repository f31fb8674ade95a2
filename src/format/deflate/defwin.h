/*
 * defwin.h - the window: text, and the matches found in it, run by run
 *
 * An encoder that knows its text's structure appends text to the window and
 * says where a match begins and how far back the same text is.  A full run goes
 * to the shard: its text in one run (size and CRC), its sequences through
 * defblock.h as deflate; the last 32 KiB stay in front of the next one.
 *
 *	sm_defwin_new(), per shard sm_defwin_begin(), then sm_defwin_put() for
 *	parts of any kind, or, for a unit that the caller matches himself,
 *	sm_defwin_reserve(), text written to text[end ..] and `end` moved,
 *	sm_defwin_match() for what repeats, in rising order; sm_defwin_align().
 *
 * Positions count bytes from the shard's start, plus one window and one: they
 * outlive a run, and a position of 0 is farther than any match reaches.
 *
 * A failure to write sticks in `err`: later text is dropped until the next
 * sm_defwin_begin(), so that nobody need look at each step.
 */
#ifndef SM_DEFWIN_H
#define SM_DEFWIN_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <shardmill.h>

#include "defblock.h"

struct sm_shard;

/*
 * Text that is handed over at once.  It is large enough to make codes from that
 * serve for more (defblock.h), and small enough that text, sequences and output
 * stay in a second-level cache.
 */
#define SM_DEFWIN_BLOCK ((size_t)256 * 1024)
/* Text that may be appended between two calls of sm_defwin_reserve(). */
#define SM_DEFWIN_UNIT ((size_t)4096)
/*
 * And sequences: 5 matches, cut at each 258 bytes, and the run's end;
 * but one match may reach back over all text that no sequence covers yet.
 */
#define SM_DEFWIN_UNIT_SEQS (32 + SM_DEFWIN_BLOCK / SM_DEFLATE_MATCH_MAX)
/* Bytes after the text that may be read, and written to. */
#define SM_DEFWIN_SLACK 64
#define SM_DEFWIN_SEQS  (SM_DEFWIN_BLOCK / 8)

/*
 * Where a run's text begins: one window after the beginning of what is kept,
 * and eight bytes more, so that eight before any place that a match reaches can
 * be read.
 */
#define SM_DEFWIN_FRONT ((size_t)SM_DEFLATE_WINDOW + 8)

/* A shorter match may cost more than its literals. */
#define SM_DEFWIN_MATCH_MIN 4

struct sm_defwin {
	/*
	 * text[start] is the run's first byte, text[end] the next to be
	 * written; text[done] the first that no sequence covers; below
	 * text[floor] there is nothing of this shard.
	 */
	size_t floor, start, done, end;
	uint64_t base; /* the position of text[0] */
	size_t seqs;
	struct sm_defcost cost; /* of symbols, by the block at hand */
	struct sm_err err;      /* the failure that sticks; code 0: none */
	bool aligned;           /* at a byte boundary, no block open */
	struct sm_shard *shard; /* the caller's */
	struct sm_defblock *block;
	struct sm_bitput out;
	struct sm_defseq seq[SM_DEFWIN_SEQS];
	unsigned char text[SM_DEFWIN_FRONT + SM_DEFWIN_BLOCK + SM_DEFWIN_SLACK];
	unsigned char deflated[SM_DEFBLOCK_BOUND(SM_DEFWIN_BLOCK)];
};

/* Some text, of any length, and where the same text was last. */
struct sm_defpiece {
	const char *text;
	size_t len;
	uint64_t *place; /* position, 0: nowhere; NULL: not known */
};

struct sm_defwin *sm_defwin_new(void);    /* NULL: no memory */
void sm_defwin_free(struct sm_defwin *d); /* NULL is allowed */
void sm_defwin_begin(struct sm_defwin *d, struct sm_shard *shard);
/* Hand over the run, begin the next. */
void sm_defwin_flush(struct sm_defwin *d);
/*
 * Hand over what is left and bring the stream to a byte boundary, where it is
 * not at one already.  Text may follow.
 */
void sm_defwin_align(struct sm_defwin *d);

/*
 * Append parts one after the other, match each with its last place, and note
 * the new one.  A match runs on into the parts that follow, as far as they
 * agree.
 */
void sm_defwin_put(struct sm_defwin *d, const struct sm_defpiece *part,
		   size_t parts);

/*
 * What each match changes: the first byte that no sequence covers, and the next
 * sequence.  A local copy stays in registers, where the window's own members
 * would be read again after each byte that is stored.
 */
struct sm_defcursor {
	size_t done;
	struct sm_defseq *seq;
};

static inline struct sm_defcursor
sm_defwin_cursor(struct sm_defwin *d)
{
	return (struct sm_defcursor){ d->done, d->seq + d->seqs };
}

static inline void
sm_defwin_set_cursor(struct sm_defwin *d, struct sm_defcursor c)
{
	d->done = c.done;
	d->seqs = (size_t)(c.seq - d->seq);
	assert(d->seqs < SM_DEFWIN_SEQS);
}

/*
 * Is there no room for `n` bytes, and the sequences of as many units as these
 * are begun?
 */
static inline bool
sm_defwin_is_full(const struct sm_defwin *d, struct sm_defcursor c, size_t n)
{
	return __builtin_expect(
		d->end + n > SM_DEFWIN_FRONT + SM_DEFWIN_BLOCK ||
			c.seq + SM_DEFWIN_UNIT_SEQS *
						((n + SM_DEFWIN_UNIT - 1) /
						 SM_DEFWIN_UNIT) >
				d->seq + SM_DEFWIN_SEQS,
		0);
}

/* Make it. */
static inline void
sm_defwin_reserve(struct sm_defwin *d, size_t n)
{
	if (sm_defwin_is_full(d, sm_defwin_cursor(d), n))
		sm_defwin_flush(d);
}

static inline uint64_t
sm_defwin_position(const struct sm_defwin *d, size_t at)
{
	return d->base + at;
}

/* Distance from `position` back to `place`, or 0 if no match reaches there. */
static inline uint64_t
sm_defwin_dist(uint64_t position, uint64_t place)
{
	uint64_t d = position - place;

	return d <= SM_DEFLATE_WINDOW ? d : 0;
}

static inline void
sm_defwin_copy(unsigned char *dst, const char *src, size_t len)
{
	/* Two moves that overlap; no call for what is mostly 4 to 32 long. */
	if (len > 32 || len < 4) {
		memcpy(dst, src, len);
	} else if (len >= 16) {
		memcpy(dst, src, 16);
		memcpy(dst + len - 16, src + len - 16, 16);
	} else if (len >= 8) {
		memcpy(dst, src, 8);
		memcpy(dst + len - 8, src + len - 8, 8);
	} else {
		memcpy(dst, src, 4);
		memcpy(dst + len - 4, src + len - 4, 4);
	}
}

/* How many bytes of text[at .. end) agree with those `dist` before. */
static inline size_t
sm_defwin_agree(const struct sm_defwin *d, size_t at, size_t end, uint64_t dist)
{
	size_t max = end - at, n;
	uint64_t x;

	for (n = 0; n < max; n += 8) {
		x = sm_load64(d->text + at + n) ^
		    sm_load64(d->text + at + n - dist);
		if (x != 0) {
			n += (size_t)__builtin_ctzll(x) >> 3;
			break;
		}
	}
	return n < max ? n : max;
}

/*
 * How many of at most `max` bytes before text[at] agree with those `dist`
 * before them.  Most often none, one or two do, at random: seven are looked at
 * without a branch.  Eight can be read: at >= SM_DEFWIN_FRONT.
 */
static inline size_t
sm_defwin_agree_back(const struct sm_defwin *d, size_t at, uint64_t dist,
		     size_t max)
{
	const unsigned char *t = d->text + at, *u = t - dist;
	uint64_t x = sm_load64(t - 8) ^ sm_load64(u - 8);
	size_t n = (unsigned)__builtin_clzll(x | 1) / 8;

	if (n > max)
		n = max;
	if (__builtin_expect(n == 7, 0))
		while (n < max && t[-1 - (ptrdiff_t)n] == u[-1 - (ptrdiff_t)n])
			n++;
	return n;
}

/*
 * A match that is too long for one, from `seq` on, whose literals are set;
 * returns the sequence of its last part.
 */
struct sm_defseq *sm_defwin_cut_match(struct sm_defseq *seq, size_t len,
				      uint64_t dist);

/*
 * Cover text[at .. at + len), at >= done and len >= 3, by a match with the
 * bytes `dist` before, which are equal.  It takes in what agrees before it,
 * too, down to `done`.
 */
static inline void
sm_defwin_match_at(struct sm_defwin *d, struct sm_defcursor *c, size_t at,
		   size_t len, uint64_t dist)
{
	size_t literals = at - c->done, back;
	size_t room = at - (size_t)dist - d->floor;

	assert(len >= SM_DEFLATE_MATCH_MIN && dist - 1 < SM_DEFLATE_WINDOW);
	/* Neither is negative: at >= done, and the place is in the shard. */
	assert((literals | room) < sizeof(d->text));
	if (room > literals)
		room = literals;
	back = sm_defwin_agree_back(d, at, dist, room);
	c->seq->literals = (uint32_t)(literals - back);
	c->done = at + len;
	len += back;
	if (__builtin_expect(len > SM_DEFLATE_MATCH_MAX, 0)) {
		c->seq = sm_defwin_cut_match(c->seq, len, dist);
	} else {
		c->seq->len = (uint16_t)len;
		c->seq->dist = (uint16_t)dist;
	}
	c->seq++;
}

static inline void
sm_defwin_match(struct sm_defwin *d, size_t at, size_t len, uint64_t dist)
{
	struct sm_defcursor c = sm_defwin_cursor(d);

	sm_defwin_match_at(d, &c, at, len, dist);
	sm_defwin_set_cursor(d, c);
}

#endif /* SM_DEFWIN_H */
