#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "buf.h"
#include "crc32.h"
#include "encoder.h"
#include "file.h"
#include "final.h"
#include "shard.h"

#define FINGERPRINT UINT64_C(0xfeedface01234567)

static char dir[] = "/tmp/test_final.XXXXXX";
static char final_path[64];
static int dirfd_;
static struct sm_encoder *encoder;

static int
setup(void **state)
{
	(void)state;
	if (!mkdtemp(dir) || sm_encoder_new(&encoder, 6, NULL) < 0)
		return -1;
	snprintf(final_path, sizeof(final_path), "%s/final.gz", dir);
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY);
	return dirfd_ < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	(void)state;
	sm_encoder_free(encoder);
	close(dirfd_);
	return rmdir(dir); /* fails if a test left something behind */
}

static int
open_final(void)
{
	int fd = openat(dirfd_, "final.gz", O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	return fd;
}

static struct sm_gzip_entry
make_shard(uint64_t batch, const char *text)
{
	struct sm_gzip_shard head = { .fingerprint = FINGERPRINT,
				      .first = batch * 10,
				      .end = batch * 10 + 10,
				      .counts.rows = 10,
				      .counts.records = batch % 7 };
	struct sm_sizes i;
	struct sm_shard *s;

	assert_int_equal(sm_shard_open(&s, dirfd_, batch, 6, 1, NULL), 0);
	assert_int_equal(sm_encoder_begin(encoder, s, NULL), 0);
	assert_int_equal(sm_encoder_write(encoder, text, strlen(text), NULL),
			 0);
	assert_int_equal(sm_encoder_end(encoder, NULL), 0);
	assert_int_equal(sm_shard_finish(s, &head, false, &i, NULL), 0);
	assert_int_equal(sm_shard_publish(s, NULL), 0);
	sm_shard_free(s);
	return (struct sm_gzip_entry){ 10,          batch % 7,  i.gz_bytes,
				       i.raw_bytes, i.gz_crc32, i.raw_crc32 };
}

/* The text of batch i, which is empty now and then. */
static void
make_text(struct sm_buf *b, unsigned i)
{
	unsigned k;

	sm_buf_clear(b);
	for (k = 0; k < i % 5; k++)
		sm_buf_printf(b, "{\"batch\": %u, \"line\": %u}\n", i, k);
	sm_buf_puts(b, "");
}

/* A final file of n shards; `text` receives what it holds. */
static void
make_final(unsigned n, struct sm_buf *text)
{
	struct sm_gzip_entry *e = calloc(n + 1, sizeof(*e));
	struct sm_final *f = malloc(sizeof(*f));
	struct sm_buf part = { 0 };
	struct sm_gzip_end end;
	char name[SM_SHARD_NAME_MAX];
	struct stat st;
	unsigned i;
	int fd;

	fd = open_final();
	sm_buf_clear(text);
	sm_final_begin(f, fd, "f", FINGERPRINT);
	for (i = 0; i < n; i++) {
		make_text(&part, i);
		sm_buf_put(text, part.data, part.len);
		e[i] = make_shard(i, part.data ? part.data : "");
		sm_shard_name(name, i, 6);
		assert_int_equal(sm_final_append(f, dirfd_, name, &e[i], NULL),
				 0);
		assert_int_equal(unlinkat(dirfd_, name, 0), 0);
	}
	for (i = 0; i < n; i++)
		assert_int_equal(sm_final_entry(f, &e[i], NULL), 0);
	assert_int_equal(sm_final_end(f, NULL), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(f->at, st.st_size);
	assert_int_equal(sm_final_read_end(&end, fd, f->at), 1);
	assert_true(end.fingerprint == FINGERPRINT);
	assert_int_equal(end.batches, n);
	assert_int_equal(end.file_bytes, st.st_size);
	assert_int_equal(sm_final_read_end(&end, fd, f->at - 1), 0);
	assert_int_equal(sm_final_read_end(&end, fd, 3), 0);
	close(fd);
	sm_buf_release(&part);
	free(e);
	free(f);
}

/* What a check found, as "kind:batch kind:batch ". */
static char seen[4096];

static char last_text[256];

static void
on_found(int64_t batch, const char *kind, const char *text, void *arg)
{
	size_t n = strlen(seen);

	(void)arg;
	assert_true(strlen(text) > 10 && !strchr(text, '\n'));
	snprintf(seen + n, sizeof(seen) - n, "%s:%d ", kind, (int)batch);
	snprintf(last_text, sizeof(last_text), "%s", text);
}

static uint64_t
check(struct sm_final_report *r)
{
	*r = (struct sm_final_report){ .found = on_found };
	seen[0] = '\0';
	assert_int_equal(sm_final_check(r, final_path, NULL), 0);
	return r->findings;
}

static void
put_final(const void *a, size_t len)
{
	int fd = open_final();

	assert_int_equal(sm_write_all(fd, a, len), 0);
	close(fd);
}

static void
take_final(struct sm_buf *b)
{
	struct sm_map map;

	sm_buf_clear(b);
	assert_int_equal(sm_map_open(&map, final_path, NULL), 0);
	sm_buf_put(b, map.data, map.size);
	sm_map_close(&map);
}

/* The text as the gzip program reads it. */
static void
assert_gzip_reads(const struct sm_buf *text)
{
	char command[128], part[4096];
	struct sm_buf got = { 0 };
	size_t n;
	FILE *p;

	snprintf(command, sizeof(command), "gzip -t '%s'", final_path);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "gzip -dc '%s'", final_path);
	p = popen(command, "r");
	assert_non_null(p);
	while ((n = fread(part, 1, sizeof(part), p)) > 0)
		sm_buf_put(&got, part, n);
	assert_int_equal(pclose(p), 0);
	assert_int_equal(got.len, text->len);
	if (got.len)
		assert_memory_equal(got.data, text->data, got.len);
	sm_buf_release(&got);
}

static void
test_whole(void **state)
{
	static const unsigned counts[] = { 0, 1, 3, 408, 409, 410, 1000 };
	struct sm_buf text = { 0 };
	struct sm_final_report r;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		make_final(counts[i], &text);
		assert_gzip_reads(&text);
		assert_int_equal(check(&r), 0);
		assert_int_equal(r.batches, counts[i]);
		assert_int_equal(r.raw_bytes, text.len);
	}
	unlinkat(dirfd_, "final.gz", 0);
	sm_buf_release(&text);
}

