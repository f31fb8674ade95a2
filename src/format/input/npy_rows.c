/*
 * Hands out the rows of an array as C and the host have them.  It is apart from
 * npy.c, which knows the file, because here time is spent: an array of columns
 * or of the other byte order is read once, block by block.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "npy_rows.h"

/*
 * Columns that are read side by side, and rows of the smallest block: with 16,
 * each cache line of 64 bytes that is touched in the file is used at once, and
 * so is each one that is written.
 */
#define ROWS_TILE 16

struct rows_piece {
	uint64_t rows, columns;
	uint64_t down, right; /* from an item to the next one, in the file */
	uint64_t width;       /* items from row to row, in the block */
};

#define ROWS_AS_IS(v) (v)

/*
 * Copy items that are `raw` bytes, of type `as`, to ones of type `to`.  One
 * function for each, so that the innermost loop has neither call nor branch.
 */
#define ROWS_COPY(name, raw, as, to, swap)                                     \
	static void name(unsigned char *dst, const unsigned char *src,         \
			 const struct rows_piece *p)                           \
	{                                                                      \
		const unsigned char *in;                                       \
		uint64_t row, column;                                          \
		raw r;                                                         \
		to v;                                                          \
                                                                               \
		for (row = 0; row < p->rows; row++) {                          \
			in = src + row * p->down * sizeof(r);                  \
			for (column = 0; column < p->columns; column++) {      \
				memcpy(&r, in, sizeof(r));                     \
				v = (to)(as)swap(r);                           \
				memcpy(dst + column * sizeof(v), &v,           \
				       sizeof(v));                             \
				in += p->right * sizeof(r);                    \
			}                                                      \
			dst += p->width * sizeof(v);                           \
		}                                                              \
	}

ROWS_COPY(rows_i1, uint8_t, int8_t, int32_t, ROWS_AS_IS)
ROWS_COPY(rows_u1, uint8_t, uint8_t, uint32_t, ROWS_AS_IS)
ROWS_COPY(rows_i2, uint16_t, int16_t, int32_t, ROWS_AS_IS)
ROWS_COPY(rows_u2, uint16_t, uint16_t, uint32_t, ROWS_AS_IS)
ROWS_COPY(rows_f2, uint16_t, uint16_t, uint16_t, ROWS_AS_IS)
ROWS_COPY(rows_4, uint32_t, uint32_t, uint32_t, ROWS_AS_IS)
ROWS_COPY(rows_8, uint64_t, uint64_t, uint64_t, ROWS_AS_IS)
ROWS_COPY(swap_i2, uint16_t, int16_t, int32_t, __builtin_bswap16)
ROWS_COPY(swap_u2, uint16_t, uint16_t, uint32_t, __builtin_bswap16)
ROWS_COPY(swap_f2, uint16_t, uint16_t, uint16_t, __builtin_bswap16)
ROWS_COPY(swap_4, uint32_t, uint32_t, uint32_t, __builtin_bswap32)
ROWS_COPY(swap_8, uint64_t, uint64_t, uint64_t, __builtin_bswap64)

static const struct rows_type {
	enum sm_npy_type to;
	unsigned item_bytes; /* of these */
	void (*copy[2])(unsigned char *dst, const unsigned char *src,
			const struct rows_piece *p); /* [1]: swapped */
} rows_types[] = {
	[SM_NPY_B1] = { SM_NPY_U4, 4, { rows_u1, rows_u1 } },
	[SM_NPY_I1] = { SM_NPY_I4, 4, { rows_i1, rows_i1 } },
	[SM_NPY_I2] = { SM_NPY_I4, 4, { rows_i2, swap_i2 } },
	[SM_NPY_I4] = { SM_NPY_I4, 4, { rows_4, swap_4 } },
	[SM_NPY_I8] = { SM_NPY_I8, 8, { rows_8, swap_8 } },
	[SM_NPY_U1] = { SM_NPY_U4, 4, { rows_u1, rows_u1 } },
	[SM_NPY_U2] = { SM_NPY_U4, 4, { rows_u2, swap_u2 } },
	[SM_NPY_U4] = { SM_NPY_U4, 4, { rows_4, swap_4 } },
	[SM_NPY_U8] = { SM_NPY_U8, 8, { rows_8, swap_8 } },
	[SM_NPY_F2] = { SM_NPY_F2, 2, { rows_f2, swap_f2 } },
	[SM_NPY_F4] = { SM_NPY_F4, 4, { rows_4, swap_4 } },
	[SM_NPY_F8] = { SM_NPY_F8, 8, { rows_8, swap_8 } },
};

