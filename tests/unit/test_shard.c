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

#include "crc32.h"
#include "encoder.h"
#include "file.h"
#include "final.h"
#include "rand.h"
#include "shard.h"

#include "stretch.h"

static char dir[] = "/tmp/test_shard.XXXXXX";
static int dirfd_;

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
	return rmdir(dir); /* fails if a test left something behind */
}

static unsigned char *
slurp(const char *name, size_t *len)
{
	struct stat st;
	unsigned char *p;
	int fd = openat(dirfd_, name, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*len = (size_t)st.st_size;
	p = malloc(*len + 1);
	assert_non_null(p);
	assert_int_equal(sm_read_full(fd, p, *len), st.st_size);
	close(fd);
	return p;
}

/* Words from a seed: compressible, and not all alike. */
static char *
make_text(size_t len, uint64_t seed)
{
	char *p = malloc(len + 32);
	size_t at = 0;

	assert_non_null(p);
	while (at < len)
		at += (size_t)snprintf(p + at, 32, "word%u ",
				       (unsigned)(sm_rand_next(&seed) % 999));
	return p;
}

/* Shard 17 of `text`, written in runs of `run` bytes, published. */
static struct sm_entry
make_shard(struct sm_encoder *e, const char *text, size_t len, size_t run)
{
	struct sm_entry e17 = { .counts = { .rows = 5,
					    .records = 4,
					    .tally[SM_TALLY_SKIPPED] = 3 } };
	struct sm_shard *s = NULL;
	size_t at, n;

	assert_int_equal(sm_shard_open(&s, dirfd_, 17, 6, 99, NULL), 0);
	assert_int_equal(sm_encoder_begin(e, s, NULL), 0);
	for (at = 0; at < len; at += n) {
		n = len - at < run ? len - at : run;
		assert_int_equal(sm_encoder_write(e, text + at, n, NULL), 0);
	}
	assert_int_equal(sm_shard_raw_bytes(s), len);
	assert_int_equal(sm_encoder_align(e, NULL), 0);
	assert_int_equal(sm_shard_finish(&e17, s, false, NULL), 0);
	assert_int_equal(e17.sizes.raw_bytes, len);
	assert_int_equal(sm_shard_publish(s, NULL), 0);
	sm_shard_free(s);
	return e17;
}

static void
assert_gunzips_to(const unsigned char *gz, size_t gz_len, const char *text,
		  size_t len)
{
	unsigned char *out = malloc(len + 1);
	z_stream z = { .next_in = (unsigned char *)gz,
		       .avail_in = (uInt)gz_len };

	assert_non_null(out);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_out = out;
	z.avail_out = (uInt)len + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.total_out, len);
	assert_memory_equal(out, text, len);
	inflateEnd(&z);
	free(out);
}

static void
test_names(void **state)
{
	char name[SM_SHARD_NAME_MAX];
	uint64_t batch = 0;
	int64_t token = 0;

	(void)state;
	assert_int_equal(sm_shard_digits(0), 6);
	assert_int_equal(sm_shard_digits(1000000), 6);
	assert_int_equal(sm_shard_digits(1000001), 7);
	assert_int_equal(sm_shard_digits(UINT64_MAX), 20);
	sm_shard_name(name, 17, 6);
	assert_string_equal(name, "000017.gz");
	assert_int_equal(sm_shard_parse_name(name, &batch, &token), 1);
	assert_int_equal(batch, 17);
	sm_shard_tmp_name(name, UINT64_MAX, 20, INT64_MAX);
	assert_string_equal(name,
			    "18446744073709551615.9223372036854775807.tmp");
	assert_int_equal(sm_shard_parse_name(name, &batch, &token), 2);
	assert_true(batch == UINT64_MAX && token == INT64_MAX);
}

static void
test_names_of_others(void **state)
{
	static const char *const names[] = {
		"",
		".",
		"..",
		"000017",
		"17.gz",
		"000017.gz ",
		"000017.gz.tmp",
		"000017..tmp",
		"000017.0.tmp",
		"000017.05.tmp",
		"000017.-5.tmp",
		"000017.9223372036854775808.tmp",
		"18446744073709551616.gz",
		"000000000000000000017.gz",
		"-00017.gz",
		"000017.GZ",
		"000017.5.tmp~",
	};
	uint64_t batch;
	int64_t token;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_int_equal(sm_shard_parse_name(names[i], &batch, &token),
				 0);
}

