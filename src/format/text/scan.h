/*
 * scan.h - look through text for bytes that need attention
 *
 * A byte is plain if JSON shows it as it is: ASCII from space to tilde, except
 * the quote and the backslash.  Most texts are plain from end to end, so these
 * functions go eight bytes at a time; they never read past `len`.
 */
#ifndef SM_SCAN_H
#define SM_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Length of the run of plain bytes that `s` begins with. */
size_t sm_scan_plain(const char *s, size_t len);

/*
 * Length of the UTF-8 sequence that `s` begins with, 1 to 4; 0 if there is
 * none (RFC 3629: no surrogates, nothing overlong, U+10FFFF at most).
 */
size_t sm_scan_sequence(const char *s, size_t len);

/*
 * Is `s` decimal digits and nothing else, of a number below 2^64?  Leading
 * zeros are digits.
 */
bool sm_scan_number(uint64_t *v, const char *s, size_t len);

/* How many there are. */
uint64_t sm_scan_newlines(const char *s, size_t len);

/* Offset of the first byte that is not valid UTF-8; -1: all is valid. */
ssize_t sm_scan_utf8(const char *s, size_t len);

/* Does it begin with a byte order mark, U+FEFF in UTF-8? */
static inline bool
sm_scan_bom(const unsigned char *data, size_t size)
{
	return size >= 3 && data[0] == 0xef && data[1] == 0xbb &&
	       data[2] == 0xbf;
}

#endif /* SM_SCAN_H */
