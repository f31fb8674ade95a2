/*
 * npy_rows.h - rows of a two-dimensional array, as the host and C have them
 *
 * An array in C order and the host's byte order is read where it is mapped.
 * One that is not mapped, since there is no room for it, is read from its file.
 * Any other goes block by block through memory: columns become rows, bytes are
 * swapped, integers of one or two bytes become ones of four (truth values and
 * unsigned ones SM_NPY_U4, the others SM_NPY_I4).  Memory is bounded by
 * SM_NPY_ROWS_BYTES, or by 16 rows where these take more.
 *
 *	sm_npy_rows_init(), then for each block sm_npy_rows_get(), then read
 *	`data`, then sm_npy_rows_release()
 */
#ifndef SM_NPY_ROWS_H
#define SM_NPY_ROWS_H

#include "npy.h"

#define SM_NPY_ROWS_BYTES ((uint64_t)1 << 20)

struct sm_npy_rows {
	const unsigned char *data; /* of the first row; may be unaligned */
	enum sm_npy_type type;     /* of the items in `data` */
	uint64_t most;             /* rows that one block can have */
	const struct sm_npy *npy;
	unsigned char *buf; /* NULL: in place */
	unsigned char *raw; /* what was read of the file; NULL: it is mapped */
	unsigned item_bytes;
	bool swap; /* what is read */
};

/*
 * `npy` has two dimensions and numbers.  `big_endian` is how the host reads
 * them: SM_NPY_HOST_BIG_ENDIAN.  SM_ENOMEM.
 */
int sm_npy_rows_init(struct sm_npy_rows *r, const struct sm_npy *npy,
		     bool big_endian, struct sm_err *err);
void sm_npy_rows_release(struct sm_npy_rows *r); /* a zeroed one is allowed */

/*
 * Rows [first, first + n), which the array has; `n` is r->most at most.  Fails
 * only where the array is not mapped: SM_EIO, SM_EINPUT.
 */
int sm_npy_rows_get(struct sm_npy_rows *r, uint64_t first, uint64_t n,
		    struct sm_err *err);

#endif /* SM_NPY_ROWS_H */
