/*
 * crc32.h - the CRC-32 of RFC 1952, section 8
 *
 * The same values as zlib's crc32(), on every machine; several times as fast
 * where an x86-64 multiplies without carry, and built alike for arm64, which
 * also has instructions for it.
 */
#ifndef SM_CRC32_H
#define SM_CRC32_H

#include <stddef.h>
#include <stdint.h>

/*
 * Start with 0; feed the result of the bytes before.  `data` may be NULL if
 * `len` is 0.
 */
uint32_t sm_crc32(uint32_t crc, const void *data, size_t len);

/* The CRC of A followed by B, from both CRCs and B's length (below 2^63). */
uint32_t sm_crc32_combine(uint32_t a, uint32_t b, uint64_t len_b);

/* The instruction of this CPU that it is made with; NULL: none of its own. */
const char *sm_crc32_feature(void);
/* Version of the zlib that is loaded, which does the rest of it. */
const char *sm_crc32_zlib(void);

#endif /* SM_CRC32_H */
