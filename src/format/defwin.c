#include <stdlib.h>
#include <string.h>

#include "shard.h"

#include "defwin.h"

struct sm_defwin *
sm_defwin_new(void)
{
	/* Zeroed: bytes beyond the text are read, though they decide nothing. */
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

void
sm_defwin_begin(struct sm_defwin *d, struct sm_shard *shard)
{
	d->floor = d->start = d->done = d->end = SM_DEFLATE_WINDOW;
	d->base = 1;
	d->seqs = 0;
	sm_defblock_guess(&d->cost);
	d->err.code = 0;
	d->shard = shard;
	d->out = (struct sm_bitput){ .next = d->deflated };
}

/* Whole bytes go to the shard; the bits of the last one stay. */
static void
defwin_write(struct sm_defwin *d)
{
	if (d->err.code == 0)
		sm_shard_deflated(d->shard, d->deflated,
				  (size_t)(d->out.next - d->deflated), &d->err);
	d->out.next = d->deflated;
}

void
sm_defwin_flush(struct sm_defwin *d)
{
	size_t n = d->end - d->start, gone = d->end - SM_DEFLATE_WINDOW;

	if (n > 0 && d->err.code == 0) {
		assert(d->seqs < SM_DEFWIN_SEQS);
		d->seq[d->seqs++] = (struct sm_defseq){
			.literals = (uint32_t)(d->end - d->done),
		};
		sm_shard_text(d->shard, d->text + d->start, n);
		sm_defblock_put(d->block, &d->out, &d->cost, d->text + d->start,
				d->seq, d->seqs);
		defwin_write(d);
	}
	memmove(d->text, d->text + gone, SM_DEFLATE_WINDOW);
	d->base += gone;
	d->floor -= d->floor < gone ? d->floor : gone;
	d->start = d->done = d->end = SM_DEFLATE_WINDOW;
	d->seqs = 0;
}

void
sm_defwin_end(struct sm_defwin *d)
{
	sm_defwin_flush(d);
	sm_defblock_align(&d->out);
	defwin_write(d);
}
