/*
 * bench_text.c - a filter: text to gzip by exec's encoder
 *
 *	bench_text LEVEL <text >text.gz
 *
 * As igzip and gzip are, so that user times of the processes can be compared.
 */
#include <stdio.h>
#include <stdlib.h>

#include <shardmill.h>

#include "crc32.h"
#include "deftext.h"
#include "shard.h"

/* A shard that is standard output, in place of src/format/gzip/shard.c. */
struct sm_shard {
	uint32_t crc, len;
};

void
sm_shard_text(struct sm_shard *s, const void *text, size_t len)
{
	s->crc = sm_crc32(s->crc, text, len);
	s->len += (uint32_t)len;
}

int
sm_shard_deflated(struct sm_shard *s, const void *data, size_t len,
		  struct sm_err *err)
{
	(void)s;
	(void)err;
	return fwrite(data, 1, len, stdout) == len ? 0 : -1;
}

static void
put32(uint32_t v)
{
	int i;

	for (i = 0; i < 4; i++, v >>= 8)
		putchar((int)(v & 0xff));
}

int
main(int argc, char **argv)
{
	static char text[65536]; /* what a pipe gives at once */
	struct sm_shard s = { 0, 0 };
	struct sm_deftext *t;
	int ret = 0;
	size_t n;

	t = sm_deftext_new(argc > 1 ? atoi(argv[1]) : 1);
	if (!t)
		return 1;
	fwrite("\037\213\010\0\0\0\0\0\0\377", 1, 10, stdout);
	sm_deftext_begin(t, &s);
	while (ret == 0 && (n = fread(text, 1, sizeof(text), stdin)) > 0)
		ret = sm_deftext_write(t, text, n, NULL);
	if (ret == 0)
		ret = sm_deftext_align(t, NULL);
	fwrite("\3\0", 1, 2, stdout);
	put32(s.crc);
	put32(s.len);
	sm_deftext_free(t);
	return ret < 0 || fflush(stdout) != 0;
}