/* Every bit of the file is checked. */
static void
flip_all_bits(unsigned shards)
{
	struct sm_buf text = { 0 }, file = { 0 };
	struct sm_final_report r;
	unsigned char *p;
	size_t i;
	int fd;

	make_final(shards, &text);
	take_final(&file);
	fd = openat(dirfd_, "final.gz", O_RDWR);
	p = mmap(NULL, file.len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	for (i = 0; i < file.len * 8; i++) {
		p[i / 8] ^= (unsigned char)(1u << i % 8);
		if (check(&r) != 1)
			fail_msg("bit %zu of byte %zu of %zu: %s", i % 8, i / 8,
				 file.len, seen);
		p[i / 8] ^= (unsigned char)(1u << i % 8);
	}
	assert_int_equal(check(&r), 0);
	munmap(p, file.len);
	close(fd);
	unlinkat(dirfd_, "final.gz", 0);
	sm_buf_release(&text);
	sm_buf_release(&file);
}

static void
test_bit_flips(void **state)
{
	(void)state;
	flip_all_bits(3);
	flip_all_bits(0);
}

static void
test_truncations(void **state)
{
	struct sm_buf text = { 0 }, file = { 0 };
	struct sm_final_report r;
	struct sm_err err = { 0 };
	size_t len;

	(void)state;
	make_final(3, &text);
	take_final(&file);
	for (len = file.len - 1; len > 0; len--) {
		assert_int_equal(truncate(final_path, (off_t)len), 0);
		if (len < 14)
			break; /* no mark is left */
		assert_int_equal(check(&r), 1);
		assert_string_equal(seen, "truncated:-1 ");
	}
	for (;; len--) {
		assert_int_equal(truncate(final_path, (off_t)len), 0);
		r = (struct sm_final_report){ 0 };
		assert_int_equal(sm_final_check(&r, final_path, &err),
				 SM_EINPUT);
		assert_non_null(strstr(err.text, "gzip -t"));
		if (len == 0)
			break;
	}
	unlinkat(dirfd_, "final.gz", 0);
	sm_buf_release(&text);
	sm_buf_release(&file);
}

static void
test_truncation_text(void **state)
{
	struct sm_buf text = { 0 }, file = { 0 };
	struct sm_final_report r;
	char want[64];
	size_t i, at = 0, headers = 0;

	(void)state;
	make_final(30, &text);
	take_final(&file);
	/* Where batch 3 begins: the fourth header. */
	for (i = 0; i < file.len && headers < 4; i++)
		if (memcmp(file.data + i, "\x1f\x8b\x08\x04", 4) == 0) {
			headers++;
			at = i;
		}
	put_final(file.data, at + 90);
	assert_int_equal(check(&r), 1);
	assert_int_equal(r.batches, 3);
	snprintf(want, sizeof(want), "whole up to batch 2 (byte %zu)", at);
	assert_non_null(strstr(last_text, want));
	unlinkat(dirfd_, "final.gz", 0);
	sm_buf_release(&text);
	sm_buf_release(&file);
}

/* Members in another order than written; gzip -t accepts all of these. */
static void
expect_order(const struct sm_buf *file, const size_t *at, const char *order,
	     const char *want)
{
	struct sm_buf b = { 0 };
	struct sm_final_report r;
	char command[128];
	size_t i;

	for (; *order; order++) {
		i = (size_t)(*order - '0');
		sm_buf_put(&b, file->data + at[i], at[i + 1] - at[i]);
	}
	put_final(b.data, b.len);
	sm_buf_release(&b);
	snprintf(command, sizeof(command), "gzip -t '%s'", final_path);
	assert_int_equal(system(command), 0);
	check(&r);
	assert_string_equal(seen, want);
}

static void
test_order(void **state)
{
	struct sm_buf text = { 0 }, file = { 0 };
	size_t at[10], n = 0, i;

	(void)state;
	make_final(5, &text);
	take_final(&file);
	for (i = 0; i + 4 <= file.len && n < 10; i++)
		if (memcmp(file.data + i, "\x1f\x8b\x08\x04", 4) == 0)
			at[n++] = i;
	assert_int_equal(n, 7); /* five shards, 5: the index, 6: the end */
	at[n] = file.len;

	expect_order(&file, at, "0123456", "");
	expect_order(&file, at, "0213456", "swapped:1 ");
	expect_order(&file, at, "4123056",
		     "swapped:1 swapped:2 swapped:3 "
		     "swapped:0 ");
	expect_order(&file, at, "01123456", "doubled:1 ");
	expect_order(&file, at, "0113456", "doubled:1 missing:2 ");
	expect_order(&file, at, "012356", "missing:4 ");
	expect_order(&file, at, "123456", "missing:0 ");
	expect_order(&file, at, "03456", "missing:1 ");
	expect_order(&file, at, "56", "missing:0 ");
	expect_order(&file, at, "6", "index:-1 ");
	expect_order(&file, at, "012346", "index:-1 ");
	expect_order(&file, at, "01234", "truncated:-1 ");
	expect_order(&file, at, "012345", "truncated:-1 ");
	expect_order(&file, at, "0124", "missing:3 truncated:-1 ");
	expect_order(&file, at, "01234566", "index:-1 ");
	expect_order(&file, at, "01234560", "trailing:-1 ");
	expect_order(&file, at, "021345630",
		     "missing:1 swapped:1 trailing:-1 ");
	expect_order(&file, at, "01234560123456",
		     "header:-1 doubled:0 doubled:1 doubled:2 doubled:3 "
		     "doubled:4 ");
	unlinkat(dirfd_, "final.gz", 0);
	sm_buf_release(&text);
	sm_buf_release(&file);
}

static void
test_trailing(void **state)
{
	static const size_t lengths[] = { 1, 9, 69, 70, 71, 512, 100000 };
	struct sm_buf text = { 0 }, file = { 0 };
	struct sm_final_report r;
	char *more = calloc(1, 100000);
	size_t i, whole;
	int fill;

	(void)state;
	make_final(500, &text);
	take_final(&file);
	whole = file.len;
	for (fill = 0; fill < 256; fill += 85)
		for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
			memset(more, fill, lengths[i]);
			file.len = whole;
			sm_buf_put(&file, more, lengths[i]);
			put_final(file.data, file.len);
			assert_int_equal(check(&r), 1);
			assert_string_equal(seen, "trailing:-1 ");
			assert_int_equal(r.batches, 500);
		}
	unlinkat(dirfd_, "final.gz", 0);
	sm_buf_release(&text);
	sm_buf_release(&file);
	free(more);
}

