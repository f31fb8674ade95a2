/*
 * inflate_entry.h - what an entry of a decoding table says (inflate.c)
 *
 * The lowest byte says what it is and how many bits it takes, so that one
 * comparison finds literals, the commonest:
 *
 *	literals  0x00 | count << 4 | bits: 1 to 3 of them, in the bytes above
 *	value     0x80 | bits: the base in bits 16 to 31, those of the code
 *	          word alone in bits 8 to 11; the others are extra bits
 *	sub       0xc0 | bits of a second look: bits 16 to 31 say where
 *	end       0xe0 | bits: the end of a block
 *	bad       0xf0: no code word
 *
 * A value takes 28 bits at most: 15 of a code word and 13 extra ones.
 */
#ifndef SM_INFLATE_ENTRY_H
#define SM_INFLATE_ENTRY_H

#include <stdint.h>

#define ENTRY_VALUE 0x80u
#define ENTRY_SUB   0xc0u
#define ENTRY_END   0xe0u
#define ENTRY_BAD   0xf0u

#define ENTRY_IS_LITERAL(e) (((e) & ENTRY_VALUE) == 0)
#define ENTRY_IS_VALUE(e)   (((e) & 0xc0u) == ENTRY_VALUE)
#define ENTRY_LITERAL_BITS(e) ((e) & 15)
#define ENTRY_LITERAL_COUNT(e) ((e) >> 4 & 3)
#define ENTRY_VALUE_BITS(e)  ((e) & 31)  /* with the extra ones */
#define ENTRY_WORD_BITS(e)   ((e) >> 8 & 15) /* without */
#define ENTRY_BASE(e)        ((e) >> 16)
#define ENTRY_SUB_BITS(e)    ((e) & 15)
#define ENTRY_END_BITS(e)    ((e) & 15)

#endif /* SM_INFLATE_ENTRY_H */
