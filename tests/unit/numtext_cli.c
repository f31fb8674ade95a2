/*
 * numtext_cli: number text for tests/numtext_oracle.py, and by itself.
 *
 *	numtext_cli f16|f32|f64
 *		binary numbers on standard input, in the machine's byte order;
 *		a line of text for each
 *	numtext_cli exhaustive-f32 [STEP [FIRST]]
 *		every STEP-th of the finite floats: the text reads back, and
 *		no shorter decimal does
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "numtext.h"

union number {
	double f64;
	float f32;
	uint16_t f16;
};

static size_t
cli_text(char *dst, const char *type, const union number *x)
{
	return strcmp(type, "f64") == 0   ? sm_numtext_f64(dst, x->f64)
	       : strcmp(type, "f32") == 0 ? sm_numtext_f32(dst, x->f32)
					  : sm_numtext_f16(dst, x->f16);
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
	fprintf(stderr, "usage: numtext_cli f16|f32|f64|exhaustive-f32 "
			"[STEP [FIRST]]\n");
	return 2;
}