static void
test_round_trip(void **state)
{
	static const size_t sizes[] = { 0,     1,      65535,  65536,
					65537, 300000, 5000000 };
	struct sm_encoder *e = NULL;
	struct sm_entry info;
	unsigned char *gz;
	size_t i, len, body;
	char *text;

	(void)state;
	assert_int_equal(sm_encoder_new(&e, SM_ENCODER_BY_TEXT, 6, NULL), 0);
	for (i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		text = make_text(sizes[i], i);
		info = make_shard(e, text, sizes[i], 70000);
		gz = slurp("000017.gz", &len);
		assert_int_equal(sm_shard_bytes(17, &info), len);
		body = (size_t)info.sizes.gz_bytes;
		assert_int_equal(info.sizes.raw_bytes, sizes[i]);
		assert_int_equal(info.sizes.gz_crc32,
				 sm_crc32(0, gz + SM_GZIP_HEADER_BYTES, body));
		assert_int_equal(info.sizes.raw_crc32,
				 sm_crc32(0, text, sizes[i]));
		/* The empty stored block; without text not even that. */
		assert_int_equal(body > 0, sizes[i] > 0);
		if (body > 0)
			assert_memory_equal(gz + SM_GZIP_HEADER_BYTES + body -
						    4,
					    "\0\0\xff\xff", 4);
		assert_gunzips_to(gz, len, text, sizes[i]);
		free(gz);
		free(text);
	}
	assert_int_equal(unlinkat(dirfd_, "000017.gz", 0), 0);
	sm_encoder_free(e);
}

/* The bytes are the text's, however it was cut and whatever went before. */
static void
expect_bytes_of_text(enum sm_encoder_how how)
{
	static const size_t runs[] = { 1, 7, 4096, 65535, 65536, 1000000 };
	size_t len = 300000, i;
	struct sm_entry info, first = { 0 };
	struct sm_encoder *e = NULL;
	char *text = make_text(len, 5);
	int level;

	for (level = 1; level <= 9; level += 4) {
		assert_int_equal(sm_encoder_new(&e, how, level, NULL), 0);
		for (i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
			info = make_shard(e, text, len, runs[i]);
			if (i == 0)
				first = info;
			assert_memory_equal(&info, &first, sizeof(info));
		}
		sm_encoder_free(e);
	}
	free(text);
	assert_int_equal(unlinkat(dirfd_, "000017.gz", 0), 0);
}

static void
test_bytes_do_not_depend_on_runs(void **state)
{
	(void)state;
	expect_bytes_of_text(SM_ENCODER_BY_TEXT);
	expect_bytes_of_text(SM_ENCODER_BY_ZLIB);
}

static void
test_levels(void **state)
{
	struct sm_encoder *e = NULL;
	struct sm_err err = { 0 };

	(void)state;
	assert_int_equal(sm_encoder_new(&e, SM_ENCODER_BY_TEXT, 0, &err),
			 SM_EUSAGE);
	assert_int_equal(sm_encoder_new(&e, SM_ENCODER_BY_TEXT, 10, &err),
			 SM_EUSAGE);
	assert_null(e);
	sm_encoder_free(NULL);
}

/* A shard that is given up leaves nothing; the encoder starts clean. */
static void
test_give_up(void **state)
{
	struct sm_entry a, b;
	struct sm_encoder *e = NULL;
	struct sm_shard *s = NULL, *second = NULL;
	struct sm_err err = { 0 };

	(void)state;
	assert_int_equal(sm_encoder_new(&e, SM_ENCODER_BY_TEXT, 6, NULL), 0);
	a = make_shard(e, "some text", 9, 9);
	assert_int_equal(sm_shard_open(&s, dirfd_, 17, 6, 5, NULL), 0);
	assert_int_equal(faccessat(dirfd_, "000017.5.tmp", F_OK, 0), 0);
	/* One token, one file. */
	assert_int_equal(sm_shard_open(&second, dirfd_, 17, 6, 5, &err),
			 SM_EIO);
	assert_non_null(strstr(err.text, "/000017.5.tmp'"));
	assert_int_equal(sm_encoder_begin(e, s, NULL), 0);
	assert_int_equal(sm_encoder_write(e, "half", 4, NULL), 0);
	sm_shard_free(s);
	assert_int_equal(faccessat(dirfd_, "000017.5.tmp", F_OK, 0), -1);
	b = make_shard(e, "some text", 9, 9);
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(unlinkat(dirfd_, "000017.gz", 0), 0);
	sm_encoder_free(e);
	sm_shard_free(NULL);
}

