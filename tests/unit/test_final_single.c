#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <zlib.h>

#include <cmocka.h>

#include "finalfile.h"

static char seen[4096];

static void
on_found(int64_t batch, const char *kind, const char *text, void *arg)
{
	size_t n = strlen(seen);

	(void)arg;
	assert_true(strlen(text) > 10 && !strchr(text, '\n'));
	snprintf(seen + n, sizeof(seen) - n, "%s:%d ", kind, (int)batch);
}

static uint64_t
check(struct sm_final_report *r)
{
	*r = (struct sm_final_report){ .found = on_found };
	seen[0] = '\0';
	assert_int_equal(sm_final_check(r, finalfile_path, NULL), 0);
	return r->findings;
}

/* As a reader does that stops behind the first member. */
static void
assert_one_member(const struct sm_buf *want)
{
	struct sm_buf got = { 0 };
	struct sm_map map;
	z_stream z = { 0 };
	char piece[5000];
	int ret;

	assert_int_equal(sm_map_open(&map, finalfile_path, NULL), 0);
	assert_int_equal(inflateInit2(&z, 31), Z_OK);
	z.next_in = (Bytef *)map.data;
	z.avail_in = (uInt)map.size;
	do {
		z.next_out = (Bytef *)piece;
		z.avail_out = sizeof(piece);
		ret = inflate(&z, Z_NO_FLUSH);
		assert_true(ret == Z_OK || ret == Z_STREAM_END);
		sm_buf_put(&got, piece, sizeof(piece) - z.avail_out);
	} while (ret == Z_OK);
	assert_int_equal(z.avail_in, 0); /* nothing stands behind it */
	inflateEnd(&z);
	sm_map_close(&map);
	assert_int_equal(got.len, want->len);
	if (got.len)
		assert_memory_equal(got.data, want->data, got.len);
	sm_buf_release(&got);
}

static void
test_whole(void **state)
{
	static const unsigned counts[] = { 0, 1, 2, 3, 64, 394, 395, 396, 800 };
	struct sm_final_report r;
	struct sm_gzip_shape shape;
	struct sm_gzip_end end;
	struct sm_buf text = { 0 };
	struct finalfile ff = { .is_single = true };
	uint64_t size;
	size_t i;
	int fd;

	(void)state;
	assert_int_equal(SM_GZIP_SINGLE_GROUPS, 395);
	for (i = 0; i < 4 * sizeof(counts) / sizeof(*counts); i++) {
		ff.notes = i & 1;
		ff.drop = i & 2;
		size = finalfile_make(&ff, counts[i / 4]);
		finalfile_text(&ff, &text, counts[i / 4], 0, UINT64_MAX, false);
		assert_one_member(&text);
		assert_int_equal(check(&r), 0);
		assert_int_equal(r.batches, counts[i / 4]);
		assert_int_equal(r.raw_bytes, text.len);
		sm_gzip_single_shape(&shape, counts[i / 4]);
		assert_int_equal(r.gz_bytes + shape.header_bytes +
					 SM_GZIP_TAIL_BYTES,
				 size);
		fd = finalfile_open(0);
		assert_int_equal(sm_final_read_end(&end, fd, size), 1);
		assert_true(end.fingerprint == FINGERPRINT);
		assert_int_equal(end.batches, counts[i / 4]);
		assert_int_equal(end.file_bytes, size);
		assert_int_equal(sm_final_read_end(&end, fd, size + 1), -1);
		close(fd);
	}
	sm_buf_release(&text);
}

/* What the header takes depends on the number of batches alone. */
static void
test_shape(void **state)
{
	static const uint64_t batches[] = { 0,    1,          395,       396,
					    1000, 1000000000, UINT64_MAX };
	struct sm_gzip_shape s;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(batches) / sizeof(*batches); i++) {
		sm_gzip_single_shape(&s, batches[i]);
		assert_true(s.groups <= SM_GZIP_SINGLE_GROUPS);
		assert_true(s.runs <= SM_GZIP_SINGLE_RUNS);
		assert_true(s.header_bytes <=
			    SM_GZIP_FIXED_BYTES + SM_GZIP_EXTRA_MAX);
		assert_true(s.groups == 0 ||
			    (s.groups - 1) * s.per_group < batches[i]);
		assert_true((double)s.groups * (double)s.per_group >=
			    (double)batches[i]);
	}
}

static void
flip_all_bits(const struct finalfile *ff, unsigned batches)
{
	struct sm_final_report r;
	uint64_t size = finalfile_make(ff, batches), i;
	int fd = finalfile_open(0);
	unsigned char *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_true(p != MAP_FAILED);
	for (i = 0; i < size * 8; i++) {
		p[i / 8] ^= (unsigned char)(1u << i % 8);
		if (check(&r) != 1)
			fail_msg("bit %d of byte %d of %d: %s", (int)(i % 8),
				 (int)(i / 8), (int)size, seen);
		p[i / 8] ^= (unsigned char)(1u << i % 8);
	}
	assert_int_equal(check(&r), 0);
	munmap(p, size);
	close(fd);
}