int
sm_npy_rows_init(struct sm_npy_rows *r, const struct sm_npy *npy,
		 bool big_endian, struct sm_err *err)
{
	const struct rows_type *t = &rows_types[npy->type];
	uint64_t rows = npy->shape[0], row_bytes, bytes;
	bool copied;

	*r = (struct sm_npy_rows){ .data = npy->data,
				   .type = t->to,
				   .most = UINT64_MAX,
				   .npy = npy,
				   .item_bytes = t->item_bytes,
				   .swap = npy->big_endian != big_endian };
	copied = npy->fortran || r->swap || npy->type != t->to;
	if (npy->count == 0 || (!copied && npy->fd < 0))
		return 0;
	if (__builtin_mul_overflow(npy->shape[1], t->item_bytes, &row_bytes))
		return sm_err_mem(err, "a row");
	r->most = SM_NPY_ROWS_BYTES / row_bytes;
	if (r->most < ROWS_TILE)
		r->most = ROWS_TILE;
	if (r->most > rows)
		r->most = rows;
	if (__builtin_mul_overflow(row_bytes, r->most, &bytes) ||
	    bytes > SIZE_MAX)
		return sm_err_mem(err, "rows");
	if (npy->fd >= 0) {
		/* No item is larger in the file than as it is handed out. */
		r->raw = malloc((size_t)bytes);
		if (!r->raw)
			return sm_err_mem(err, "rows");
		r->data = r->raw;
	}
	if (!copied)
		return 0;
	r->buf = malloc((size_t)bytes);
	if (!r->buf) {
		free(r->raw);
		r->raw = NULL;
		return sm_err_mem(err, "rows");
	}
	r->data = r->buf;
	return 0;
}

void
sm_npy_rows_release(struct sm_npy_rows *r)
{
	free(r->buf);
	free(r->raw);
	*r = (struct sm_npy_rows){ 0 };
}

/* Items [first, first + n) of the file into `raw` at item `to`. */
static int
rows_read(struct sm_npy_rows *r, uint64_t to, uint64_t first, uint64_t n,
	  struct sm_err *err)
{
	const struct sm_npy *npy = r->npy;
	uint64_t at = npy->at + first * npy->item_bytes;
	size_t len = (size_t)(n * npy->item_bytes);
	ssize_t got =
		sm_pread_full(npy->fd, r->raw + to * npy->item_bytes, len, at);

	if (got < 0)
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot read '%s' at byte %" PRIu64,
				     npy->map.path, at);
	if ((size_t)got < len)
		return sm_err_set(err, SM_EINPUT,
				  "input '%s' shrank while it was read: it "
				  "ends at byte %" PRIu64,
				  npy->map.path, at + (uint64_t)got);
	return 0;
}

/*
 * Columns, ROWS_TILE at a time.  Of a mapped array they are read where they
 * are, and else one after the other into `raw`.
 */
static int
rows_get_columns(struct sm_npy_rows *r, uint64_t first, uint64_t n,
		 struct sm_err *err)
{
	const struct sm_npy *npy = r->npy;
	uint64_t rows = npy->shape[0], width = npy->shape[1], column, i;
	struct rows_piece p = { .rows = n, .down = 1, .width = width };
	const unsigned char *src;
	int ret = 0;

	for (column = 0; column < width; column += ROWS_TILE) {
		p.columns = ROWS_TILE;
		if (p.columns > width - column)
			p.columns = width - column;
		p.right = n;
		src = r->raw;
		if (!r->raw) {
			p.right = rows;
			src = npy->data +
			      (column * rows + first) * npy->item_bytes;
		}
		for (i = 0; ret == 0 && r->raw && i < p.columns; i++)
			ret = rows_read(r, i * n, (column + i) * rows + first,
					n, err);
		if (ret < 0)
			return ret;
		rows_types[npy->type].copy[r->swap](
			r->buf + column * r->item_bytes, src, &p);
	}
	return 0;
}

int
sm_npy_rows_get(struct sm_npy_rows *r, uint64_t first, uint64_t n,
		struct sm_err *err)
{
	const struct sm_npy *npy = r->npy;
	uint64_t width = npy->shape[1];
	struct rows_piece p = { .rows = n,
				.columns = width,
				.down = width,
				.right = 1,
				.width = width };
	const unsigned char *src;
	int ret;

	if (npy->fortran && r->buf)
		return rows_get_columns(r, first, n, err);
	if (r->raw) {
		ret = rows_read(r, 0, first * width, n * width, err);
		if (ret < 0)
			return ret;
		src = r->raw;
	} else {
		src = npy->data + first * width * npy->item_bytes;
	}
	if (r->buf)
		rows_types[npy->type].copy[r->swap](r->buf, src, &p);
	else
		r->data = src;
	return 0;
}
