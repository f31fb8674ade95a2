/*
 * bench_notes.c - a final file of tiny batches, and the same deflate blocks
 * without the notes
 *
 *	bench_notes BATCHES BYTES DIR [EVERY]
 *
 * Each batch is one text of about BYTES: records of a key and some candidates,
 * no two alike, compressed as a command's output is.  With EVERY only one batch
 * of so many has text, and the others are empty.  DIR gets `final.gz`, by
 * the writer of final files, and `plain.gz`: the same bodies between a header
 * and a tail.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zlib.h>

#include "file.h"
#include "rand.h"

#include "crc32.h"
#include "final.h"

#define BODY_MAX 65536

static int
die(const char *what, const struct sm_err *err)
{
	fprintf(stderr, "bench_notes: %s: %s\n", what, err ? err->text : "");
	exit(1);
}

static int
create(const char *dir, const char *name)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
	if (fd < 0)
		die(path, NULL);
	return fd;
}

/* Records, until there are `bytes`; how many it were. */
static uint64_t
make_text(char *text, size_t *len, uint64_t *seed, size_t bytes)
{
	uint64_t records = 0;
	int n = 0, i;

	while ((size_t)n + 2 < bytes) {
		n += sprintf(text + n,
			     "{\"key\":\"u%" PRIu64 "\",\"candidates\":[",
			     sm_rand_next(seed) % 10000000);
		for (i = 0; i < 8 && (size_t)n + 30 < bytes; i++)
			n += sprintf(text + n, "%s[%" PRIu64 ",%.4f]",
				     i > 0 ? "," : "",
				     sm_rand_next(seed) % 1000000,
				     sm_rand_unit(seed));
		n += sprintf(text + n, "]}\n");
		records++;
	}
	*len = (size_t)n;
	return records;
}

static size_t
deflate_text(unsigned char *gz, z_stream *z, char *text, size_t len)
{
	deflateReset(z);
	z->next_in = (Bytef *)text;
	z->avail_in = (uInt)len;
	z->next_out = gz;
	z->avail_out = BODY_MAX;
	if (deflate(z, Z_SYNC_FLUSH) != Z_OK || z->avail_out == 0)
		die("deflate", NULL);
	return BODY_MAX - z->avail_out;
}

int
main(int argc, char **argv)
{
	static unsigned char gz[BODY_MAX];
	static char text[BODY_MAX];
	unsigned char tail[SM_GZIP_TAIL_BYTES];
	uint64_t batches, every = 1, seed = 1, at = SM_GZIP_HEADER_BYTES, i;
	struct sm_err err;
	struct sm_final f;
	z_stream z = { 0 };
	size_t bytes, len;
	int plain, final;

	if (argc < 4 || argc > 5)
		die("wants BATCHES BYTES DIR [EVERY]", NULL);
	batches = strtoull(argv[1], NULL, 10);
	bytes = strtoull(argv[2], NULL, 10);
	if (argc == 5)
		every = strtoull(argv[4], NULL, 10);
	if (every == 0)
		die("EVERY is 1 or more", NULL);
	if (bytes > BODY_MAX / 2 ||
	    deflateInit2(&z, 6, Z_DEFLATED, -15, 8, 0) != Z_OK)
		die("too much text", NULL);
	final = create(argv[3], "final.gz");
	plain = create(argv[3], "plain.gz");
	sm_pwrite_all(plain, sm_gzip_header, sizeof(sm_gzip_header), 0);
	sm_final_begin(&f, final, "final.gz", 0x123456789abcdef0);
	for (i = 0; i < batches; i++) {
		struct sm_entry e = { .fingerprint = f.fingerprint,
				      .counts.rows = 1 };

		if (i % every > 0) {
			if (sm_final_append_from(&f, plain, at, "plain.gz", &e,
						 &err) < 0)
				die("final.gz", &err);
			continue;
		}
		e.counts.records = make_text(text, &len, &seed, bytes);
		e.counts.rows = e.counts.records;
		e.sizes.raw_bytes = len;
		e.sizes.raw_crc32 = sm_crc32(0, text, len);
		e.sizes.gz_bytes = deflate_text(gz, &z, text, len);
		e.sizes.gz_crc32 = sm_crc32(0, gz, e.sizes.gz_bytes);
		if (sm_pwrite_all(plain, gz, e.sizes.gz_bytes, at) < 0)
			die("plain.gz", NULL);
		if (sm_final_append_from(&f, plain, at, "plain.gz", &e, &err) <
		    0)
			die("final.gz", &err);
		at += e.sizes.gz_bytes;
	}
	if (sm_final_end(&f, &err) < 0)
		die("final.gz", &err);
	sm_gzip_put_tail(tail, f.raw_crc32, f.raw_bytes);
	if (sm_pwrite_all(plain, tail, sizeof(tail), at) < 0)
		die("plain.gz", NULL);
	deflateEnd(&z);
	return close(plain) < 0 || close(final) < 0 ? die("close", NULL) : 0;
}
