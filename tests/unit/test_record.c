#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "buf.h"
#include "crc32.h"
#include "file.h"
#include "gzip.h"
#include "record.h"
#include "shard.h"

static char dir[] = "/tmp/test_record.XXXXXX";
static int dirfd_;

static const struct sm_record_fields usual = { "key", "value", "track_id",
					       "score" };

static int
setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY);
	return dirfd_ < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	close(dirfd_);
	return rmdir(dir);
}

/* One shard that is being written. */
struct fixture {
	struct sm_record_writer *w;
	struct sm_shard *shard;
	struct sm_sizes info;
};

static void
start(struct fixture *f, const struct sm_record_fields *fields, int encoder)
{
	*f = (struct fixture){ 0 };
	assert_int_equal(sm_record_writer_new(&f->w, fields, encoder, 6, NULL),
			 0);
	assert_int_equal(sm_shard_open(&f->shard, dirfd_, 0, 6, 1, NULL), 0);
	assert_int_equal(sm_record_writer_begin(f->w, f->shard, NULL), 0);
}

/* End the shard and return its text. */
static char *
finish(struct fixture *f)
{
	struct sm_entry e = { .counts.rows = 1 };
	struct sm_map map;
	z_stream z = { 0 };
	char *text;

	assert_int_equal(sm_record_writer_end(f->w, NULL), 0);
	assert_int_equal(sm_shard_finish(&e, f->shard, false, NULL), 0);
	f->info = e.sizes;
	assert_int_equal(sm_shard_publish(f->shard, NULL), 0);
	sm_shard_free(f->shard);
	sm_record_writer_free(f->w);

	assert_int_equal(sm_map_openat(&map, dirfd_, "000000.gz", NULL), 0);
	assert_int_equal(map.size, sm_shard_bytes(0, &e));
	text = malloc((size_t)f->info.raw_bytes + 1);
	assert_non_null(text);
	z.next_in = (unsigned char *)map.data;
	z.avail_in = (uInt)map.size;
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_out = (unsigned char *)text;
	z.avail_out = (uInt)f->info.raw_bytes + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, f->info.raw_bytes);
	assert_int_equal(f->info.raw_crc32,
			 sm_crc32(0, text, (size_t)f->info.raw_bytes));
	text[f->info.raw_bytes] = '\0';
	inflateEnd(&z);
	sm_map_close(&map);
	unlinkat(dirfd_, "000000.gz", 0);
	return text;
}

static void
put_item(struct fixture *f, const char *id, const char *num)
{
	sm_record_item(f->w, id, strlen(id), num, strlen(num));
}

static const int encoders[] = { SM_ENCODER_ZLIB, SM_ENCODER_RECORD };
#define ENCODERS (sizeof(encoders) / sizeof(*encoders))

/* The bytes are json.dumps's; they are spelled out here. */
static void
test_layout(void **state)
{
	struct fixture f;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < ENCODERS; i++) {
		start(&f, &usual, encoders[i]);
		sm_record_begin(f.w, "\"user-1\"", 8);
		put_item(&f, "8137", "0.7131989");
		put_item(&f, "\"x\"", "1e-05");
		put_item(&f, "9", "0.5");
		assert_int_equal(sm_record_end(f.w, NULL), 0);
		sm_record_begin(f.w, "17", 2);
		assert_int_equal(sm_record_end(f.w, NULL), 0);
		sm_record_begin(f.w, "18", 2);
		put_item(&f, "1", "1.0");
		assert_int_equal(sm_record_end(f.w, NULL), 0);
		text = finish(&f);
		assert_string_equal(
			text, "{\"key\": \"user-1\", \"value\": "
			      "[{\"track_id\": 8137, \"score\": 0.7131989}, "
			      "{\"track_id\": \"x\", \"score\": 1e-05}, "
			      "{\"track_id\": 9, \"score\": 0.5}]}\n"
			      "{\"key\": 17, \"value\": []}\n"
			      "{\"key\": 18, \"value\": "
			      "[{\"track_id\": 1, \"score\": 1.0}]}\n");
		free(text);
	}
}

