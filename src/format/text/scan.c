#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "scan.h"

#define SCAN_ONES UINT64_C(0x0101010101010101)
#define SCAN_HIGH UINT64_C(0x8080808080808080)

static uint64_t
scan_load(const char *s)
{
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	return le64toh(w);
}

/*
 * The lowest high bit set marks the first byte that is not plain.  Borrows and
 * carries run upward only, from a byte that is marked itself, so marks above
 * the first one may be wrong and it never is.
 */
static uint64_t
scan_marks(uint64_t w)
{
	uint64_t control = w - SCAN_ONES * 0x20;
	uint64_t quote = (w ^ SCAN_ONES * '"') - SCAN_ONES;
	uint64_t backslash = (w ^ SCAN_ONES * '\\') - SCAN_ONES;
	uint64_t del_and_up = w | (w + SCAN_ONES);

	return (((control | quote | backslash) & ~w) | del_and_up) & SCAN_HIGH;
}

size_t
sm_scan_plain(const char *s, size_t len)
{
	size_t n = 0;
	uint64_t marks;
	unsigned char c;

	for (; len - n >= sizeof(marks); n += sizeof(marks)) {
		marks = scan_marks(scan_load(s + n));
		if (marks)
			return n + (size_t)__builtin_ctzll(marks) / 8;
	}
	for (; n < len; n++) {
		c = (unsigned char)s[n];
		if (c < 0x20 || c > 0x7e || c == '"' || c == '\\')
			break;
	}
	return n;
}

size_t
sm_scan_sequence(const char *s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t n, i;

	if (len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (len < n)
		return 0;
	/* The second byte's range keeps out what is overlong or too large. */
	if (p[0] == 0xe0)
		low = 0xa0;
	else if (p[0] == 0xed)
		high = 0x9f;
	else if (p[0] == 0xf0)
		low = 0x90;
	else if (p[0] == 0xf4)
		high = 0x8f;
	if (p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

ssize_t
sm_scan_utf8(const char *s, size_t len)
{
	size_t n = 0, k;

	while (n < len) {
		if (len - n >= 8 && !(scan_load(s + n) & SCAN_HIGH)) {
			n += 8;
			continue;
		}
		k = sm_scan_sequence(s + n, len - n);
		if (k == 0)
			return (ssize_t)n;
		n += k;
	}
	return -1;
}
