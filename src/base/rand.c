/*
 * Random numbers of two kinds: unpredictable tokens, and sequences that a seed
 * repeats.  They share a file because both are small; they never share state.
 */
#include <errno.h>
#include <sys/random.h>

#include "fault.h"
#include "rand.h"

int
sm_rand_token(int64_t *token, struct sm_err *err)
{
	uint64_t v;
	ssize_t n;

	do {
		n = -1;
		if (!sm_fault_errno("rand.token"))
			n = getrandom(&v, sizeof(v), 0);
		if (n < 0 && errno != EINTR)
			return sm_err_sys(err, "cannot draw a random token");
		/*
		 * 53 bits: what reads job.db through floating point numbers,
		 * as JavaScript does, has every token exactly.  0 would mean
		 * "no token".  A short read leaves bits of the last round in
		 * `v`, so it is drawn again.
		 */
		v >>= 11;
	} while (n != (ssize_t)sizeof(v) || v == 0);
	*token = (int64_t)v;
	return 0;
}

uint64_t
sm_rand_next(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

double
sm_rand_unit(uint64_t *state)
{
	/*
	 * A double holds 53 bits: the upper ones, scaled, give every multiple
	 * of 2^-53 below 1 with the same probability.
	 */
	return (double)(sm_rand_next(state) >> 11) * 0x1p-53;
}