static void
test_field_names(void **state)
{
	static const struct sm_record_fields odd = { "", "a\"b", "\xc3\xa9",
						     "\n" };
	static const struct sm_record_fields bad = { "k", "v", "id\xff", "s" };
	struct sm_record_writer *w = NULL;
	struct sm_err err = { 0 };
	struct fixture f;
	char *text;
	size_t i;

	(void)state;
	for (i = 0; i < ENCODERS; i++) {
		start(&f, &odd, encoders[i]);
		sm_record_begin(f.w, "1", 1);
		put_item(&f, "2", "3.0");
		assert_int_equal(sm_record_end(f.w, NULL), 0);
		text = finish(&f);
		assert_string_equal(text,
				    "{\"\": 1, \"a\\\"b\": "
				    "[{\"\\u00e9\": 2, \"\\n\": 3.0}]}\n");
		free(text);
	}
	assert_int_equal(
		sm_record_writer_new(&w, &bad, SM_ENCODER_ZLIB, 6, &err),
		SM_EINPUT);
	assert_non_null(strstr(err.text, "byte 2"));
	assert_int_equal(sm_record_writer_new(&w, &usual, 99, 6, &err),
			 SM_EUSAGE);
	assert_int_equal(
		sm_record_writer_new(&w, &usual, SM_ENCODER_ZLIB, 0, &err),
		SM_EUSAGE);
	assert_null(w);
	sm_record_writer_free(NULL);
}

/* A list far longer than any buffer, and parts longer than one. */
static void
test_long_record(void **state)
{
	const size_t big = 3u << 20;
	char *id = malloc(big), *text, num[32];
	struct sm_buf want = { 0 };
	struct fixture f;
	unsigned n;
	size_t i;

	(void)state;
	assert_non_null(id);
	memset(id, '7', big);
	for (i = 0; i < ENCODERS; i++) {
		sm_buf_clear(&want);
		start(&f, &usual, encoders[i]);
		sm_record_begin(f.w, id, big);
		sm_buf_puts(&want, "{\"key\": ");
		sm_buf_put(&want, id, big);
		sm_buf_puts(&want, ", \"value\": [");
		for (n = 0; n < 200000; n++) {
			snprintf(num, sizeof(num), "0.%u", n * 2654435761u);
			sm_record_item(f.w, id, n == 777 ? big : n % 9 + 1, num,
				       strlen(num));
			sm_buf_puts(&want, n ? "}, {\"track_id\": "
					     : "{\"track_id\": ");
			sm_buf_put(&want, id, n == 777 ? big : n % 9 + 1);
			sm_buf_puts(&want, ", \"score\": ");
			sm_buf_puts(&want, num);
		}
		sm_buf_puts(&want, "}]}\n");
		assert_int_equal(sm_record_end(f.w, NULL), 0);
		text = finish(&f);
		assert_int_equal(f.info.raw_bytes, want.len);
		assert_memory_equal(text, want.data, want.len);
		free(text);
	}
	sm_buf_release(&want);
	free(id);
}

/* A failed write is reported, sticks, and is over at the next shard. */
static void
test_failure(void **state)
{
	struct sm_err err = { 0 };
	struct fixture f;
	int full, next, ret = 0;
	unsigned n;
	char num[32];

	(void)state;
	full = open("/dev/full", O_WRONLY);
	next = dup(full);
	close(next);
	start(&f, &usual, SM_ENCODER_ZLIB);
	/* The shard has the lowest free descriptor. */
	assert_int_equal(dup2(full, next), next);
	for (n = 0; n < 1000000 && ret == 0; n++) {
		sm_record_begin(f.w, "1", 1);
		snprintf(num, sizeof(num), "%u", n * 2654435761u);
		put_item(&f, num, num);
		ret = sm_record_end(f.w, &err);
	}
	assert_int_equal(ret, SM_ENOSPC);
	err.code = 0;
	sm_record_begin(f.w, "1", 1);
	assert_int_equal(sm_record_end(f.w, &err), SM_ENOSPC);
	assert_int_equal(sm_record_writer_end(f.w, &err), SM_ENOSPC);
	assert_int_equal(err.code, SM_ENOSPC);
	sm_shard_free(f.shard);
	close(full);

	assert_int_equal(sm_shard_open(&f.shard, dirfd_, 0, 6, 1, NULL), 0);
	assert_int_equal(sm_record_writer_begin(f.w, f.shard, NULL), 0);
	free(finish(&f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_field_names),
		cmocka_unit_test(test_long_record),
		cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
