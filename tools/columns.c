/*
 * The width of text on a terminal, by the C library's table of characters.
 * That is asked in a locale of its own, C.UTF-8: a program that is run without
 * one, as from cron or over ssh, draws on a terminal of UTF-8 all the same, and
 * one of another language writes numbers as ever.
 */
#include <locale.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#include "output.h"

#include "columns.h"

/* Where there is no such locale each character counts one. */
static locale_t
columns_locale(void)
{
	static locale_t utf8;
	static bool asked;

	if (!asked)
		utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	asked = true;
	return utf8;
}

/* The character of `n` valid bytes. */
static wchar_t
columns_decode(const char *s, size_t n)
{
	uint32_t c = (unsigned char)s[0];
	size_t i;

	if (n > 1)
		c &= 0xffU >> (n + 1);
	for (i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)s[i] & 0x3f);
	return (wchar_t)c;
}

/* Of the first character, of `*n` bytes. */
static unsigned
columns_first(size_t *n, const char *s)
{
	int width;

	*n = sm_output_utf8(s);
	if (*n < 2) {
		*n = 1;
		return 1;
	}
	width = wcwidth(columns_decode(s, *n));
	return width < 0 ? 1 : (unsigned)width;
}

/* Up to `size` bytes and `columns`: how many bytes, and what they take. */
static size_t
columns_walk(unsigned *taken, const char *s, size_t size, unsigned columns)
{
	locale_t utf8 = columns_locale(), before = (locale_t)0;
	size_t i = 0, n;
	unsigned width;

	*taken = 0;
	if (utf8)
		before = uselocale(utf8);
	while (i < size && s[i]) {
		width = columns_first(&n, s + i);
		if (width > columns - *taken)
			break;
		*taken += width;
		i += n;
	}
	if (utf8)
		uselocale(before);
	return i;
}

unsigned
sm_columns_of(const char *s, size_t size)
{
	unsigned taken;

	columns_walk(&taken, s, size, UINT32_MAX);
	return taken;
}

unsigned
sm_columns(const char *s)
{
	return sm_columns_of(s, SIZE_MAX);
}

size_t
sm_columns_fit(const char *s, unsigned columns)
{
	unsigned taken;

	return columns_walk(&taken, s, SIZE_MAX, columns);
}

size_t
sm_columns_skip(const char *s, unsigned columns)
{
	unsigned all = sm_columns(s), taken;
	size_t n = 0;

	if (all > columns)
		n = columns_walk(&taken, s, SIZE_MAX, all - columns);
	/* Half of a wide character is none: it goes as well. */
	while (s[n] && sm_columns(s + n) > columns)
		n += sm_columns_fit(s + n, 2);
	return n;
}
