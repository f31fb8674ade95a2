/*
 * deflate.h - the limits of the format, and its codes of distances (RFC 1951,
 * 3.2.5)
 */
#ifndef SM_DEFLATE_H
#define SM_DEFLATE_H

#define SM_DEFLATE_WINDOW    32768 /* the farthest that a match looks back */
#define SM_DEFLATE_MATCH_MIN 3
#define SM_DEFLATE_MATCH_MAX 258

/* Distance code (RFC 1951, 3.2.5), and the number of its extra bits. */
static inline unsigned
sm_deflate_dist_code(unsigned dist)
{
	unsigned d = dist - 1, top;

	if (d < 4)
		return d;
	top = 31 - (unsigned)__builtin_clz(d);
	return 2 * top + (d >> (top - 1) & 1);
}

static inline unsigned
sm_deflate_dist_extra(unsigned code)
{
	return code < 4 ? 0 : (code >> 1) - 1;
}

#endif /* SM_DEFLATE_H */
