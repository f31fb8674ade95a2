/*
 * npy.h - read .npy files by mapping them
 *
 * Format: NumPy Enhancement Proposal 1 and numpy/lib/format.py, versions 1.0,
 * 2.0 and 3.0.  Accepted are arrays of the types below, in either byte order
 * and either order of their items (npy_rows.h hands them out as the host and C
 * have them); all else is SM_EINPUT with the file, the byte position, the
 * reason, and where one line of Python converts it, that line.
 *
 * The mapping is read-only and shared between processes.  If the file shrinks
 * while mapped, touching the lost part raises SIGBUS.  Of an array of two
 * dimensions that the address space has no room for, only the beginning is
 * mapped: its `data` is NULL, and npy_rows.h reads it.
 */
#ifndef SM_NPY_H
#define SM_NPY_H

#include <stdint.h>

#include "npz.h"

#define SM_NPY_HOST_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

enum sm_npy_type {
	SM_NPY_B1, /* truth values: 0 and 1 */
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
	SM_NPY_S, /* strings: bytes, filled up with NULs */
	SM_NPY_U, /* UTF-32, as well */
};

/* Types as sets, for sm_npy_require(). */
#define SM_NPY_INTEGERS                                                        \
	(1u << SM_NPY_B1 | 1u << SM_NPY_I1 | 1u << SM_NPY_I2 |                 \
	 1u << SM_NPY_I4 | 1u << SM_NPY_I8 | 1u << SM_NPY_U1 |                 \
	 1u << SM_NPY_U2 | 1u << SM_NPY_U4 | 1u << SM_NPY_U8)
#define SM_NPY_STRINGS (1u << SM_NPY_S | 1u << SM_NPY_U)

#define SM_NPY_DIMS_MAX 8

struct sm_npy {
	struct sm_map map; /* its own bytes, the header first */
	int fd;            /* reads what is not mapped; -1: all is */
	uint64_t at;       /* where the first item is in the file */
	struct sm_npz npz; /* the archive that these are in, or nothing */
	bool unpacked;     /* from an archive, by sm_npz_unpack() */
	enum sm_npy_type type;
	bool big_endian; /* its items; of single bytes it says nothing */
	bool fortran;    /* columns after each other, not rows */
	unsigned item_bytes;
	unsigned dims;
	uint64_t shape[SM_NPY_DIMS_MAX];
	uint64_t count;            /* items: the product of the shape */
	const unsigned char *data; /* first item; may be unaligned */
};

/* As much of a file as is mapped at least: the header, whole. */
#define SM_NPY_PART ((size_t)1 << 20)

/*
 * Open `path`, which may be that of a member of an archive (npz.h); what one
 * that is deflated was unpacked to is `copy` in `dirfd`, SM_EDAMAGED if it is
 * not.  The data must be exactly as long as the shape says.  `npy` is closed by
 * sm_npy_close() (a zeroed one is allowed).
 */
int sm_npy_open(struct sm_npy *npy, const char *path, int dirfd,
		const char *copy, struct sm_err *err);
void sm_npy_close(struct sm_npy *npy);

/*
 * Require `dims` dimensions and a type in the set `types` (bit 1 << type);
 * SM_EINPUT naming what the file has and what is wanted ("an integer array").
 */
int sm_npy_require(const struct sm_npy *npy, unsigned dims, unsigned types,
		   const char *wanted, struct sm_err *err);

/*
 * If `path` is that of a deflated member, unpack it to `copy` in `dirfd`; *did:
 * it is one.  `step` is that of struct sm_npz.
 */
int sm_npy_unpack(bool *did, const struct sm_npz *step, const char *path,
		  int dirfd, const char *copy, struct sm_err *err);

/* The file that is mapped, NULL if that is a copy which was unpacked. */
const struct sm_map *sm_npy_file(const struct sm_npy *npy);

/* Does the file begin with the .npy magic? */
int sm_npy_is(const unsigned char *data, uint64_t size);

#endif /* SM_NPY_H */
