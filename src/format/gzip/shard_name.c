/*
 * shard_name.c - what shards are called, before and after they are published
 *
 * Apart from shard.c, since those who look for shards write none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "shard.h"

#define SHARD_DIGITS_MIN 6

void
sm_shard_name(char *dst, uint64_t batch, unsigned digits)
{
	snprintf(dst, SM_SHARD_NAME_MAX, "%0*" PRIu64 ".gz", (int)digits,
		 batch);
}

void
sm_shard_tmp_name(char *dst, uint64_t batch, unsigned digits, int64_t token)
{
#ifdef SABOTAGE_shared_tmp_name
	token = 1;
#endif
	snprintf(dst, SM_SHARD_NAME_MAX, "%0*" PRIu64 ".%" PRId64 ".tmp",
		 (int)digits, batch, token);
}

unsigned
sm_shard_digits(uint64_t batches)
{
	uint64_t last = batches > 0 ? batches - 1 : 0;
	unsigned n = 1;

	while (last >= 10) {
		last /= 10;
		n++;
	}
	return n > SHARD_DIGITS_MIN ? n : SHARD_DIGITS_MIN;
}

/* Digits at *s, at most `max`, into *v; returns how many there are, 0: bad. */
static unsigned
shard_parse_number(uint64_t *v, const char **s, uint64_t max)
{
	unsigned n = 0, digit;

	for (*v = 0; **s >= '0' && **s <= '9'; (*s)++, n++) {
		digit = (unsigned)(**s - '0');
		if (*v > (max - digit) / 10)
			return 0;
		*v = *v * 10 + digit;
	}
	return n;
}

int
sm_shard_parse_name(const char *name, uint64_t *batch, int64_t *token)
{
	const char *s = name;
	uint64_t b, t;
	unsigned n;

	n = shard_parse_number(&b, &s, UINT64_MAX);
	if (n < SHARD_DIGITS_MIN || n > SM_SHARD_DIGITS_MAX)
		return 0;
	if (strcmp(s, ".gz") == 0) {
		*batch = b;
		return 1;
	}
	if (*s++ != '.' || *s == '0' ||
	    shard_parse_number(&t, &s, INT64_MAX) == 0 ||
	    strcmp(s, ".tmp") != 0)
		return 0;
	*batch = b;
	*token = (int64_t)t;
	return 2;
}

void
sm_shard_file_name(char *dst, uint64_t batch, unsigned digits,
		   const char *suffix)
{
	snprintf(dst, SM_SHARD_FILE_MAX, "%0*" PRIu64 "%s", (int)digits, batch,
		 suffix);
}

void
sm_shard_file_tmp_name(char *dst, uint64_t batch, unsigned digits,
		       int64_t token, const char *suffix)
{
	char tmp[SM_SHARD_NAME_MAX];

	sm_shard_tmp_name(tmp, batch, digits, token);
	snprintf(dst, SM_SHARD_FILE_MAX, "%s%s", tmp, suffix);
}

int
sm_shard_parse_file(const char *name, const char *suffix, uint64_t *batch,
		    int64_t *token)
{
	size_t n = strlen(name), end = strlen(suffix);
	char stem[SM_SHARD_FILE_MAX];
	int is;

	if (n < end || n >= sizeof(stem) - strlen(".gz") ||
	    strcmp(name + n - end, suffix) != 0)
		return 0;
	snprintf(stem, sizeof(stem), "%.*s", (int)(n - end), name);
	is = sm_shard_parse_name(stem, batch, token);
	if (is == 2)
		return 2;
	/* "000017" without an end of its own is a shard's name without one. */
	strcat(stem, ".gz");
	return is == 0 ? sm_shard_parse_name(stem, batch, token) == 1 : 0;
}

size_t
sm_shard_receipt(char dst[SM_SHARD_RECEIPT_MAX], uint64_t batch,
		 const char *file, uint64_t bytes, uint32_t crc32)
{
	return (size_t)snprintf(dst, SM_SHARD_RECEIPT_MAX,
				"{\"batch\": %" PRIu64 ", \"file\": \"%s\", "
				"\"bytes\": %" PRIu64
				", \"crc32\": \"%08" PRIx32 "\"}\n",
				batch, file, bytes, crc32);
}
