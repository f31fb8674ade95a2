/*
 * npy_header.h - the dictionary at the head of a .npy file (npy.c only)
 *
 * A Python literal of three entries, read by hand with nothing evaluated.
 */
#ifndef SM_NPY_HEADER_H
#define SM_NPY_HEADER_H

#include "npy.h"

/* NumPy's own headers have some hundred bytes. */
#define SM_NPY_HEADER_MAX (64 * 1024)

#define SM_NPY_SHOWN_MAX 256

/*
 * Take type, dims and shape from [at, end) of npy->map, which ends in a
 * newline.
 */
int sm_npy_header_parse(struct sm_npy *npy, size_t at, size_t end,
			struct sm_err *err);

/* `path` for use in a command line, or FILE if it needs quoting there. */
void sm_npy_shown(char text[SM_NPY_SHOWN_MAX], const char *path);

#endif /* SM_NPY_HEADER_H */