/* One batch is damaged: one finding, that batch, whatever is lost of it. */
static void
test_one_damaged(void **state)
{
	struct sm_buf text = { 0 }, file = { 0 }, b = { 0 };
	struct sm_final_report r;
	size_t at[64], n = 0, i, cut, len;
	char want[32];

	(void)state;
	make_final(20, &text);
	take_final(&file);
	for (i = 0; i + 4 <= file.len && n < 20; i++)
		if (memcmp(file.data + i, "\x1f\x8b\x08\x04", 4) == 0)
			at[n++] = i;
	len = at[14] - at[13];
	for (cut = 1; cut < len; cut++) {
		/* The first `cut` bytes of batch 13, then batch 14. */
		sm_buf_clear(&b);
		sm_buf_put(&b, file.data, at[13] + cut);
		sm_buf_put(&b, file.data + at[14], file.len - at[14]);
		put_final(b.data, b.len);
		check(&r);
		snprintf(want, sizeof(want), "%s:13 ",
			 cut < SM_GZIP_SHARD_HEADER ? "header" : "deflate");
		if (cut >= len - 8)
			strcpy(want, "crc:13 ");
		assert_string_equal(seen, want);
		assert_int_equal(r.batches, 19);
	}
	/* Something between two batches, and behind the last. */
	for (i = 13; i <= 19; i += 6) {
		sm_buf_clear(&b);
		sm_buf_put(&b, file.data, at[i]);
		sm_buf_puts(&b, "something that does not belong here");
		sm_buf_put(&b, file.data + at[i], file.len - at[i]);
		put_final(b.data, b.len);
		assert_true(check(&r) > 0);
	}
	unlinkat(dirfd_, "final.gz", 0);
	sm_buf_release(&text);
	sm_buf_release(&file);
	sm_buf_release(&b);
}

