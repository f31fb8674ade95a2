/*
 * fuzz_gztext.c - libFuzzer target: gzip files of any kind, against zlib
 *
 * The text, and whether there is one, must be zlib's; and entered at any point
 * that was noted, the file must go on in the same way.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <zlib.h>

#include "gztext.h"

#define TEXT_MAX   ((size_t)1 << 20)
#define POINTS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned char want[TEXT_MAX + 1], got[TEXT_MAX + 1];

/* Member by member, zeros after the last: 1; 0: no gzip; -1: too long. */
static int
by_zlib(size_t *len, const uint8_t *data, size_t size)
{
	z_stream z = { 0 };
	int ret = Z_STREAM_END, takes = 1;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		abort();
	z.next_in = (Bytef *)data;
	z.avail_in = (uInt)size;
	z.next_out = want;
	z.avail_out = TEXT_MAX + 1;
	while (z.avail_in > 1 && z.next_in[0] == 0x1f && z.next_in[1] == 0x8b &&
	       ret == Z_STREAM_END) {
		inflateReset(&z);
		ret = inflate(&z, Z_FINISH);
	}
	if (ret != Z_STREAM_END || z.avail_in == size)
		takes = 0;
	for (; z.avail_in > 0; z.avail_in--)
		if (*z.next_in++ != 0)
			takes = 0;
	*len = TEXT_MAX + 1 - z.avail_out;
	if (*len > TEXT_MAX)
		takes = -1;
	inflateEnd(&z);
	return takes;
}

/* Read on: 1: to the end; 0: it is refused; -1: more than fits. */
static int
read_on(size_t *len, struct sm_gztext *g, struct sm_gztext *points[],
	size_t at[], size_t *count)
{
	const unsigned char *window;
	struct sm_point p;
	const char *text;
	size_t n, window_len;
	struct sm_err err;
	int ret;

	if (count)
		sm_gztext_seek_point(g);
	while ((ret = sm_gztext_next(&text, &n, g, &err)) > 0) {
		if (n > TEXT_MAX - *len)
			return -1;
		memcpy(got + *len, text, n);
		*len += n;
		if (!count || *count == POINTS_MAX ||
		    !sm_gztext_point(&p, &window, &window_len, g))
			continue;
		sm_gztext_enter(points[*count], &p, window, window_len);
		at[(*count)++] = *len;
		sm_gztext_seek_point(g);
	}
	return ret == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct sm_point start = { .member = true };
	static struct sm_gztext *g[POINTS_MAX + 1];
	static int fd = -1;
	size_t at[POINTS_MAX], a, b = 0, len, count = 0, i;
	struct sm_err err;
	int takes;

	if (size < 3)
		return 0;
	takes = by_zlib(&a, data, size);
	if (takes < 0)
		return 0;
	if (fd < 0) /* the readers are large, and made once */
		fd = memfd_create("fuzz", 0);
	if (ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	for (i = 0; i <= POINTS_MAX; i++)
		if (!g[i] &&
		    sm_gztext_new(&g[i], fd, "fuzz", SM_EINPUT, &err) < 0)
			abort();
	sm_gztext_enter(g[POINTS_MAX], &start, NULL, 0);
	if (read_on(&b, g[POINTS_MAX], g, at, &count) != takes ||
	    (takes && (a != b || memcmp(want, got, a) != 0)))
		abort();
	for (i = 0; takes && i < count; i++) {
		len = at[i];
		if (read_on(&len, g[i], NULL, NULL, NULL) != 1 || len != a ||
		    memcmp(want + at[i], got + at[i], a - at[i]) != 0)
			abort();
	}
	return 0;
}