static void
test_keep(void **state)
{
	struct sm_entry made = { .counts.rows = 1 };
	struct sm_shard *s = NULL;

	(void)state;
	assert_int_equal(sm_shard_open(&s, dirfd_, 3, 6, 7, NULL), 0);
	assert_int_equal(sm_shard_finish(&made, s, true, NULL), 0);
	sm_shard_keep(s);
	sm_shard_free(s);
	assert_int_equal(unlinkat(dirfd_, "000003.7.tmp", 0), 0);
}

static void
test_disk_full(void **state)
{
	struct sm_entry made = { .counts.rows = 1 };
	struct sm_shard *s = NULL;
	struct sm_err err = { 0 };
	int full, next;

	(void)state;
	full = open("/dev/full", O_WRONLY);
	assert_true(full >= 0);
	next = dup(full);
	assert_true(next >= 0);
	close(next);
	assert_int_equal(sm_shard_open(&s, dirfd_, 3, 6, 7, NULL), 0);
	/* The shard took the lowest free descriptor: put /dev/full there. */
	assert_int_equal(dup2(full, next), next);
	assert_int_equal(sm_shard_finish(&made, s, true, &err), SM_ENOSPC);
	assert_non_null(strstr(err.text, "'000003.7.tmp'"));
	sm_shard_free(s);
	close(full);
}

static void
expect_kind(const char *want, const struct sm_entry *e, uint64_t batch)
{
	struct sm_err err = { 0 };
	const char *kind = "";
	int ret = sm_shard_check(&kind, dirfd_, "000017.gz", batch, e, &err);

	if (!want) {
		assert_int_equal(ret, 0);
		return;
	}
	assert_int_equal(ret, SM_EVERIFY);
	assert_string_equal(kind, want);
	assert_non_null(strstr(err.text, "000017.gz"));
}

static void
expect_kinds(const char *first, const char *second, const struct sm_entry *e)
{
	struct sm_err err = { 0 };
	const char *kind = "";

	assert_int_equal(
		sm_shard_check(&kind, dirfd_, "000017.gz", 17, e, &err),
		SM_EVERIFY);
	if (strcmp(kind, first) != 0)
		assert_string_equal(kind, second);
}

/* Is the row written?  `how`, by 4,096 rows: 1: all; 0: none; x: some. */
static bool
is_written(const char *how, unsigned row)
{
	switch (how[row / SM_NOTE_ROWS_MAX % strlen(how)]) {
	case '1':
		return true;
	case '0':
		return false;
	default:
		return row * 2654435761u % 5 < 3;
	}
}

static void
write_rows(struct sm_encoder *e, const char *how, unsigned rows,
	   struct sm_entry *made)
{
	struct sm_shard *s = NULL;
	unsigned i;
	bool written;

	*made = (struct sm_entry){ .counts.rows = rows };
	assert_int_equal(sm_shard_open(&s, dirfd_, 17, 6, 99, NULL), 0);
	assert_int_equal(sm_encoder_begin(e, s, NULL), 0);
	for (i = 0; i < rows; i++) {
		written = is_written(how, i);
		made->counts.records += written;
		if (written)
			assert_int_equal(
				sm_encoder_write(e, "a row\n", 6, NULL), 0);
		if (sm_shard_row(s, written)) {
			assert_int_equal(sm_encoder_align(e, NULL), 0);
			assert_int_equal(sm_shard_note(s, NULL), 0);
		}
	}
	assert_int_equal(sm_encoder_align(e, NULL), 0);
	if (sm_shard_note_is_due(s))
		assert_int_equal(sm_shard_note(s, NULL), 0);
	assert_int_equal(sm_shard_finish(made, s, false, NULL), 0);
	assert_int_equal(sm_shard_publish(s, NULL), 0);
	sm_shard_free(s);
}

