/*
 * zmem.h - zlib's memory by our allocations
 *
 * inflate() asks for its window when it first needs it, so it may fail with
 * Z_MEM_ERROR in the midst of good data.  Every use of zlib takes its memory
 * here, where the tests that let each allocation fail see it.
 */
#ifndef SM_ZMEM_H
#define SM_ZMEM_H

#include <stdint.h>
#include <stdlib.h>

#include <zlib.h>

static inline voidpf
sm_zmem_alloc(voidpf opaque, uInt items, uInt size)
{
	(void)opaque;
	if (size > 0 && items > SIZE_MAX / size)
		return NULL;
	return malloc((size_t)items * size);
}

static inline void
sm_zmem_free(voidpf opaque, voidpf memory)
{
	(void)opaque;
	free(memory);
}

/* Before inflateInit2() and deflateInit2(). */
static inline void
sm_zmem_use(z_stream *z)
{
	z->zalloc = sm_zmem_alloc;
	z->zfree = sm_zmem_free;
	z->opaque = NULL;
}

#endif /* SM_ZMEM_H */
