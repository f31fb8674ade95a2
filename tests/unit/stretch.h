/*
 * stretch.h - the longest stretch of a gzip file that gives a reader no text
 *
 * Tcl's reader of a pipe may take 4,096 bytes of that for the end (note.h).
 */
#ifndef STRETCH_H
#define STRETCH_H

#include <zlib.h>

/* But for the end of the file. */
static inline size_t
longest_stretch(const unsigned char *gz, size_t len)
{
	unsigned char out[1000];
	size_t last = 0, used, longest = 0;
	z_stream z = { 0 };
	int ret = Z_OK;

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	for (used = 0; used < len && ret == Z_OK; used++) {
		z.next_in = (unsigned char *)gz + used;
		z.avail_in = 1;
		do {
			z.next_out = out;
			z.avail_out = sizeof(out);
			ret = inflate(&z, Z_NO_FLUSH);
			if (z.avail_out == sizeof(out))
				break;
			longest = used - last > longest ? used - last : longest;
			last = used;
		} while (ret == Z_OK && z.avail_out == 0);
		if (ret == Z_BUF_ERROR)
			ret = Z_OK;
	}
	assert_int_equal(ret, Z_STREAM_END);
	inflateEnd(&z);
	return longest;
}

#endif /* STRETCH_H */
