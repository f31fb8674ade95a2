/* Large bodies in final files: where they are, and what is before them. */
#include <errno.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <zlib.h>

#include "pad.h"
#include "rand.h"
#include "read.h"

#include "finalfile.h"
#include "stretch.h"

/*
 * The linker puts this in the place of ioctl(2): a file system that shares
 * blocks, as far as can be seen by who reads the files, or that says `no`.
 */
static int no, calls;

int __wrap_ioctl(int fd, unsigned long request, ...);
int
__wrap_ioctl(int fd, unsigned long request, ...)
{
	const struct file_clone_range *r;
	va_list ap;
	char *data;

	va_start(ap, request);
	r = va_arg(ap, const struct file_clone_range *);
	va_end(ap);
	assert_int_equal((unsigned)request, FICLONERANGE);
	calls++;
	if (no != 0) {
		errno = no;
		/* A signal comes once. */
		if (no == EINTR)
			no = 0;
		return -1;
	}
	/* What XFS and btrfs ask for. */
	assert_int_equal(r->src_offset % 4096, 0);
	assert_int_equal(r->dest_offset % 4096, 0);
	assert_int_equal(r->src_length % 4096, 0);
	assert_true(r->src_length > 0);
	data = malloc(r->src_length);
	assert_non_null(data);
	assert_int_equal(sm_pread_full((int)r->src_fd, data, r->src_length,
				       r->src_offset),
			 r->src_length);
	assert_int_equal(sm_pwrite_all(fd, data, r->src_length, r->dest_offset),
			 0);
	free(data);
	return 0;
}

/* The sums of fives and sixes below 4096, one after the other. */
static void
sums(bool is[SM_PAD_BLOCK])
{
	unsigned n;

	for (n = 0; n < SM_PAD_BLOCK; n++)
		is[n] = n == 0 || (n >= 5 && is[n - 5]) ||
			(n >= 6 && is[n - 6]);
}

/* Whatever the place: as it is in a shard, or nothing is added. */
static void
test_before(void **state)
{
	const uint64_t far = UINT64_C(1) << 40;
	bool is[SM_PAD_BLOCK];
	uint64_t at, quiet;
	size_t n, need;

	(void)state;
	sums(is);
	for (at = far; at < far + SM_PAD_BLOCK; at++)
		for (quiet = 0; quiet <= SM_PAD_QUIET_MAX + 109; quiet += 109) {
			need = (size_t)(far + SM_PAD_BLOCK + 10 - at) %
			       SM_PAD_BLOCK;
			n = sm_pad_before(at, quiet, SM_PAD_FROM);
			if (is[need] && quiet + need <= 3780)
				assert_int_equal(n, need);
			else
				assert_int_equal(n, 0);
			assert_int_equal(
				sm_pad_before(at, quiet, SM_PAD_FROM - 1), 0);
		}
	assert_int_equal(sm_pad_before(10, 0, SM_PAD_FROM), 0);
	assert_int_equal(sm_pad_before(11, 0, SM_PAD_FROM), 0);
	assert_int_equal(sm_pad_before(4096, 0, SM_PAD_FROM), 10);
	/* With what ends a text, and the longest codes of a block. */
	assert_in_range(SM_PAD_QUIET_MAX + 5 + 288, 1, 4095);
}

/* Blocks that end where the padding does, without a text. */
static void
test_put(void **state)
{
	unsigned char pad[SM_PAD_BLOCK + 2], out[8];
	bool is[SM_PAD_BLOCK];
	z_stream z = { 0 };
	size_t n;

	(void)state;
	sums(is);
	assert_int_equal(inflateInit2(&z, -15), Z_OK);
	for (n = 0; n < SM_PAD_BLOCK; n++) {
		assert_int_equal(sm_pad_may_be(10, n, SM_PAD_FROM), is[n]);
		if (!is[n])
			continue;
		sm_pad_put(pad, n);
		pad[n] = 3;
		pad[n + 1] = 0;
		z.next_in = pad;
		z.avail_in = (uInt)n + 2;
		z.next_out = out;
		z.avail_out = sizeof(out);
		assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
		assert_int_equal(z.total_in, n + 2);
		assert_int_equal(z.total_out, 0);
		inflateReset(&z);
	}
	inflateEnd(&z);
}

