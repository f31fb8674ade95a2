/*
 * numtext_cli: number text for tests/numtext_oracle.py, and by itself.
 *
 *	numtext_cli f16|f32|f64
 *		binary numbers on standard input, in the machine's byte order;
 *		a line of text for each
 *	numtext_cli exhaustive-f32 [STEP [FIRST]]
 *		every STEP-th of the finite floats: the text reads back, and
 *		no shorter decimal does
 *	numtext_cli bench
 *		nanoseconds per number
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rand.h"

#include "numtext.h"

#define CLI_NUMBERS (1 << 16)

union number {
	double f64;
	float f32;
	uint16_t f16;
};

static size_t
cli_text(char *dst, const char *type, const union number *x)
{
	return strcmp(type, "f64") == 0 ? sm_numtext_f64(dst, x->f64) :
	       strcmp(type, "f32") == 0 ? sm_numtext_f32(dst, x->f32) :
					  sm_numtext_f16(dst, x->f16);
}

static int
cli_filter(const char *type, size_t width)
{
	char text[SM_NUMTEXT_MAX];
	union number x;
	size_t len;

	while (fread(&x, width, 1, stdin) == 1) {
		len = cli_text(text, type, &x);
		text[len++] = '\n';
		if (fwrite(text, 1, len, stdout) != len)
			return 1;
	}
	return ferror(stdin) || fflush(stdout) != 0;
}

/* The significant digits of `text` as an integer: digits * 10^*exp. */
static uint64_t
cli_digits(int *exp, const char *text)
{
	uint64_t v = 0;
	int point = 0;
	bool after = false;
	const char *p;

	for (p = text; *p && *p != 'e'; p++) {
		if (*p == '.') {
			after = true;
			continue;
		}
		v = v * 10 + (uint64_t)(*p - '0');
		point -= after;
	}
	*exp = point + (*p == 'e' ? atoi(p + 1) : 0);
	while (v && v % 10 == 0) {
		v /= 10;
		++*exp;
	}
	return v;
}

/* Does a decimal with one digit less, on either side of x, read back as x? */
static bool
cli_is_longer(const char *text, float x)
{
	char shorter[64];
	uint64_t v;
	int exp, i;

	v = cli_digits(&exp, text);
	if (v < 10)
		return false;
	for (i = 0; i < 2; i++) {
		snprintf(shorter, sizeof(shorter), "%" PRIu64 "e%d",
			 v / 10 + (uint64_t)i, exp + 1);
		if (strtof(shorter, NULL) == x)
			return true;
	}
	return false;
}

static int
cli_exhaustive_f32(uint64_t step, uint64_t first)
{
	char text[SM_NUMTEXT_MAX + 1], negative[SM_NUMTEXT_MAX];
	uint64_t i, tried = 0;
	uint32_t bits;
	size_t len;
	float x;

	/* Up to infinity; the sign is only a character more. */
	for (i = first; i < 0x7f800000; i += step, tried++) {
		bits = (uint32_t)i;
		memcpy(&x, &bits, sizeof(x));
		len = sm_numtext_f32(text, x);
		text[len] = '\0';
		if (strtof(text, NULL) != x || cli_is_longer(text, x)) {
			printf("%08" PRIx32 ": %s\n", bits, text);
			return 1;
		}
		if (sm_numtext_f32(negative, -x) != len + 1 ||
		    negative[0] != '-' ||
		    memcmp(negative + 1, text, len) != 0) {
			printf("%08" PRIx32 ": negative differs\n", bits);
			return 1;
		}
	}
	printf("%" PRIu64 " floats and their negatives: ok\n", tried);
	return 0;
}

static double
cli_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* A finite half in [0, 1) or any finite one. */
static uint16_t
cli_random_half(uint64_t *seed, bool unit)
{
	return (uint16_t)(sm_rand_next(seed) % (unit ? 0x3c00 : 0x7c00));
}

static void
cli_bench(const char *type, const char *what, union number *x)
{
	const int rounds = 100;
	char text[SM_NUMTEXT_MAX];
	double best = INFINITY, start, ns;
	size_t bytes = 0;
	int i, j;

	for (j = 0; j < rounds; j++) {
		start = cli_now();
		if (strcmp(type, "f64") == 0)
			for (i = 0; i < CLI_NUMBERS; i++)
				bytes += sm_numtext_f64(text, x[i].f64);
		else if (strcmp(type, "f32") == 0)
			for (i = 0; i < CLI_NUMBERS; i++)
				bytes += sm_numtext_f32(text, x[i].f32);
		else
			for (i = 0; i < CLI_NUMBERS; i++)
				bytes += sm_numtext_f16(text, x[i].f16);
		ns = (cli_now() - start) * 1e9 / CLI_NUMBERS;
		best = ns < best ? ns : best;
	}
	printf("%s %-8s %5.1f ns, %4.1f bytes\n", type, what, best,
	       (double)bytes / rounds / CLI_NUMBERS);
}

static int
cli_bench_all(void)
{
	union number *x = calloc(CLI_NUMBERS, sizeof(*x));
	uint64_t seed = 1, bits;
	uint32_t bits32;
	int i, kind;

	if (!x)
		return 1;
	for (kind = 0; kind < 9; kind++) {
		for (i = 0; i < CLI_NUMBERS; i++) {
			bits = sm_rand_next(&seed) & ~(UINT64_C(1) << 62);
			bits32 = (uint32_t)(bits >> 32);
			switch (kind) {
			case 0:
				x[i].f64 = sm_rand_unit(&seed);
				break;
			case 1:
				x[i].f64 = 1000 * sm_rand_unit(&seed);
				break;
			case 2:
				memcpy(&x[i].f64, &bits, sizeof(bits));
				break;
			case 3:
				x[i].f32 = (float)sm_rand_unit(&seed);
				break;
			case 4:
				x[i].f32 = (float)(1000 * sm_rand_unit(&seed));
				break;
			case 5:
				memcpy(&x[i].f32, &bits32, sizeof(bits32));
				break;
			case 6:
				/* many have few digits, as halves do */
				x[i].f32 = (float)sm_half_to_double(
					cli_random_half(&seed, true));
				break;
			default:
				x[i].f16 = cli_random_half(&seed, kind == 7);
			}
		}
		cli_bench(kind < 3 ? "f64" : kind < 7 ? "f32" : "f16",
			  kind == 6 ? "halves" :
			  kind % 3 == 0 || kind == 7 ? "[0,1)" :
			  kind % 3 == 1 && kind < 6 ? "[0,1000)" : "bits", x);
	}
	free(x);
	return 0;
}

int
main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	uint64_t step = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
	uint64_t first = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;

	if (strcmp(what, "f16") == 0)
		return cli_filter(what, 2);
	if (strcmp(what, "f32") == 0)
		return cli_filter(what, 4);
	if (strcmp(what, "f64") == 0)
		return cli_filter(what, 8);
	if (strcmp(what, "exhaustive-f32") == 0 && step > 0)
		return cli_exhaustive_f32(step, first);
	if (strcmp(what, "bench") == 0)
		return cli_bench_all();
	fprintf(stderr, "usage: numtext_cli f16|f32|f64|exhaustive-f32 "
			"[STEP [FIRST]]|bench\n");
	return 2;
}
