/*
 * buf.h - a growing run of bytes
 *
 * A zeroed struct is an empty buffer.  `data` is NUL-terminated once anything
 * was put in (the NUL is not counted).  A failed allocation sticks: later puts
 * do nothing, and the caller asks sm_buf_failed() once at the end.
 */
#ifndef SM_BUF_H
#define SM_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "err.h"

struct sm_buf {
	char *data;
	size_t len;
	size_t cap;
	bool failed;
};

void sm_buf_put(struct sm_buf *b, const void *data, size_t len);
void sm_buf_puts(struct sm_buf *b, const char *s);
/* As UTF-8: each byte that is none becomes U+FFFD. */
void sm_buf_put_utf8(struct sm_buf *b, const char *s, size_t len);
void sm_buf_putc(struct sm_buf *b, char c);
void sm_buf_printf(struct sm_buf *b, const char *fmt, ...) SM_PRINTF(2, 3);
void sm_buf_clear(struct sm_buf *b); /* empty, memory kept */
bool sm_buf_failed(const struct sm_buf *b);
char *sm_buf_steal(struct sm_buf *b); /* NULL if failed; free() it */
void sm_buf_release(struct sm_buf *b);

#endif /* SM_BUF_H */