/* ------------------------------------------------------------------ files --
 */

#define BATCHES 40

static struct sm_entry entries[BATCHES];
static uint64_t bodies_at[BATCHES];
static struct sm_buf text, file;
static bool some_left_out = true;

static bool
is_left_out(unsigned b)
{
	return some_left_out && b % 9 == 4;
}

/* Bytes of noise in a batch: few, none, or about as many as are padded. */
static size_t
noise_of(unsigned b, uint64_t *seed)
{
	if (b % 11 == 3)
		return 0;
	if (b % 4 == 1)
		return 1 + sm_rand_next(seed) % 3000;
	return (size_t)SM_PAD_FROM - 20 + sm_rand_next(seed) % 9000;
}

/* A shard of noise; of every second one rows are left out. */
static struct sm_entry
make_shard(unsigned b, uint64_t *seed)
{
	struct sm_entry e = { .fingerprint = FINGERPRINT,
			      .counts.rows = 100 + b * 97 };
	size_t n = noise_of(b, seed), first = text.len;
	struct sm_shard *s;
	uint64_t row;

	assert_int_equal(sm_shard_open(&s, finalfile_dirfd, b, 6, 1, NULL), 0);
	assert_int_equal(sm_encoder_begin(finalfile_encoder, s, NULL), 0);
	while (text.len < first + n)
		sm_buf_putc(&text, (char)sm_rand_next(seed));
	if (n > 0)
		assert_int_equal(sm_encoder_write(finalfile_encoder,
						  text.data + first, n, NULL),
				 0);
	assert_int_equal(sm_encoder_align(finalfile_encoder, NULL), 0);
	for (row = 0; row < e.counts.rows && n > 0; row++)
		sm_shard_row(s, b % 2 || row % 5);
	if (sm_shard_note_is_due(s))
		assert_int_equal(sm_shard_note(s, NULL), 0);
	e.counts.records = n;
	assert_int_equal(sm_shard_finish(&e, s, false, NULL), 0);
	assert_int_equal(sm_shard_publish(s, NULL), 0);
	sm_shard_free(s);
	if (is_left_out(b))
		text.len = first;
	return e;
}

static void
add(struct sm_final *f, unsigned b)
{
	char name[SM_SHARD_NAME_MAX];

	sm_shard_name(name, b, 6);
	if (is_left_out(b))
		assert_int_equal(sm_final_skip(f, &entries[b], NULL), 0);
	else
		assert_int_equal(sm_final_append(f, finalfile_dirfd, name,
						 &entries[b], NULL),
				 0);
}

static void
take(struct sm_buf *b)
{
	struct sm_map map;

	sm_buf_clear(b);
	assert_int_equal(sm_map_open(&map, finalfile_path, NULL), 0);
	sm_buf_put(b, map.data, map.size);
	sm_map_close(&map);
}

static void
put(const char *data, size_t len)
{
	int fd = finalfile_open(O_CREAT | O_TRUNC);

	assert_int_equal(sm_write_all(fd, data, len), 0);
	close(fd);
}

/* The final file of all shards, but for those that are left out. */
static void
make_file(void)
{
	struct sm_final f;
	unsigned b;
	int fd = finalfile_open(O_CREAT | O_TRUNC);

	sm_final_begin(&f, fd, "f", FINGERPRINT);
	for (b = 0; b < BATCHES; b++) {
		add(&f, b);
		bodies_at[b] = f.body_at;
	}
	assert_int_equal(sm_final_end(&f, NULL), 0);
	close(fd);
	take(&file);
}

static int
setup(void **state)
{
	uint64_t seed = 21;
	unsigned b;

	if (finalfile_setup(state) < 0)
		return -1;
	for (b = 0; b < BATCHES; b++)
		entries[b] = make_shard(b, &seed);
	make_file();
	return 0;
}

static int
teardown(void **state)
{
	char name[SM_SHARD_NAME_MAX];
	unsigned b;

	for (b = 0; b < BATCHES; b++) {
		sm_shard_name(name, b, 6);
		unlinkat(finalfile_dirfd, name, 0);
	}
	sm_buf_release(&text);
	sm_buf_release(&file);
	return finalfile_teardown(state);
}

