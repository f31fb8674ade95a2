/*
 * General text straight to deflate: what the output of commands goes through.
 * It is apart from the finder of matches (defmatch.c) and the choice of blocks
 * (defcut.c) because it alone knows shards, and that text comes in pieces.
 *
 * Method.  Text is collected, however it comes, into runs of 128 KiB, each of
 * which is turned into literals and matches as a whole, and these into blocks.
 * Between runs the last 32 KiB stay in front of the next one.  A run ends where
 * the buffer does, a matter of the text's length alone, or where
 * sm_deftext_align() says so: so equal text gives equal bytes.
 *
 * Why it is always valid deflate: matches are compared, never assumed, and do
 * not reach beyond the shard's first byte (defmatch.c); a code has two symbols
 * or more, is complete, and has no word longer than 14, 15 and 7 bits
 * (huffman.h); a block that is not smaller than its text is stored, so that
 * text grows by 6 bytes for each 12 KiB at most (defcut.c); no block is marked
 * as the last, and a byte boundary is reached by an empty stored one.
 *
 * Bounds.  Memory is 1.1 MiB whatever the text; nothing is kept from one shard
 * to the next.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "err.h"

#include "shard.h"

#include "defcut.h"
#include "defmatch.h"

#include "deftext.h"

#define RUN   SM_DEFCUT_RUN
#define FIRST SM_DEFMATCH_TURN /* where a run begins, the first one too */
#define LAST  (FIRST + RUN)

_Static_assert(RUN % SM_DEFMATCH_TURN == 0, "text moves by whole turns");
_Static_assert(SM_DEFMATCH_LITERALS <= SM_DEFCUT_LITERALS &&
		       SM_DEFMATCH_SLACK >= SM_DEFCUT_SLACK,
	       "what defcut.h asks for");

struct sm_deftext {
	struct sm_shard *shard; /* borrowed, of this shard only */
	struct sm_defmatch *match;
	struct sm_defcut *cut;
	bool aligned;      /* nothing was written since a boundary */
	size_t start, end; /* of the run, in `text` */
	struct sm_bitput out;
	struct sm_defseq seq[SM_DEFMATCH_SEQS(RUN)];
	unsigned char text[LAST + SM_DEFMATCH_SLACK];
	unsigned char deflated[SM_DEFCUT_BOUND(RUN) + 16];
};

struct sm_deftext *
sm_deftext_new(int level)
{
	/* Zeroed: bytes beyond the text are read, but decide nothing. */
	struct sm_deftext *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->match = sm_defmatch_new(level);
	t->cut = sm_defcut_new();
	if (!t->match || !t->cut) {
		sm_deftext_free(t);
		return NULL;
	}
	return t;
}

void
sm_deftext_free(struct sm_deftext *t)
{
	if (!t)
		return;
	sm_defmatch_free(t->match);
	sm_defcut_free(t->cut);
	free(t);
}

void
sm_deftext_begin(struct sm_deftext *t, struct sm_shard *shard)
{
	t->shard = shard;
	t->aligned = true;
	t->start = t->end = FIRST;
	t->out = (struct sm_bitput){ .next = t->deflated };
	sm_defmatch_begin(t->match);
}

/* Whole bytes go to the shard; the bits of an unfinished one stay in `out`. */
static int
deftext_pass(struct sm_deftext *t, struct sm_err *err)
{
	size_t n = (size_t)(t->out.next - t->deflated);

	assert(n + SM_BITPUT_SPARE <= sizeof(t->deflated));
	t->out.next = t->deflated;
	return sm_shard_deflated(t->shard, t->deflated, n, err);
}

/* The run becomes blocks; where the buffer is full the next begins in front. */
static int
deftext_flush(struct sm_deftext *t, struct sm_err *err)
{
	struct sm_defrun run = { .text = t->text + t->start,
				 .len = t->end - t->start,
				 .seq = t->seq };

	if (run.len == 0)
		return 0;
	run.seqs = sm_defmatch_run(t->match, t->seq, t->text, t->start, t->end);
	assert(run.seqs <= SM_DEFMATCH_SEQS(run.len));
	sm_defcut_put(t->cut, &t->out, &run);
	if (t->end == LAST) {
		memcpy(t->text + FIRST - SM_DEFLATE_WINDOW,
		       t->text + LAST - SM_DEFLATE_WINDOW, SM_DEFLATE_WINDOW);
		sm_defmatch_moved(t->match);
		t->end = FIRST;
	}
	t->start = t->end;
	return deftext_pass(t, err);
}

int
sm_deftext_write(struct sm_deftext *t, const void *text, size_t len,
		 struct sm_err *err)
{
	const unsigned char *p = text;
	size_t n;
	int ret = 0;

	sm_shard_text(t->shard, text, len);
	t->aligned &= len == 0;
	for (; len > 0 && ret == 0; p += n, len -= n) {
		n = LAST - t->end;
		if (n > len)
			n = len;
		memcpy(t->text + t->end, p, n);
		t->end += n;
		if (t->end == LAST)
			ret = deftext_flush(t, err);
	}
	return ret;
}

int
sm_deftext_align(struct sm_deftext *t, struct sm_err *err)
{
	int ret;

	if (t->aligned)
		return 0;
	t->aligned = true;
	ret = deftext_flush(t, err);
	if (ret < 0)
		return ret;
	sm_defblock_align(&t->out);
	return deftext_pass(t, err);
}
