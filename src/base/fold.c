/*
 * fold.c - messages that say the same, but for numbers and names
 *
 * A thousand batches that fail for one cause say so in a thousand messages,
 * which differ by a number or a file's name.  Folded they are equal, so that
 * they can be counted: by a table's column, and by who tells them.
 */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "fold.h"

static bool
fold_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A letter, a digit, or a byte of a longer character of UTF-8. */
static bool
fold_is_word(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Bytes of the number at `s`: 17, 1,000, 0.25, 12:30:05, 0x7f3a. */
static size_t
fold_number(const char *s)
{
	size_t n = 0;

	if (s[0] == '0' && s[1] == 'x' && isxdigit((unsigned char)s[2])) {
		for (n = 2; isxdigit((unsigned char)s[n]); n++)
			;
		return n;
	}
	while (fold_is_digit(s[n]) || (n > 0 && strchr(".,:", s[n]) && s[n] &&
				       fold_is_digit(s[n + 1])))
		n++;
	return n;
}

/*
 * Bytes of the quoted name at `s`, both quotes included; 0: it is none.  The
 * apostrophe of "can't" neither opens nor closes one.
 */
static size_t
fold_quoted(const char *text, const char *s)
{
	size_t n;

	if ((*s != '\'' && *s != '"') || (s > text && fold_is_word(s[-1])))
		return 0;
	for (n = 1; s[n]; n++)
		if (s[n] == *s && !fold_is_word(s[n + 1]))
			return n + 1;
	return 0;
}

/* Do the `n` bytes at `dst` end in a word whose number is the message? */
static bool
fold_keeps(const char *dst, size_t n)
{
	return n >= 7 && (memcmp(dst + n - 7, "status ", 7) == 0 ||
			  memcmp(dst + n - 7, "signal ", 7) == 0);
}

void
sm_fold(char dst[SM_FOLD_MAX], const char *text)
{
	const char *s = text;
	size_t n = 0, len;

	/* The longest that one step writes, but for a number that stays. */
	while (s && *s && n + 3 < SM_FOLD_MAX) {
		len = fold_quoted(text, s);
		if (len > 0) {
			dst[n++] = *s;
			dst[n++] = '*';
			dst[n++] = *s;
			s += len;
			continue;
		}
		len = fold_number(s);
		if (len > 0 && fold_keeps(dst, n)) {
			if (n + len >= SM_FOLD_MAX)
				break;
			memcpy(dst + n, s, len);
			n += len;
			s += len;
		} else if (len > 0) {
			dst[n++] = 'N';
			s += len;
		} else {
			dst[n++] = *s++;
		}
	}
	/* No half of a character. */
	while (s && *s && n > 0 && ((unsigned char)*s & 0xc0) == 0x80 &&
	       ((unsigned char)dst[n - 1] & 0x80)) {
		n--;
		s--;
	}
	dst[n] = '\0';
}