static void
on_found(int64_t batch, const char *kind, const char *what, void *arg)
{
	(void)batch;
	(void)arg;
	assert_true(*kind && *what);
}

static struct sm_final_report
check(void)
{
	struct sm_final_report r = { .found = on_found };

	assert_int_equal(sm_final_check(&r, finalfile_path, NULL), 0);
	return r;
}

/* The first body after `*batch` that is large and in the file, where it ends.
 */
static bool
next_large(unsigned *batch, uint64_t *at)
{
	while (++*batch < BATCHES)
		if (!is_left_out(*batch) &&
		    entries[*batch].sizes.gz_bytes >= SM_PAD_FROM) {
			*at = bodies_at[*batch];
			return true;
		}
	return false;
}

/* Most large bodies are where they are in a shard, and what reads a file reads
 * it. */
static void
test_file(void **state)
{
	unsigned char *out = malloc(text.len + 1);
	z_stream z = { .next_in = (unsigned char *)file.data,
		       .avail_in = (uInt)file.len };
	unsigned b = UINT32_MAX, large = 0, placed = 0;
	struct sm_final_report r;
	uint64_t at;

	(void)state;
	put(file.data, file.len);
	while (next_large(&b, &at)) {
		large++;
		placed += at % SM_PAD_BLOCK == 10;
	}
	assert_in_range(large, 15, BATCHES);
	assert_in_range(placed, large / 2, large);
	r = check();
	assert_int_equal(r.findings, 0);
	assert_int_equal(r.batches + r.missing, BATCHES);
	assert_int_equal(r.raw_bytes, text.len);
	assert_non_null(out);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_out = out;
	z.avail_out = (uInt)text.len + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.total_out, text.len);
	assert_memory_equal(out, text.data, text.len);
	inflateEnd(&z);
	free(out);
	assert_in_range(longest_stretch((unsigned char *)file.data, file.len),
			2000, 4095);
}

/* The index says where each body is. */
static void
test_index(void **state)
{
	struct sm_final_reader *r = NULL;
	struct sm_final_batch is;
	unsigned b;
	int fd;

	(void)state;
	put(file.data, file.len);
	fd = finalfile_open(0);
	assert_int_equal(sm_final_open(&r, fd, "f", file.len, NULL), 0);
	for (b = 0; b < BATCHES; b++) {
		assert_int_equal(
			sm_final_find(&is, r, SM_FINAL_BY_BATCH, b, NULL), 1);
		assert_int_equal(is.missing, is_left_out(b));
		if (is.missing || is.bytes == 0)
			continue;
		assert_int_equal(is.at, bodies_at[b]);
		assert_int_equal(is.bytes, entries[b].sizes.gz_bytes);
	}
	sm_final_close(r);
	close(fd);
}

/* A changed bit of what pads is found. */
static void
test_changed(void **state)
{
	uint64_t seed = 5, at, end, from;
	unsigned b = UINT32_MAX, looked = 0;
	unsigned char byte, other;
	int fd;

	(void)state;
	put(file.data, file.len);
	fd = finalfile_open(0);
	while (looked < 120 && next_large(&b, &end)) {
		for (from = end; from >= 5 && memcmp(file.data + from - 5,
						     "\0\0\0\xff\xff", 5) == 0;)
			from -= 5;
		if (from > end - 200)
			continue;
		for (at = end - 1; at >= from; at -= 31, looked++) {
			byte = (unsigned char)file.data[at];
			other = byte ^
				(unsigned char)(1u << sm_rand_next(&seed) % 8);
			assert_int_equal(sm_pwrite_all(fd, &other, 1, at), 0);
			assert_true(check().findings > 0);
			assert_int_equal(sm_pwrite_all(fd, &byte, 1, at), 0);
		}
	}
	assert_in_range(looked, 40, 1000);
	close(fd);
	assert_int_equal(check().findings, 0);
}

