/*
 * A shard of more than 4 GiB of text, where positions pass 2^32: only with LONG
 * in the environment, for it takes some ten seconds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zlib.h>

#include "err.h"

#include "record.h"
#include "shard.h"

#define ID  "123456"
#define NUM "0.5"

/* Positions begin here (defwin.h). */
#define FIRST_POSITION ((uint64_t)32768 + 1)

/* A shard that is inflated as it comes, and kept by its CRC alone. */
struct sm_shard {
	z_stream z;
	uint64_t text, inflated;
	uint32_t text_crc, inflated_crc;
	int status; /* of inflate() */
};

void
sm_shard_text(struct sm_shard *s, const void *text, size_t len)
{
	s->text += len;
	s->text_crc = (uint32_t)crc32_z(s->text_crc, text, len);
}

int
sm_shard_deflated(struct sm_shard *s, const void *data, size_t len,
		  struct sm_err *err)
{
	static unsigned char out[1 << 20];
	size_t n;

	(void)err;
	s->z.next_in = (unsigned char *)data;
	s->z.avail_in = (unsigned)len;
	do {
		s->z.next_out = out;
		s->z.avail_out = sizeof(out);
		s->status = inflate(&s->z, Z_NO_FLUSH);
		n = sizeof(out) - s->z.avail_out;
		s->inflated += n;
		s->inflated_crc = (uint32_t)crc32_z(s->inflated_crc, out, n);
	} while (s->z.avail_out == 0 && s->status == Z_OK);
	return 0;
}

static void
item(struct sm_record_writer *w, const char *id, const char *num)
{
	sm_record_item(w, id, strlen(id), num, strlen(num));
}

/*
 * One record, its key as long as it takes for an item to begin at exactly 2^32,
 * of an id that was not there before: its place was never set, and 0.
 */
static void
test_position_wraps(void **state)
{
	static const struct sm_record_fields fields = { "key", "value",
							"track_id", "score" };
	const uint64_t head = strlen("{\"key\": "),
		       list = strlen(", \"value\": [{\"track_id\": "),
		       mid = strlen(ID ", \"score\": " NUM),
		       next = strlen("}, {\"track_id\": ") + mid;
	struct sm_shard s = { 0 };
	struct sm_record_writer *w;
	uint64_t left, items;
	char key[256];

	(void)state;
	if (!getenv("LONG"))
		skip();
	assert_int_equal(inflateInit2(&s.z, -15), Z_OK);
	assert_int_equal(
		sm_record_writer_new(&w, &fields, SM_ENCODER_RECORD, 6, NULL),
		0);
	assert_int_equal(sm_record_writer_begin(w, &s, NULL), 0);
	left = (UINT64_C(1) << 32) - FIRST_POSITION - head - list - mid;
	items = left / next - 1;
	left -= items * next; /* next to 2 * next: the key */
	memset(key, 'k', sizeof(key));
	key[0] = key[left - 1] = '"';
	sm_record_begin(w, key, (size_t)left);
	for (item(w, ID, NUM); items > 0; items--)
		item(w, ID, NUM);
	item(w, "777777", "0.25");
	for (items = 0; items < 100; items++)
		item(w, ID, NUM);
	assert_int_equal(sm_record_end(w, NULL), 0);
	assert_int_equal(sm_record_writer_end(w, NULL), 0);
	sm_record_writer_free(w);
	assert_true(s.status == Z_OK || s.status == Z_BUF_ERROR);
	assert_int_equal(s.inflated, s.text);
	assert_int_equal(s.inflated_crc, s.text_crc);
	inflateEnd(&s.z);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_position_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
