/*
 * A buffer that grows as text is appended.  It is separate so that callers put
 * together SQL, messages and JSON without an error check after each piece: a
 * failed allocation is remembered, and asked for once at the end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"

#include "buf.h"

/*
 * Make room for `more` bytes and the NUL.  Doubling keeps the cost of many puts
 * linear in their total length.
 */
static bool
buf_reserve(struct sm_buf *b, size_t more)
{
	size_t want, cap = b->cap;
	char *p;

	if (b->failed)
		return false;
	/* So much cannot be had, and doubling would overflow on the way. */
	if (more >= SIZE_MAX / 2 - b->len) {
		b->failed = true;
		return false;
	}
	want = b->len + more + 1;
	if (want <= b->cap)
		return true;
	if (cap == 0)
		cap = 64;
	while (cap < want)
		cap *= 2;
	p = realloc(b->data, cap);
	if (!p) {
		b->failed = true;
		return false;
	}
	b->data = p;
	b->cap = cap;
	return true;
}

void
sm_buf_put(struct sm_buf *b, const void *data, size_t len)
{
	if (!buf_reserve(b, len))
		return;
	/* memcpy() with a NULL source is undefined, even for no bytes. */
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
sm_buf_puts(struct sm_buf *b, const char *s)
{
	sm_buf_put(b, s, strlen(s));
}

void
sm_buf_put_utf8(struct sm_buf *b, const char *s, size_t len)
{
	size_t at, n, run = 0;

	for (at = 0; at < len; at += n) {
		n = sm_utf8_bytes(s + at, len - at);
		if (n > 0)
			continue;
		sm_buf_put(b, s + run, at - run);
		sm_buf_puts(b, "\xef\xbf\xbd");
		n = 1;
		run = at + 1;
	}
	sm_buf_put(b, s + run, len - run);
}

void
sm_buf_putc(struct sm_buf *b, char c)
{
	sm_buf_put(b, &c, 1);
}

void
sm_buf_printf(struct sm_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	/* Measure first: the text may be of any length. */
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !buf_reserve(b, (size_t)n)) {
		b->failed = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->len += (size_t)n;
}

void
sm_buf_clear(struct sm_buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

bool
sm_buf_failed(const struct sm_buf *b)
{
	return b->failed;
}

char *
sm_buf_steal(struct sm_buf *b)
{
	char *p;

	/* An empty buffer has no memory yet; its string is "", not NULL. */
	if (!buf_reserve(b, 0)) {
		sm_buf_release(b);
		return NULL;
	}
	b->data[b->len] = '\0';
	p = b->data;
	*b = (struct sm_buf){ 0 };
	return p;
}

void
sm_buf_release(struct sm_buf *b)
{
	free(b->data);
	*b = (struct sm_buf){ 0 };
}
