/*
 * The window of an encoder that knows its text: begins, hands over and slides
 * it, and matches parts whose last place is known.  It is apart from
 * recdeflate.c, which knows records, so that an encoder of another structure
 * needs only this; what runs once per item is inline in defwin.h.
 */
#include <stdlib.h>
#include <string.h>

#include "shard.h"

#include "defwin.h"

struct sm_defwin *
sm_defwin_new(void)
{
	/* Zeroed: bytes beyond the text are read, but decide nothing. */
	struct sm_defwin *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->block = sm_defblock_new();
	if (!d->block) {
		free(d);
		return NULL;
	}
	return d;
}

void
sm_defwin_free(struct sm_defwin *d)
{
	if (!d)
		return;
	sm_defblock_free(d->block);
	free(d);
}

/*
 * Everything that could differ from shard to shard is set here.  The window of
 * 32 KiB before the first byte is empty, and `floor` keeps matches out of it;
 * the old bytes in it are never looked at.
 */
void
sm_defwin_begin(struct sm_defwin *d, struct sm_shard *shard)
{
	d->floor = d->start = d->done = d->end = SM_DEFWIN_FRONT;
	d->base = SM_DEFLATE_WINDOW + 1 - SM_DEFWIN_FRONT; /* modulo 2^64 */
	d->seqs = 0;
	sm_defblock_guess(&d->cost);
	d->err.code = 0;
	d->aligned = true;
	d->shard = shard;
	d->out = (struct sm_bitput){ .next = d->deflated };
	sm_defblock_begin(d->block);
}

/* Whole bytes go to the shard; the bits of an unfinished one stay in `out`. */
static void
defwin_write(struct sm_defwin *d)
{
	if (d->err.code == 0)
		sm_shard_deflated(d->shard, d->deflated,
				  (size_t)(d->out.next - d->deflated), &d->err);
	d->out.next = d->deflated;
}

/*
 * Hand over the run: the last sequence is the literals that no match covers;
 * then text and deflate go to the shard, and the last 32 KiB move to the front,
 * where the next run's matches may reach.  After a failure only the window
 * moves.
 */
void
sm_defwin_flush(struct sm_defwin *d)
{
	size_t n = d->end - d->start, gone = d->end - SM_DEFWIN_FRONT;
	struct sm_defrun run;

	if (n > 0 && d->err.code == 0) {
		assert(d->seqs < SM_DEFWIN_SEQS);
		d->seq[d->seqs++] = (struct sm_defseq){
			.literals = (uint32_t)(d->end - d->done),
		};
		d->aligned = false;
		sm_shard_text(d->shard, d->text + d->start, n);
		run = (struct sm_defrun){ d->text + d->start, n, d->seq,
					  d->seqs };
		sm_defblock_put(d->block, &d->out, &d->cost, &run);
		assert((size_t)(d->out.next - d->deflated) + SM_BITPUT_SPARE <=
		       sizeof(d->deflated));
		defwin_write(d);
	}
	memmove(d->text, d->text + gone, SM_DEFWIN_FRONT);
	d->base += gone;
	if (d->floor > gone)
		d->floor -= gone;
	else
		d->floor = 0;
	d->start = d->done = d->end = SM_DEFWIN_FRONT;
	d->seqs = 0;
}

void
sm_defwin_align(struct sm_defwin *d)
{
	sm_defwin_flush(d);
	if (d->aligned)
		return;
	d->aligned = true;
	sm_defblock_end(d->block, &d->out);
	sm_defblock_align(&d->out);
	defwin_write(d);
}

struct sm_defseq *
sm_defwin_cut_match(struct sm_defseq *seq, size_t len, uint64_t dist)
{
	size_t n;

	while (len > SM_DEFLATE_MATCH_MAX) {
		n = len - SM_DEFLATE_MATCH_MAX;
		n = n >= SM_DEFLATE_MATCH_MIN ? SM_DEFLATE_MATCH_MAX
					      : len - SM_DEFLATE_MATCH_MIN;
		seq->len = (uint16_t)n;
		seq->dist = (uint16_t)dist;
		len -= n;
		seq++;
		seq->literals = 0;
	}
	seq->len = (uint16_t)len;
	seq->dist = (uint16_t)dist;
	return seq;
}

/* Match text[at ..] with the text `dist` before as far as it agrees. */
static void
defwin_try(struct sm_defwin *d, size_t at, uint64_t dist)
{
	size_t len;

	if (dist == 0 || at < d->done)
		return;
	len = sm_defwin_agree(d, at, d->end, dist);
	if (len >= SM_DEFWIN_MATCH_MIN)
		sm_defwin_match(d, at, len, dist);
}

/*
 * A part too long for a unit, in pieces of one.  All use the distance of the
 * first; where the text does not agree at that distance, there is no match.
 */
static void
defwin_long(struct sm_defwin *d, const struct sm_defpiece *p)
{
	uint64_t dist = 0, position = sm_defwin_position(d, d->end);
	size_t done, at, n;

	if (p->place) {
		dist = sm_defwin_dist(position, *p->place);
		*p->place = position;
	}
	for (done = 0; done < p->len; done += n) {
		n = p->len - done;
		if (n > SM_DEFWIN_UNIT)
			n = SM_DEFWIN_UNIT;
		sm_defwin_reserve(d, n);
		at = d->end;
		memcpy(d->text + at, p->text + done, n);
		d->end += n;
		defwin_try(d, at, dist);
	}
}

/*
 * Parts that fit a unit together are appended first and matched afterwards, so
 * that a match may run on from one part into the next ones.
 */
void
sm_defwin_put(struct sm_defwin *d, const struct sm_defpiece *part, size_t parts)
{
	size_t i, at, n = 0;
	uint64_t position;

	for (i = 0; i < parts; i++) {
		if (part[i].len > SM_DEFWIN_UNIT - n)
			break;
		n += part[i].len;
	}
	if (i < parts) {
		for (i = 0; i < parts; i++)
			defwin_long(d, &part[i]);
		return;
	}

	sm_defwin_reserve(d, n);
	at = d->end;
	for (i = 0; i < parts; i++) {
		sm_defwin_copy(d->text + d->end, part[i].text, part[i].len);
		d->end += part[i].len;
	}
	for (i = 0; i < parts; at += part[i++].len) {
		if (!part[i].place)
			continue;
		position = sm_defwin_position(d, at);
		defwin_try(d, at, sm_defwin_dist(position, *part[i].place));
		*part[i].place = position;
	}
}
