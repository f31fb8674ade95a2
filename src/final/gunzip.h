/*
 * gunzip.h - the text of any gzip file, from its start, member by member
 *
 * By zlib: whoever wrote it, what it accepts is what others accept.  Each
 * member's CRC and length are checked.
 */
#ifndef SM_GUNZIP_H
#define SM_GUNZIP_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct sm_gunzip;

/* `fd` and `name` stay the caller's. */
int sm_gunzip_new(struct sm_gunzip **out, int fd, const char *name,
		  struct sm_err *err);
void sm_gunzip_free(struct sm_gunzip *g); /* NULL is allowed */

/*
 * The next piece of text, valid until the next call: 1; 0: that was all; <0.
 * SM_EINPUT: this is no gzip file; SM_EVERIFY: it is damaged, or cut, or
 * followed by what is none; SM_EIO.
 */
int sm_gunzip_next(const unsigned char **text, size_t *len, struct sm_gunzip *g,
		   struct sm_err *err);
/* Bytes of the file that were read so far. */
uint64_t sm_gunzip_bytes(const struct sm_gunzip *g);

#endif /* SM_GUNZIP_H */