static uint64_t
second_left_out(uint64_t batch)
{
	return batch == 1;
}

static void
test_bit_flips(void **state)
{
	struct finalfile ff = { .is_single = true,
				.notes = true,
				.drop = true };

	(void)state;
	flip_all_bits(&ff, 0);
	flip_all_bits(&ff, 4);
	ff.left_out = second_left_out;
	ff.notes = false;
	flip_all_bits(&ff, 3);
}

static void
test_truncations(void **state)
{
	struct finalfile ff = { .is_single = true, .notes = true };
	uint64_t size = finalfile_make(&ff, 5), len;
	struct sm_final_report r;
	struct sm_err err;

	(void)state;
	for (len = size - 1; len > 0; len--) {
		assert_int_equal(truncate(finalfile_path, (off_t)len), 0);
		if (len < 14)
			break; /* no mark is left */
		assert_int_equal(check(&r), 1);
		assert_string_equal(seen, "truncated:-1 ");
	}
	r = (struct sm_final_report){ 0 };
	assert_int_equal(sm_final_check(&r, finalfile_path, &err), SM_EINPUT);
}

static void
test_trailing(void **state)
{
	struct finalfile ff = { .is_single = true };
	uint64_t size = finalfile_make(&ff, 5);
	struct sm_final_report r;
	int fd = finalfile_open(0);

	(void)state;
	assert_int_equal(pwrite(fd, "\0", 1, (off_t)size), 1);
	close(fd);
	assert_int_equal(check(&r), 1);
	assert_string_equal(seen, "trailing:-1 ");
	assert_int_equal(r.batches, 5);
}

/* Damage in one group is found there, and the others are whole. */
static void
test_one_group(void **state)
{
	struct finalfile ff = { .is_single = true };
	uint64_t size = finalfile_make(&ff, 800); /* groups of three */
	struct sm_final_report r;
	unsigned char zeros[40] = { 0 };
	int fd = finalfile_open(0), batch;

	(void)state;
	assert_int_equal(pwrite(fd, zeros, 40, (off_t)(size / 2)), 40);
	close(fd);
	assert_int_equal(check(&r), 1);
	assert_int_equal(sscanf(seen, "%*[a-z]:%d", &batch), 1);
	assert_true(batch > 0 && batch % 3 == 0);
	assert_int_equal(r.batches, 797);
}

static uint64_t
some_left_out(uint64_t batch)
{
	return batch < 2 || (batch >= 5 && batch < 9) || batch == 19;
}

static uint64_t
all_left_out(uint64_t batch)
{
	(void)batch;
	return 1;
}

static uint64_t
every_other_left_out(uint64_t batch)
{
	return batch % 2;
}

static void
test_left_out(void **state)
{
	static uint64_t (*const how[])(uint64_t) = { some_left_out,
						     all_left_out,
						     every_other_left_out };
	struct finalfile ff = { .notes = true };
	struct sm_final_report r;
	struct sm_gzip_end end;
	struct sm_buf text = { 0 };
	uint64_t size, b, missing;
	unsigned i;
	int fd;

	(void)state;
	for (i = 0; i < 6; i++) {
		ff.is_single = i % 2;
		ff.left_out = how[i / 2];
		size = finalfile_make(&ff, 20);
		for (b = missing = 0; b < 20; b++)
			missing += ff.left_out(b);
		assert_int_equal(check(&r), 0);
		assert_int_equal(r.missing, missing);
		assert_int_equal(r.batches, 20 - missing);
		finalfile_text(&ff, &text, 20, 0, UINT64_MAX, false);
		assert_int_equal(r.raw_bytes, text.len);
		if (ff.is_single)
			assert_one_member(&text);
		fd = finalfile_open(0);
		assert_int_equal(sm_final_read_end(&end, fd, size), 1);
		assert_true(end.partial);
		close(fd);
	}
	sm_buf_release(&text);
}

/* More runs than a header has room for are refused when they are met. */
static void
test_too_many_runs(void **state)
{
	struct sm_gzip_entry none = { .rows = 3 };
	struct finalfile ff = { .is_single = true };
	struct sm_final *f = malloc(sizeof(*f));
	struct sm_gzip_entry e;
	struct sm_err err;
	char name[SM_SHARD_NAME_MAX];
	int fd = finalfile_open(O_CREAT | O_TRUNC), i;

	(void)state;
	sm_final_begin_single(f, fd, "f", FINGERPRINT, 100);
	e = finalfile_shard(&ff, 1, 0);
	sm_shard_name(name, 1, 6);
	for (i = 0; i < SM_GZIP_SINGLE_RUNS; i++) {
		assert_int_equal(sm_final_skip(f, &none, NULL), 0);
		assert_int_equal(
			sm_final_append(f, finalfile_dirfd, name, &e, NULL), 0);
	}
	assert_int_equal(sm_final_skip(f, &none, &err), SM_EREFUSED);
	assert_non_null(strstr(err.text, "--single-member"));
	unlinkat(finalfile_dirfd, name, 0);
	close(fd);
	free(f);
}

