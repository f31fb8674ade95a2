/*
 * npy.h - read .npy files by mapping them
 *
 * Format: NumPy Enhancement Proposal 1 and numpy/lib/format.py, versions 1.0,
 * 2.0 and 3.0.  Accepted are little-endian (or single-byte order "|") arrays
 * in C order of the types below, and strings; all else is SM_EINPUT with the
 * file, the byte position, the reason, and where one line of Python converts
 * it, that line.
 *
 * The mapping is read-only and shared between processes.  If the file shrinks
 * while mapped, touching the lost part raises SIGBUS.
 */
#ifndef SM_NPY_H
#define SM_NPY_H

#include <stdint.h>

#include "file.h"

enum sm_npy_type {
	SM_NPY_I1,
	SM_NPY_I2,
	SM_NPY_I4,
	SM_NPY_I8,
	SM_NPY_U1,
	SM_NPY_U2,
	SM_NPY_U4,
	SM_NPY_U8,
	SM_NPY_F2,
	SM_NPY_F4,
	SM_NPY_F8,
	SM_NPY_S,     /* strings: bytes, filled up with NULs */
	SM_NPY_U,     /* UTF-32, as well */
	SM_NPY_U_BIG, /* in big-endian order */
};

#define SM_NPY_DIMS_MAX 8

struct sm_npy {
	struct sm_map map;
	enum sm_npy_type type;
	unsigned item_bytes;
	unsigned dims;
	uint64_t shape[SM_NPY_DIMS_MAX];
	uint64_t count;            /* items: the product of the shape */
	const unsigned char *data; /* first item; may be unaligned */
};

/*
 * Open `path`.  The data must be exactly as long as the shape says.  `npy` is
 * closed by sm_npy_close() (a zeroed one is allowed).
 */
int sm_npy_open(struct sm_npy *npy, const char *path, struct sm_err *err);
void sm_npy_close(struct sm_npy *npy);

/*
 * Require `dims` dimensions and a type in the set `types` (bit 1 << type);
 * SM_EINPUT naming what the file has and what is wanted ("an integer array").
 */
int sm_npy_require(const struct sm_npy *npy, unsigned dims, unsigned types,
		   const char *wanted, struct sm_err *err);

/* Does the file begin with the .npy magic? */
int sm_npy_is(const unsigned char *data, uint64_t size);

#endif /* SM_NPY_H */
