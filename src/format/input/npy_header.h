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

/*
 * Take type, orders, dims and shape from [at, end) of npy->map.  NumPy ends it
 * by a newline, others do not.
 */
int sm_npy_header_parse(struct sm_npy *npy, size_t at, size_t end,
			struct sm_err *err);

#endif /* SM_NPY_HEADER_H */
