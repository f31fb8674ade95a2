/*
 * huffman.h - prefix codes for deflate (RFC 1951, 3.2.2 and 3.2.7)
 *
 * Lengths are Huffman's where these keep the limit, and else come from the
 * package-merge algorithm (Larmore and Hirschberg: A Fast Algorithm for Optimal
 * Length-Limited Huffman Codes, JACM 37, 1990), so that the limit holds by
 * construction and the code is optimal under it.
 * Equal counts are taken in the order of the symbols: one result everywhere.
 *
 * A code of two or more symbols is complete (its Kraft sum is exactly 1),
 * which inflaters demand; callers see to it that at least two are counted.
 */
#ifndef SM_HUFFMAN_H
#define SM_HUFFMAN_H

#include <stdint.h>

#include "bitput.h"

#define SM_HUFFMAN_SYMBOLS 288 /* of any code here, at most */
#define SM_HUFFMAN_LIMIT   15  /* bits of any code word, at most */

/*
 * Code lengths for symbols 0 to n - 1; 0 where count[i] is 0.  At most
 * 2^limit symbols are counted, and the counts add up to less than 2^32.
 */
void sm_huffman_lengths(uint8_t *len, const uint32_t *count, unsigned n,
			unsigned limit);

/* The canonical code words, their bits in the order in which they are sent. */
void sm_huffman_codes(uint16_t *code, const uint8_t *len, unsigned n);

/* A block's two codes as its header has them: run lengths under a third one. */
struct sm_huffman_header {
	unsigned litlens, dists; /* HLIT + 257, HDIST + 1 */
	unsigned clens;          /* HCLEN + 4 */
	unsigned runs;
	uint8_t run_symbol[320], run_extra[320];
	uint8_t len[19];
	uint32_t bits; /* size of what sm_huffman_put() writes */
};

/* `litlen` has 286 lengths, `dist` 30. */
void sm_huffman_describe(struct sm_huffman_header *h, const uint8_t *litlen,
			 const uint8_t *dist);
/* HLIT to the last length: all of the block header after BTYPE. */
void sm_huffman_put(struct sm_bitput *o, const struct sm_huffman_header *h);

#endif /* SM_HUFFMAN_H */