/* --------------------------------------------------------------- resume -- */

static void
read_all(struct sm_buf *b)
{
	struct sm_map map;

	sm_buf_clear(b);
	assert_int_equal(sm_map_open(&map, finalfile_path, NULL), 0);
	sm_buf_put(b, map.data, map.size);
	sm_map_close(&map);
}

/*
 * Append `upto` of `n` batches; then, as after a kill, resume and go on.  With
 * `damage` the bytes of that batch are not what they were.
 */
static void
make_in_two(const struct finalfile *ff, unsigned n, unsigned upto, int damage)
{
	struct sm_gzip_entry *e = calloc(n, sizeof(*e));
	struct sm_final *f = malloc(sizeof(*f));
	char name[SM_SHARD_NAME_MAX];
	uint64_t row = 0, damage_at = 0;
	int fd = finalfile_open(O_CREAT | O_TRUNC), ret = 1;
	unsigned b;

	finalfile_begin(ff, f, fd, n);
	for (b = 0; b < n; row += BATCH_ROWS(b), b++) {
		e[b] = finalfile_shard(ff, b, row);
		sm_shard_name(name, b, 6);
		if ((int)b == damage)
			damage_at = f->at + 30;
		if (b < upto)
			assert_int_equal(sm_final_append(f, finalfile_dirfd,
							 name, &e[b], NULL),
					 0);
	}
	if (damage >= 0)
		assert_int_equal(pwrite(fd, "damage", 6, (off_t)damage_at), 6);
	/* And some bytes of the next one, longer than all that will be. */
	assert_int_equal(ftruncate(fd, (off_t)(f->at + 100000)), 0);

	finalfile_begin(ff, f, fd, n);
	for (b = 0; b < n && ret == 1; b++) {
		ret = sm_final_resume(f, &e[b], NULL);
		assert_int_equal(ret, (int)b != damage && b < upto);
	}
	for (b = (unsigned)f->appended; b < n; b++) {
		sm_shard_name(name, b, 6);
		assert_int_equal(
			sm_final_append(f, finalfile_dirfd, name, &e[b], NULL),
			0);
	}
	for (b = 0; b < n; b++) {
		assert_int_equal(sm_final_entry(f, &e[b], NULL), 0);
		sm_shard_name(name, b, 6);
		unlinkat(finalfile_dirfd, name, 0);
	}
	assert_int_equal(sm_final_end(f, NULL), 0);
	close(fd);
	free(e);
	free(f);
}

static void
test_resume(void **state)
{
	struct sm_buf want = { 0 }, got = { 0 };
	struct finalfile ff = { .notes = true };
	unsigned upto;
	int damage;

	(void)state;
	for (ff.is_single = false;; ff.is_single = true) {
		finalfile_make(&ff, 12);
		read_all(&want);
		for (upto = 0; upto <= 12; upto++)
			for (damage = -1; damage < (int)upto; damage += 4) {
				make_in_two(&ff, 12, upto, damage);
				read_all(&got);
				assert_int_equal(got.len, want.len);
				assert_memory_equal(got.data, want.data,
						    want.len);
			}
		if (ff.is_single)
			break;
	}
	sm_buf_release(&want);
	sm_buf_release(&got);
}

/* A failed append leaves nothing that counts. */
static void
test_append_again(void **state)
{
	struct finalfile ff = { .is_single = true };
	struct sm_gzip_entry e = finalfile_shard(&ff, 5, 0), bad = e;
	struct sm_final *f = malloc(sizeof(*f));
	struct sm_final_report r;
	struct sm_err err;
	int fd = finalfile_open(O_CREAT | O_TRUNC);

	(void)state;
	bad.gz_crc32 ^= 1;
	sm_final_begin_single(f, fd, "f", FINGERPRINT, 1);
	assert_int_equal(
		sm_final_append(f, finalfile_dirfd, "000005.gz", &bad, &err),
		SM_EVERIFY);
	assert_int_equal(
		sm_final_append(f, finalfile_dirfd, "000006.gz", &e, &err),
		SM_EVERIFY);
	assert_int_equal(
		sm_final_append(f, finalfile_dirfd, "000005.gz", &e, &err), 0);
	assert_int_equal(
		sm_final_append(f, finalfile_dirfd, "000005.gz", &e, &err),
		SM_EBUG);
	assert_int_equal(sm_final_end(f, &err), SM_EBUG);
	assert_int_equal(sm_final_entry(f, &e, &err), 0);
	assert_int_equal(sm_final_end(f, &err), 0);
	assert_int_equal(check(&r), 0);
	unlinkat(finalfile_dirfd, "000005.gz", 0);
	close(fd);
	free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_shape),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_trailing),
		cmocka_unit_test(test_one_group),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_too_many_runs),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_append_again),
	};

	return cmocka_run_group_tests(tests, finalfile_setup,
				      finalfile_teardown);
}