static void
test_not_ours(void **state)
{
	struct sm_final_report r = { .found = on_found };
	struct sm_err err = { 0 };
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "echo text | gzip > '%s'",
		 final_path);
	assert_int_equal(system(command), 0);
	assert_int_equal(sm_final_check(&r, final_path, &err), SM_EINPUT);
	assert_non_null(strstr(err.text, "is no final file of shardmill"));
	put_final("", 0);
	assert_int_equal(sm_final_check(&r, final_path, &err), SM_EINPUT);
	unlinkat(dirfd_, "final.gz", 0);
	assert_int_equal(sm_final_check(&r, final_path, &err), SM_EINPUT);
	assert_int_equal(sm_final_check(&r, dir, &err), SM_EINPUT);
}

static int
stop_at_once(uint64_t done, uint64_t total, void *arg)
{
	assert_true(done <= total);
	++*(int *)arg;
	return 1;
}

static void
test_stop(void **state)
{
	struct sm_buf text = { 0 };
	struct sm_err err = { 0 };
	int calls = 0;
	struct sm_final_report r = { .progress = stop_at_once, .arg = &calls };

	(void)state;
	make_final(3, &text);
	assert_int_equal(sm_final_check(&r, final_path, &err), SM_ESTOPPED);
	assert_int_equal(calls, 1);
	unlinkat(dirfd_, "final.gz", 0);
	sm_buf_release(&text);
}

/* A shard that is not the recorded one never goes in. */
static void
test_append_checks(void **state)
{
	struct sm_gzip_entry e = make_shard(7, "some text"), other;
	struct sm_final *f = malloc(sizeof(*f));
	struct sm_err err = { 0 };
	int fd = open_final(), full;

	(void)state;
	sm_final_begin(f, fd, "f", FINGERPRINT);
	other = e;
	other.gz_bytes++;
	assert_int_equal(sm_final_append(f, dirfd_, "000007.gz", &other, &err),
			 SM_EVERIFY);
	assert_int_equal(f->at, 0);
	other = e;
	other.gz_crc32 ^= 1;
	assert_int_equal(sm_final_append(f, dirfd_, "000007.gz", &other, &err),
			 SM_EVERIFY);
	assert_non_null(strstr(err.text, "'000007.gz'"));
	assert_int_equal(sm_final_append(f, dirfd_, "000008.gz", &e, &err),
			 SM_EVERIFY);
	assert_int_equal(symlinkat("000007.gz", dirfd_, "000009.gz"), 0);
	assert_int_equal(sm_final_append(f, dirfd_, "000009.gz", &e, &err),
			 SM_EVERIFY);
	full = open("/dev/full", O_WRONLY);
	sm_final_begin(f, full, "f", FINGERPRINT);
	assert_int_equal(sm_final_append(f, dirfd_, "000007.gz", &e, &err),
			 SM_ENOSPC);
	assert_int_equal(sm_final_end(f, &err), SM_ENOSPC);
	close(full);
	close(fd);
	unlinkat(dirfd_, "000007.gz", 0);
	unlinkat(dirfd_, "000009.gz", 0);
	unlinkat(dirfd_, "final.gz", 0);
	free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_truncation_text),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_trailing),
		cmocka_unit_test(test_one_damaged),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_append_checks),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
