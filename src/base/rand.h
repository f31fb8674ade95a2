/*
 * rand.h - random numbers: tokens from the kernel, sequences from a seed
 */
#ifndef SM_RAND_H
#define SM_RAND_H

#include <stdint.h>

#include "err.h"

/* A claim's token: 1 to 2^53 - 1, from getrandom(2); SM_EIO. */
int sm_rand_token(int64_t *token, struct sm_err *err);

/*
 * splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number
 * Generators, OOPSLA 2014): the same sequence from one seed everywhere.
 */
uint64_t sm_rand_next(uint64_t *state);
double sm_rand_unit(uint64_t *state); /* [0, 1), 53 bits */

#endif /* SM_RAND_H */
