/*
 * Recognizes compressed files where text is wanted.  It is separate because all
 * readers of text need it: a compressed file has newlines, too, at random
 * places, and would be cut into batches that no command can read; as a list of
 * keys it would be refused as invalid UTF-8, which is true and no help.
 */
#include <string.h>

#include "packed.h"

/*
 * Magic bytes as the formats define them, as many as it takes that no text
 * begins with them.  bzip2 has "BZh", a level, and then the start of a block or
 * the end of an empty file.
 */
static const struct packed_magic {
	const char *bytes;
	size_t at, len;
	const char *name, *tool;
} packed_magics[] = {
	{ "\x1f\x8b\x08", 0, 3, "gzip", "gzip -dk" },
	{ "\x28\xb5\x2f\xfd", 0, 4, "zstd", "zstd -dk" },
	{ "\xfd\x37zXZ\0", 0, 6, "xz", "xz -dk" },
	{ "1AY&SY", 4, 6, "bzip2", "bzip2 -dk" },
	{ "\x17rE8P\x90", 4, 6, "bzip2", "bzip2 -dk" },
	{ "\x04\x22\x4d\x18", 0, 4, "lz4", "lz4 -dk" },
	{ "PK\x03\x04", 0, 4, "zip", "unzip" },
};

int
sm_packed_refuse(const struct sm_map *map, struct sm_err *err)
{
	const struct packed_magic *m = packed_magics;
	size_t i, n = sizeof(packed_magics) / sizeof(*packed_magics);

	for (i = 0; i < n; i++, m++) {
		if (map->size < m->at + m->len ||
		    memcmp(map->data + m->at, m->bytes, m->len) != 0 ||
		    (m->at > 0 && memcmp(map->data, "BZh", 3) != 0))
			continue;
		return sm_err_set(err, SM_EINPUT,
				  "cannot read '%s': it is compressed by %s; "
				  "decompress it first, by %s",
				  map->path, m->name, m->tool);
	}
	return 0;
}
