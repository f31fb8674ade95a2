/*
 * pow10.h - powers of ten to 128 bits
 *
 * Entry k - SM_POW10_MIN is 10^k * 2^(127 - floor(log2(10^k))), rounded up to
 * an integer: 2^127 <= entry < 2^128, exact where 10^k fits (0 <= k <= 55).
 * The range is what shortest digits of a binary64 need.  The table is written
 * by pow10.py, which checks it and the logarithms of numtext.c exactly.
 */
#ifndef SM_POW10_H
#define SM_POW10_H

#include <stdint.h>

#define SM_POW10_MIN (-292)
#define SM_POW10_MAX 324

struct sm_pow10 {
	uint64_t hi, lo;
};

extern const struct sm_pow10 sm_pow10[SM_POW10_MAX - SM_POW10_MIN + 1];

#endif /* SM_POW10_H */