/* Cut anywhere around what pads, the file is gone on with as it was. */
static void
test_resume(void **state)
{
	uint64_t at, cut;
	unsigned b = UINT32_MAX, step, whole;
	struct sm_buf got = { 0 };
	struct sm_final f;
	bool stands;
	int fd;

	(void)state;
	some_left_out = false;
	make_file();
	for (step = 0; next_large(&b, &at); step++) {
		cut = at + step * 331;
		if (cut < 4500 + SM_PAD_FROM)
			continue;
		cut -= 4500;
		put(file.data, (size_t)cut);
		fd = finalfile_open(0);
		sm_final_begin(&f, fd, "f", FINGERPRINT);
		stands = true;
		while (stands && f.appended < BATCHES)
			assert_int_equal(sm_final_resume(&stands, &f,
							 &entries[f.appended],
							 NULL),
					 0);
		for (whole = 0; whole < BATCHES; whole++)
			if (bodies_at[whole] + entries[whole].sizes.gz_bytes >
			    cut)
				break;
		assert_int_equal(f.appended, whole);
		while (f.appended < BATCHES)
			add(&f, (unsigned)f.appended);
		assert_int_equal(sm_final_end(&f, NULL), 0);
		close(fd);
		take(&got);
		assert_int_equal(got.len, file.len);
		assert_memory_equal(got.data, file.data, file.len);
	}
	assert_in_range(step, 15, BATCHES);
	sm_buf_release(&got);
	some_left_out = true;
}

/* Shared or not, or not at first: the file is the same. */
static void
test_shared(void **state)
{
	static const int reasons[] = { EOPNOTSUPP, EXDEV,  EINVAL, ENOTTY,
				       EPERM,      ENOSYS, EINTR };
	struct sm_buf want = { 0 };
	unsigned i, large = 0, b = UINT32_MAX;
	uint64_t at;

	(void)state;
	make_file();
	sm_buf_put(&want, file.data, file.len);
	while (next_large(&b, &at))
		large += at % SM_PAD_BLOCK == 10;
	for (i = 0; i <= sizeof(reasons) / sizeof(*reasons); i++) {
		calls = no = 0;
		if (i > 0)
			no = reasons[i - 1];
		make_file();
		assert_int_equal(file.len, want.len);
		assert_memory_equal(file.data, want.data, want.len);
		if (no != 0) /* asked once, and then no more */
			assert_int_equal(calls, 1);
		else
			assert_in_range(calls, large, large + 1);
	}
	no = 0;
	sm_buf_release(&want);
}

/* A full or broken disk is told, and the batch does not count. */
static void
test_full(void **state)
{
	static const int codes[][2] = { { ENOSPC, SM_ENOSPC },
					{ EDQUOT, SM_ENOSPC },
					{ EIO, SM_EIO } };
	struct sm_err err = { 0 };
	char name[SM_SHARD_NAME_MAX];
	struct sm_final f;
	unsigned i;
	int fd = finalfile_open(O_CREAT | O_TRUNC);

	(void)state;
	sm_final_begin(&f, fd, "f", FINGERPRINT);
	sm_shard_name(name, 0, 6);
	for (i = 0; i < 3; i++) {
		no = codes[i][0];
		assert_int_equal(sm_final_append(&f, finalfile_dirfd, name,
						 &entries[0], &err),
				 codes[i][1]);
		assert_true(strstr(err.text, "cannot write the final file"));
		assert_int_equal(f.appended, 0);
		assert_int_equal(f.at, 10);
	}
	no = 0;
	add(&f, 0);
	close(fd);
	/* What is before a body cannot be read. */
	fd = f.fd = openat(finalfile_dirfd, "final.gz", O_WRONLY);
	assert_true(fd >= 0);
	add(&f, 1);
	sm_shard_name(name, 2, 6);
	assert_int_equal(
		sm_final_append(&f, finalfile_dirfd, name, &entries[2], &err),
		SM_EIO);
	assert_true(strstr(err.text, "cannot read the final file"));
	assert_int_equal(f.appended, 2);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before),  cmocka_unit_test(test_put),
		cmocka_unit_test(test_file),    cmocka_unit_test(test_index),
		cmocka_unit_test(test_changed), cmocka_unit_test(test_resume),
		cmocka_unit_test(test_shared),  cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
