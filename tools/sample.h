/*
 * sample.h - make a data set to try candidates on
 */
#ifndef SM_SAMPLE_H
#define SM_SAMPLE_H

#include "screen.h"

struct sm_sample_opts {
	uint64_t rows, width, vocab; /* vocab: 2 at least */
	uint64_t seed;               /* equal seeds give equal files */
};

/*
 * Write cands.npy, scores.npy, keys.json and vocab.json into `dir`, which is
 * made if it is not there.  SM_EREFUSED: one of them is.  On a failure what was
 * begun is removed.
 */
int sm_sample(const char *dir, const struct sm_sample_opts *opts,
	      struct sm_screen *screen, struct sm_err *err);

#endif /* SM_SAMPLE_H */
