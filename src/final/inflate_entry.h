/*
 * inflate_entry.h - what an entry of a decoding table says (inflate.c)
 *
 * The lowest six bits are always how many bits it takes, so that the shift that
 * drops them needs no mask; the next two are 0 of all but literals, the
 * commonest, so that one comparison finds them:
 *
 *	literals  count << 6 | bits: 1 to 3 of them, in the bytes above
 *	value     0x1000 | bits: the base in bits 16 to 31, those of the code
 *	          word alone in bits 8 to 11; the others are extra bits
 *	sub       0x2000 | bits of a second look: bits 16 to 31 say where
 *	end       0x4000 | bits: the end of a block
 *	bad       0: no code word
 *
 * A value takes 28 bits at most: 15 of a code word and 13 extra ones.
 */
#ifndef SM_INFLATE_ENTRY_H
#define SM_INFLATE_ENTRY_H

#include <stdint.h>

#define ENTRY_LITERAL 0x40u /* one */
#define ENTRY_VALUE   0x1000u
#define ENTRY_SUB     0x2000u
#define ENTRY_END     0x4000u
#define ENTRY_BAD     0u

#define ENTRY_BITS(e) ((e)&63) /* of a value: with the extra ones */

#define ENTRY_LITERAL_COUNT(e) ((e) >> 6 & 3)
#define ENTRY_IS_LITERAL(e)    (((e)&0xc0u) != 0)
/* Of what is no literal: */
#define ENTRY_IS_VALUE(e)  (((e)&ENTRY_VALUE) != 0)
#define ENTRY_IS_SUB(e)    (((e)&ENTRY_SUB) != 0)
#define ENTRY_IS_END(e)    (((e)&ENTRY_END) != 0)
#define ENTRY_WORD_BITS(e) ((e) >> 8 & 15) /* without the extra ones */
#define ENTRY_BASE(e)      ((e) >> 16)

#endif /* SM_INFLATE_ENTRY_H */