static unsigned
count_notes(const unsigned char *gz, size_t len)
{
	struct sm_note n;
	unsigned notes = 0;
	size_t at;

	for (at = 0; at < len; at++)
		notes += sm_note_get(&n, gz + at, len - at) &&
			 n.type == SM_NOTE_ROWS;
	return notes;
}

static void
test_rows(void **state)
{
	static const struct {
		const char *how;
		unsigned rows, notes;
	} cases[] = {
		{ "1", 100, 0 },      { "0", 100, 0 },
		{ "x", 100, 1 },      { "1", 20000, 0 },
		{ "0", 20000, 0 },    { "x", 4096, 1 },
		{ "x", 4097, 2 },     { "x", 100000, 25 },
		{ "01", 8192, 1 },    { "10", 8192, 1 },
		{ "110x", 16384, 2 }, { "100x", 16384, 2 },
		{ "001x", 16384, 2 }, { "x0", 81920, 10 },
	};
	struct sm_encoder *e = NULL;
	struct sm_entry made;
	unsigned char *gz;
	size_t i, len;

	(void)state;
	assert_int_equal(sm_encoder_new(&e, SM_ENCODER_BY_TEXT, 6, NULL), 0);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		write_rows(e, cases[i].how, cases[i].rows, &made);
		expect_kind(NULL, &made, 17);
		gz = slurp("000017.gz", &len);
		assert_int_equal(count_notes(gz, len), cases[i].notes);
		assert_in_range(longest_stretch(gz, len), 0, 3600);
		free(gz);
	}
	assert_int_equal(unlinkat(dirfd_, "000017.gz", 0), 0);
	sm_encoder_free(e);
}

static void
put_file(const unsigned char *p, size_t len)
{
	int fd =
		openat(dirfd_, "000017.gz", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(sm_write_all(fd, p, len), 0);
	close(fd);
}

/* What a shard of the job says is another thing for each number. */
static void
expect_other_numbers(const struct sm_entry *is)
{
	struct sm_entry e = *is;

	expect_kind("index", is, 18);
	e.counts.rows++;
	expect_kind("index", &e, 17);
	e = *is;
	e.counts.records--;
	expect_kind("index", &e, 17);
	e = *is;
	e.counts.tally[SM_TALLY_SKIPPED]++;
	expect_kind("index", &e, 17);
	e = *is;
	e.fingerprint = 1;
	expect_kind("index", &e, 17);
	e = *is;
	e.sizes.raw_crc32++;
	expect_kind("index", &e, 17);
}

static void
test_check(void **state)
{
	struct sm_encoder *e = NULL;
	struct sm_entry entry, unknown;
	unsigned char *gz;
	size_t len, i, at;

	(void)state;
	assert_int_equal(sm_encoder_new(&e, SM_ENCODER_BY_TEXT, 6, NULL), 0);
	entry = make_shard(e, "some text, some text\n", 21, 21);
	expect_kind(NULL, &entry, 17);
	expect_other_numbers(&entry);

	/* Every bit, and every length. */
	unknown = entry;
	unknown.fingerprint = 0;
	gz = slurp("000017.gz", &len);
	for (i = 0; i < len * 8; i++) {
		at = i / 8;
		gz[at] ^= (unsigned char)(1u << i % 8);
		put_file(gz, len);
		gz[at] ^= (unsigned char)(1u << i % 8);
		if (at < SM_GZIP_HEADER_BYTES)
			expect_kind("header", &unknown, 17);
		else if (at >= SM_GZIP_HEADER_BYTES + entry.sizes.gz_bytes)
			expect_kind("index", &unknown, 17);
		else
			expect_kinds("deflate", "crc", &unknown);
	}
	for (i = 0; i < len; i++) {
		put_file(gz, i);
		expect_kind("size", &entry, 17);
	}
	gz = realloc(gz, len + 1);
	assert_non_null(gz);
	put_file(gz, len + 1);
	expect_kind("size", &entry, 17);
	unlinkat(dirfd_, "000017.gz", 0);
	expect_kind("missing", &entry, 17);
	assert_int_equal(symlinkat("/dev/null", dirfd_, "000017.gz"), 0);
	expect_kind("missing", &entry, 17);
	unlinkat(dirfd_, "000017.gz", 0);
	free(gz);
	sm_encoder_free(e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_of_others),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_bytes_do_not_depend_on_runs),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_disk_full),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
