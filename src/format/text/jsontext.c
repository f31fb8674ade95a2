/*
 * Strings as JSON text in ASCII, byte for byte as Python's json.dumps writes
 * them.
 *
 * The final file is compared with what a Python script would have written, so
 * that the choice of escapes is not free.  This is separate from jansson's
 * writer, which escapes other characters, and in upper case.
 */
#include <stdint.h>

#include "scan.h"

#include "jsontext.h"

/*
 * The code point of a sequence that is known to be valid.  The first byte has n
 * + 1 bits that mark the length, each other byte two.
 */
static uint32_t
jsontext_code_point(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t c;
	size_t i;

	if (n == 1)
		return p[0];
	c = p[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++)
		c = c << 6 | (p[i] & 0x3fu);
	return c;
}

/* One UTF-16 unit as \uXXXX, in lower case. */
static void
jsontext_put_unit(struct sm_buf *b, uint32_t unit)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = { '\\',
			 'u',
			 hex[unit >> 12 & 15],
			 hex[unit >> 8 & 15],
			 hex[unit >> 4 & 15],
			 hex[unit & 15] };

	sm_buf_put(b, text, sizeof(text));
}

static void
jsontext_put_escaped(struct sm_buf *b, uint32_t c)
{
	switch (c) {
	case '"':
		sm_buf_put(b, "\\\"", 2);
		break;
	case '\\':
		sm_buf_put(b, "\\\\", 2);
		break;
	case '\b':
		sm_buf_put(b, "\\b", 2);
		break;
	case '\f':
		sm_buf_put(b, "\\f", 2);
		break;
	case '\n':
		sm_buf_put(b, "\\n", 2);
		break;
	case '\r':
		sm_buf_put(b, "\\r", 2);
		break;
	case '\t':
		sm_buf_put(b, "\\t", 2);
		break;
	default:
		if (c < 0x10000) {
			jsontext_put_unit(b, c);
			break;
		}
		/* Beyond 16 bits: a pair of surrogates, ten bits in each. */
		c -= 0x10000;
		jsontext_put_unit(b, 0xd800 | c >> 10);
		jsontext_put_unit(b, 0xdc00 | (c & 0x3ff));
	}
}

/*
 * Validity is decided before anything is appended, so that a bad string leaves
 * the buffer as it was.  The loop then alternates between one character that
 * needs an escape and a run that needs none.
 */
ssize_t
sm_jsontext_put(struct sm_buf *b, const char *s, size_t len)
{
	size_t n = sm_scan_plain(s, len), k;
	ssize_t bad = sm_scan_utf8(s + n, len - n);

	if (bad >= 0)
		return (ssize_t)n + bad;
	sm_buf_putc(b, '"');
	sm_buf_put(b, s, n);
	while (n < len) {
		k = sm_scan_sequence(s + n, len - n);
		jsontext_put_escaped(b, jsontext_code_point(s + n, k));
		n += k;
		k = sm_scan_plain(s + n, len - n);
		sm_buf_put(b, s + n, k);
		n += k;
	}
	sm_buf_putc(b, '"');
	return -1;
}
