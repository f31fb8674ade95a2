/*
 * memshard.h - a shard in memory, in place of src/format/gzip/shard.c
 *
 * For tests of encoders: the program that includes it gets its own
 * sm_shard_text() and sm_shard_deflated(), and the library's shard.c is not
 * linked.  memshard_check() inflates by zlib what was handed in.
 */
#ifndef MEMSHARD_H
#define MEMSHARD_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "buf.h"
#include "err.h"

#include "shard.h"

struct sm_shard {
	struct sm_buf text, deflated;
	size_t fail_at; /* bytes; the call that passes it fails; 0: none */
};

void
sm_shard_text(struct sm_shard *s, const void *text, size_t len)
{
	sm_buf_put(&s->text, text, len);
}

int
sm_shard_deflated(struct sm_shard *s, const void *data, size_t len,
		  struct sm_err *err)
{
	sm_buf_put(&s->deflated, data, len);
	if (s->fail_at > 0 && s->deflated.len >= s->fail_at)
		return sm_err_set(err, SM_ENOSPC, "no room");
	return 0;
}

static void
memshard_clear(struct sm_shard *s)
{
	sm_buf_clear(&s->text);
	sm_buf_clear(&s->deflated);
}

static void
memshard_release(struct sm_shard *s)
{
	sm_buf_release(&s->text);
	sm_buf_release(&s->deflated);
}

/*
 * NULL if the shard's text is `want`, and its deflate bytes, closed by the
 * container's last block, inflate to it; else what is wrong.
 */
static const char *
memshard_check(struct sm_shard *s, const char *want, size_t len)
{
	const char *wrong = NULL;
	size_t room = len + 1;
	char *got = malloc(room);
	z_stream z;
	int ret;

	memset(&z, 0, sizeof(z));
	if (!got || inflateInit2(&z, -15) != Z_OK)
		abort();
	if (s->text.len != len ||
	    (len > 0 && memcmp(s->text.data, want, len) != 0))
		wrong = "other text was accounted for";
	if (len == 0 && s->deflated.len > 0)
		wrong = "bytes without text";
	if (len > 0 &&
	    (s->deflated.len < 5 ||
	     memcmp(s->deflated.data + s->deflated.len - 4, "\0\0\377\377", 4)))
		wrong = "no empty stored block at the end";
	sm_buf_put(&s->deflated, "\3\0", 2);
	z.next_in = (Bytef *)s->deflated.data;
	z.avail_in = (uInt)s->deflated.len;
	z.next_out = (Bytef *)got;
	z.avail_out = (uInt)room;
	ret = inflate(&z, Z_FINISH);
	if (ret != Z_STREAM_END)
		wrong = z.msg ? z.msg : "the stream does not end";
	else if (z.avail_in != 0)
		wrong = "a last block before the end";
	else if (z.total_out != len || (len > 0 && memcmp(got, want, len) != 0))
		wrong = "other text was inflated";
	inflateEnd(&z);
	free(got);
	s->deflated.len -= 2;
	return wrong;
}

#endif /* MEMSHARD_H */
