/*
 * about.c - what the library is, and what it runs with
 *
 * Versions are those that are loaded, not those that it was compiled with.
 * Each is asked of the layer that alone knows the library.
 */
#include "crc32.h"
#include "inflate.h"

#include "tend.h"

extern const char sm_commit[]; /* the build's, by tools/package/commit.cmake */

void
sm_about(struct sm_about *about)
{
	const char *const features[] = { sm_crc32_feature(),
					 sm_inflate_feature() };
	struct sm_db_sqlite sqlite;
	size_t i, n = 0;

	_Static_assert(sizeof(features) / sizeof(*features) < SM_ABOUT_CPU,
		       "NULL has room after the last");
	sm_db_sqlite(&sqlite);
	*about = (struct sm_about){ .version = SHARDMILL_VERSION,
				    .commit = sm_commit,
				    .sqlite = sqlite.version,
				    .zlib = sm_crc32_zlib(),
				    .jansson = sm_spec_jansson() };
	for (i = 0; i < sizeof(features) / sizeof(*features); i++)
		if (features[i])
			about->cpu[n++] = features[i];
}
