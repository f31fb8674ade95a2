/*
 * Scans over text: the next byte that JSON must escape, the next UTF-8
 * sequence, the first byte that is not UTF-8, a number.  They are shared by the
 * readers and the writer of JSON, and are the inner loop of both: hence eight
 * bytes at a time, in plain C, without instructions of one processor.
 */
#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "scan.h"

#define SCAN_ONES UINT64_C(0x0101010101010101)
#define SCAN_HIGH UINT64_C(0x8080808080808080)

/* Little-endian, so that the first byte of the text is the lowest. */
static uint64_t
scan_load(const char *s)
{
	uint64_t w;

	memcpy(&w, s, sizeof(w));
	return le64toh(w);
}

/*
 * Bit 7 of each byte is set where the byte is not plain.  A byte minus a bound
 * has bit 7 set if it was below the bound; a byte XOR a character is 0, and so
 * borrows, where it is that character.
 *
 * The lowest mark is always right.  Borrows and carries run upward only, out of
 * a byte that is marked itself, so that only marks above the first can be
 * wrong, and nobody looks at those.
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
	/*
	 * 80 to BF only continue a sequence, C0 and C1 would be overlong, F5
	 * and up lie beyond U+10FFFF.
	 */
	if (p[0] < 0xc2 || p[0] > 0xf4)
		return 0;
	n = 2;
	if (p[0] >= 0xe0)
		n++;
	if (p[0] >= 0xf0)
		n++;
	if (len < n)
		return 0;
	/*
	 * For these four the second byte has a narrower range: below it the
	 * sequence would be overlong, above it a surrogate or beyond U+10FFFF.
	 */
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
		/* Eight bytes of ASCII at once. */
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

/*
 * The value of eight bytes, of which the lowest is the first digit, each 0 to
 * 9: pairs, then fours, then all, three products for eight.
 */
static uint64_t
scan_eight(uint64_t w)
{
	uint64_t pairs = w * 10 + (w >> 8);
	uint64_t even = pairs & UINT64_C(0x000000ff000000ff);
	uint64_t odd = pairs >> 16 & UINT64_C(0x000000ff000000ff);

	return (even * (100 + (UINT64_C(1000000) << 32)) +
		odd * (1 + (UINT64_C(10000) << 32))) >>
	       32;
}

/* Bit 7 of a byte is set where it is above 9; the lowest mark is right. */
static uint64_t
scan_not_digits(uint64_t w)
{
	return ((w + SCAN_ONES * (0x7f - 9)) | w) & SCAN_HIGH;
}

/* Of any length, digit by digit. */
static bool
scan_long_number(uint64_t *v, const char *s, size_t len)
{
	size_t i;

	*v = 0;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9' ||
		    __builtin_mul_overflow(*v, 10, v) ||
		    __builtin_add_overflow(*v, (uint64_t)(s[i] - '0'), v))
			return false;
	}
	return len > 0;
}

/*
 * Up to sixteen digits by two words that overlap.  Of the first those that the
 * second has as well are shifted out, for zeros in front.
 */
bool
sm_scan_number(uint64_t *v, const char *s, size_t len)
{
	uint64_t last, first;
	uint32_t half[2];

	if (len > 16 || len < 4)
		return scan_long_number(v, s, len);
	if (len < 8) {
		memcpy(&half[0], s, 4);
		memcpy(&half[1], s + len - 4, 4);
		last = (uint64_t)le32toh(half[0]) << (8 * (8 - len)) |
		       (uint64_t)le32toh(half[1]) << 32;
		last ^= SCAN_ONES * '0' << (8 * (8 - len));
		*v = scan_eight(last);
		return scan_not_digits(last) == 0;
	}
	first = scan_load(s) ^ SCAN_ONES * '0';
	last = scan_load(s + len - 8) ^ SCAN_ONES * '0';
	*v = scan_eight(last);
	if (len > 8)
		*v += scan_eight(first << (8 * (16 - len))) * 100000000;
	return (scan_not_digits(first) | scan_not_digits(last)) == 0;
}

/* In blocks of 255, whose count fits a byte: compilers make vectors of it. */
uint64_t
sm_scan_newlines(const char *s, size_t len)
{
	uint64_t sum = 0;
	unsigned char part;
	size_t i, n = 255;

	for (; len > 0; s += n, len -= n) {
		if (n > len)
			n = len;
		part = 0;
		for (i = 0; i < n; i++)
			part = (unsigned char)(part + (s[i] == '\n'));
		sum += part;
	}
	return sum;
}
