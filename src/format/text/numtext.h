/*
 * numtext.h - floating-point numbers as Python's repr writes them
 *
 * The digits are the shortest decimal that reads back as the same number *in
 * the type named*, and of those the closest to it; the layout is that of
 * Python's repr(float): "0.7131989", "1e-05", "1e+16", "12345.0".  So f16 and
 * f32 give repr(float(str(x))) of a NumPy scalar x, and f64 gives repr(x).
 */
#ifndef SM_NUMTEXT_H
#define SM_NUMTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SM_NUMTEXT_MAX                                                         \
	32 /* bytes; the longest is 24: -2.2250738585072014e-308 */

/*
 * Write a finite number to `dst` (SM_NUMTEXT_MAX bytes, all of which may be
 * written; no NUL) and return its length.
 */
size_t sm_numtext_f64(char *dst, double x);
size_t sm_numtext_f32(char *dst, float x);
size_t sm_numtext_f16(char *dst, uint16_t half_bits);

/*
 * sm_numtext_f32(), or sm_numtext_f64(), of eight, each to its own `dst` and
 * `len`, in a quarter of the time.  False: not here, or not these; they are to
 * be written one by one.
 */
bool sm_numtext_f32_eight(char dst[][SM_NUMTEXT_MAX], uint32_t len[8],
			  const float x[8]);
bool sm_numtext_f64_eight(char dst[][SM_NUMTEXT_MAX], uint32_t len[8],
			  const float x[8]);

/* IEEE 754 binary16 to double, exact. */
double sm_half_to_double(uint16_t half_bits);

#endif /* SM_NUMTEXT_H */
