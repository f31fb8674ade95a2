/*
 * jsontext.h - strings as Python's json.dumps writes them, ASCII only
 *
 * Quotes, backslash and \b \f \n \r \t in their short forms, all other
 * controls, DEL and everything beyond ASCII as \uXXXX in lower case, beyond the
 * BMP as a surrogate pair: json.dumps with its default ensure_ascii.
 */
#ifndef SM_JSONTEXT_H
#define SM_JSONTEXT_H

#include <stddef.h>
#include <sys/types.h>

#include "buf.h"

/*
 * Append the UTF-8 string of `len` bytes, quoted.  -1 if all was well, else
 * the offset of the first byte that is not valid UTF-8 (nothing is appended).
 */
ssize_t sm_jsontext_put(struct sm_buf *b, const char *s, size_t len);

#endif /* SM_JSONTEXT_H */
