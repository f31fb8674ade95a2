#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "chain.h"
#include "finalfile.h"

static char noticed[2048];

/* Index notes that were gone through, in all and before the first text. */
static unsigned notes_read, notes_first;
static bool written;

int __real_sm_chain_group(struct sm_group *g, size_t *bytes,
			  const struct sm_link *l, int fd, const char *name,
			  struct sm_err *err);
int __wrap_sm_chain_group(struct sm_group *g, size_t *bytes,
			  const struct sm_link *l, int fd, const char *name,
			  struct sm_err *err);
int __real_sm_write_all(int fd, const void *buf, size_t len);
int __wrap_sm_write_all(int fd, const void *buf, size_t len);

int
__wrap_sm_chain_group(struct sm_group *g, size_t *bytes,
		      const struct sm_link *l, int fd, const char *name,
		      struct sm_err *err)
{
	notes_read++;
	return __real_sm_chain_group(g, bytes, l, fd, name, err);
}

int
__wrap_sm_write_all(int fd, const void *buf, size_t len)
{
	if (!written)
		notes_first = notes_read;
	written = true;
	return __real_sm_write_all(fd, buf, len);
}

static void
on_notice(const char *text, void *arg)
{
	size_t n = strlen(noticed);

	(void)arg;
	snprintf(noticed + n, sizeof(noticed) - n, "%s\n", text);
}

/* What sm_cat() writes. */
static int
cat(struct sm_buf *out, int what, uint64_t first, uint64_t last,
    unsigned threads, struct sm_err *err)
{
	struct sm_cat_opts o = { .what = what,
				 .first = first,
				 .last = last,
				 .threads = threads,
				 .events = { .notice = on_notice } };
	struct sm_cat_result r;
	struct sm_map map;
	char path[32];
	int ret;

	noticed[0] = '\0';
	o.fd = memfd_create("text", MFD_CLOEXEC);
	assert_true(o.fd >= 0);
	ret = sm_cat(&r, finalfile_path, &o, err);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", o.fd);
	assert_int_equal(sm_map_open(&map, path, NULL), 0);
	assert_int_equal(r.text_bytes, map.size);
	sm_buf_clear(out);
	sm_buf_put(out, map.data, map.size);
	sm_map_close(&map);
	close(o.fd);
	return ret;
}

static void
assert_same(const struct sm_buf *got, const struct sm_buf *want)
{
	assert_int_equal(got->len, want->len);
	if (want->len)
		assert_memory_equal(got->data, want->data, want->len);
}

static uint64_t
left_out(uint64_t batch)
{
	return batch % 100 == 3 || batch % 100 == 4;
}

static void
test_all(void **state)
{
	struct sm_buf want = { 0 }, got = { 0 };
	struct finalfile ff = { 0 };
	unsigned i, n;

	(void)state;
	for (i = 0; i < 24; i++) {
		ff.notes = i & 2;
		ff.left_out = i & 4 ? left_out : NULL;
		n = i % 3 == 0 ? 0 : i % 3 == 1 ? 30 : 800;
		finalfile_make(&ff, n);
		assert_int_equal(cat(&got, SM_CAT_ALL, 0, 0, i % 5, NULL), 0);
		finalfile_text(&ff, &want, n, 0, UINT64_MAX, false);
		assert_same(&got, &want);
		assert_int_equal(!!strstr(noticed, "left out"),
				 ff.left_out && n > 0);
	}
	sm_buf_release(&want);
	sm_buf_release(&got);
}

/* Index notes before the first text of the whole file, and in all. */
static unsigned
notes_before(unsigned *all, int what, uint64_t last)
{
	struct sm_buf got = { 0 };

	notes_read = 0;
	written = false;
	assert_int_equal(cat(&got, what, 0, last, 1, NULL), 0);
	assert_true(written);
	sm_buf_release(&got);
	*all = notes_read;
	return notes_first;
}

/*
 * Once it was opened, text comes before all of the index is gone through again,
 * however long that is, unless only that says how much of it was left out.
 */
static void
test_first(void **state)
{
	struct finalfile ff = { 0 };
	unsigned few, many, before, all;

	(void)state;
	finalfile_make(&ff, 400);
	before = notes_before(&few, SM_CAT_ALL, 0);
	finalfile_make(&ff, 3200);
	assert_int_equal(notes_before(&many, SM_CAT_ALL, 0), before);
	assert_true(many > 3 * few && few > 2 * before);
	/* To find where they begin takes some, and fewer than half. */
	assert_true(notes_before(&all, SM_CAT_RECORDS, 3000) < many / 2);
	assert_string_equal(noticed, "");

	ff.left_out = left_out;
	finalfile_make(&ff, 3200);
	assert_true(notes_before(&all, SM_CAT_ALL, 0) <= before + 1);
	assert_ptr_equal(strstr(noticed, "64 batches of these were left out"),
			 noticed);
	notes_before(&all, SM_CAT_BATCHES, 303);
	assert_ptr_equal(strstr(noticed, "7 batches of these were left out"),
			 noticed);
	notes_before(&all, SM_CAT_ROWS, UINT64_MAX);
	assert_ptr_equal(strstr(noticed, "64 batches of these were left out"),
			 noticed);
}

/* Rows and records of each width from each start. */
static void
try_ranges(const struct finalfile *ff, unsigned n, bool exact)
{
	static const unsigned widths[] = { 1, 2, 10, 250, 5000 };
	struct sm_buf want = { 0 }, got = { 0 };
	uint64_t first, last, rows = 0, b, step = n > 100 ? 397 : 3;
	unsigned i;

	for (b = 0; b < n; b++)
		rows += BATCH_ROWS(b);
	for (i = 0; i < 5; i++)
		for (first = 0; first < rows; first += step) {
			last = first + widths[i] - 1;
			assert_int_equal(cat(&got, SM_CAT_ROWS, first, last,
					     1 + i % 3, NULL),
					 0);
			finalfile_text(ff, &want, n, first, last, false);
			if (exact)
				assert_same(&got, &want);
			else if (!strstr(noticed, "all lines"))
				assert_same(&got, &want);
			else if (want.len) /* these, among others */
				assert_non_null(memmem(got.data, got.len,
						       want.data, want.len));
			finalfile_text(ff, &want, n, first, last, true);
			if (want.len == 0)
				continue;
			assert_int_equal(cat(&got, SM_CAT_RECORDS, first, last,
					     1 + i % 3, NULL),
					 0);
			assert_same(&got, &want);
		}
	sm_buf_release(&want);
	sm_buf_release(&got);
}

static void
test_ranges(void **state)
{
	struct finalfile ff = { 0 };
	unsigned i;

	(void)state;
	for (i = 0; i < 8; i++) {
		ff.notes = i & 1;
		ff.drop = i & 2;
		ff.left_out = i & 4 ? left_out : NULL;
		finalfile_make(&ff, 30);
		try_ranges(&ff, 30, ff.notes || !ff.drop);
		if (!(i & 4)) {
			finalfile_make(&ff, 800);
			try_ranges(&ff, 800, ff.notes || !ff.drop);
		}
	}
}

static void
test_batches(void **state)
{
	struct sm_buf want = { 0 }, got = { 0 };
	struct finalfile ff = { .drop = true };
	struct sm_err err;
	uint64_t b, row;
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		ff.notes = i & 1;
		ff.left_out = left_out;
		finalfile_make(&ff, 800);
		for (b = row = 0; b < 800; row += BATCH_ROWS(b), b++) {
			if (left_out(b)) {
				assert_int_equal(cat(&got, SM_CAT_BATCHES, b, b,
						     1, &err),
						 SM_EINPUT);
				assert_non_null(strstr(err.text, "left out"));
				continue;
			}
			if (b % 7 && b > 110)
				continue;
			assert_int_equal(
				cat(&got, SM_CAT_BATCHES, b, b, 1, NULL), 0);
			if (BATCH_ROWS(b) == 0) {
				assert_int_equal(got.len, 0);
				continue;
			}
			finalfile_text(&ff, &want, 800, row,
				       row + BATCH_ROWS(b) - 1, false);
			assert_same(&got, &want);
		}
		assert_int_equal(cat(&got, SM_CAT_BATCHES, 800, 900, 1, &err),
				 SM_EINPUT);
		assert_int_equal(cat(&got, SM_CAT_BATCHES, 0, 10000, 2, &err),
				 0);
		finalfile_text(&ff, &want, 800, 0, UINT64_MAX, false);
		assert_same(&got, &want);
	}
	sm_buf_release(&want);
	sm_buf_release(&got);
}

static void
test_refused(void **state)
{
	struct finalfile ff = { .drop = true };
	struct sm_buf got = { 0 };
	struct sm_err err;

	(void)state;
	finalfile_make(&ff, 10);
	assert_int_equal(cat(&got, SM_CAT_ROWS, 5, 4, 1, &err), SM_EUSAGE);
	assert_int_equal(cat(&got, SM_CAT_ROWS, 100000, 100001, 1, &err),
			 SM_EINPUT);
	assert_non_null(strstr(err.text, "counted from 0"));
	assert_int_equal(
		cat(&got, SM_CAT_RECORDS, UINT64_MAX, UINT64_MAX, 1, &err),
		SM_EINPUT);
	assert_int_equal(cat(&got, SM_CAT_ROWS, 0, UINT64_MAX, 1, &err), 0);
	sm_buf_release(&got);
}

/* Damage: everything before the batch was written, on any number of threads. */
static void
test_damaged(void **state)
{
	struct sm_buf want = { 0 }, got = { 0 };
	struct finalfile ff = { .notes = true };
	struct sm_err err;
	uint64_t size;
	unsigned i;
	int fd;

	(void)state;
	for (i = 0; i < 6; i++) {
		size = finalfile_make(&ff, 300);
		fd = finalfile_open(0);
		assert_int_equal(pwrite(fd, "damage", 6, (off_t)(size / 2)), 6);
		close(fd);
		assert_int_equal(cat(&got, SM_CAT_ALL, 0, 0, 1 + i / 2, &err),
				 SM_EVERIFY);
		finalfile_text(&ff, &want, 300, 0, UINT64_MAX, false);
		assert_true(got.len > want.len / 4 && got.len < want.len);
	}
	sm_buf_release(&want);
	sm_buf_release(&got);
}

/* No index: from the start, and that is said. */
static void
test_without_index(void **state)
{
	struct sm_buf want = { 0 }, got = { 0 };
	struct finalfile ff = { .notes = true };
	struct sm_index_about about;
	struct sm_index_entry x;
	struct sm_index *index;
	struct sm_entry e;
	struct sm_err err;
	char command[400];

	(void)state;
	finalfile_make(&ff, 60);
	finalfile_text(&ff, &want, 60, 0, UINT64_MAX, false);
	snprintf(command, sizeof(command),
		 "gzip -dc %s | gzip >%s.x && mv %s.x %s", finalfile_path,
		 finalfile_path, finalfile_path, finalfile_path);
	assert_int_equal(system(command), 0);
	assert_int_equal(cat(&got, SM_CAT_ALL, 0, 0, 2, NULL), 0);
	assert_same(&got, &want);
	assert_non_null(strstr(noticed, "from the start"));
	assert_int_equal(cat(&got, SM_CAT_RECORDS, 100, 150, 2, NULL), 0);
	finalfile_text(&ff, &want, 60, 100, 150, true);
	assert_same(&got, &want);
	assert_int_equal(cat(&got, SM_CAT_ROWS, 100, 150, 2, &err), SM_EINPUT);
	assert_int_equal(cat(&got, SM_CAT_BATCHES, 1, 1, 2, &err), SM_EINPUT);
	assert_int_equal(cat(&got, SM_CAT_RECORDS, 999, 1000, 2, &err),
			 SM_EINPUT);
	assert_non_null(strstr(err.text, "has 574 records"));

	/* A shard alone. */
	e = finalfile_shard(&ff, 50, 0);
	assert_true(e.counts.records > 100);
	assert_int_equal(renameat(finalfile_dirfd, "000050.gz", finalfile_dirfd,
				  "final.gz"),
			 0);
	assert_int_equal(cat(&got, SM_CAT_ALL, 0, 0, 2, NULL), 0);
	assert_int_equal(got.len, e.sizes.raw_bytes);
	assert_string_equal(noticed, "");
	assert_int_equal(cat(&got, SM_CAT_BATCHES, 50, 50, 2, NULL), 0);
	assert_int_equal(got.len, e.sizes.raw_bytes);
	assert_int_equal(cat(&got, SM_CAT_BATCHES, 51, 51, 2, &err), SM_EINPUT);
	assert_int_equal(sm_index_open(&index, &about, finalfile_path, NULL),
			 0);
	assert_int_equal(about.first, 50);
	assert_int_equal(sm_index_next(&x, index, NULL), 1);
	assert_int_equal(x.batch, 50);
	assert_int_equal(sm_index_next(&x, index, NULL), 0);
	sm_index_close(index);

	/* Cut; followed by something; by zeros; nothing of it. */
	assert_int_equal(truncate(finalfile_path, (off_t)e.sizes.gz_bytes), 0);
	assert_int_equal(cat(&got, SM_CAT_ALL, 0, 0, 2, &err), SM_EVERIFY);
	assert_true(got.len > e.sizes.raw_bytes / 2);
	snprintf(command, sizeof(command),
		 "echo text | gzip >%s; echo more >>%s", finalfile_path,
		 finalfile_path);
	assert_int_equal(system(command), 0);
	assert_int_equal(cat(&got, SM_CAT_ALL, 0, 0, 2, &err), SM_EVERIFY);
	assert_int_equal(got.len, 5);
	snprintf(command, sizeof(command),
		 "echo text | gzip >%s; head -c 5000 /dev/zero >>%s",
		 finalfile_path, finalfile_path);
	assert_int_equal(system(command), 0);
	assert_int_equal(cat(&got, SM_CAT_ALL, 0, 0, 2, &err), 0);
	assert_int_equal(got.len, 5);
	snprintf(command, sizeof(command), "echo text >%s", finalfile_path);
	assert_int_equal(system(command), 0);
	assert_int_equal(cat(&got, SM_CAT_ALL, 0, 0, 2, &err), SM_EINPUT);
	sm_buf_release(&want);
	sm_buf_release(&got);
}

/* Cut at a note: what is there is given, and it is no whole final file. */
static void
test_cut_between(void **state)
{
	struct sm_buf want = { 0 }, got = { 0 };
	struct finalfile ff = { .notes = true };
	struct sm_index_about about;
	struct sm_index_entry e;
	struct sm_index *x;
	struct sm_err err;
	uint64_t size = finalfile_make(&ff, 60);
	uint64_t at[] = { 0, size - SM_GZIP_LAST_BYTES,
			  size - SM_GZIP_TAIL_BYTES };
	unsigned i;

	(void)state;
	assert_int_equal(sm_index_open(&x, &about, finalfile_path, NULL), 0);
	while (sm_index_next(&e, x, NULL) > 0)
		if (e.batch == 40)
			at[0] = e.at;
	sm_index_close(x);
	for (i = 3; i-- > 0;) {
		assert_int_equal(truncate(finalfile_path, (off_t)at[i]), 0);
		assert_int_equal(cat(&got, SM_CAT_ALL, 0, 0, 2, &err),
				 SM_EVERIFY);
		assert_non_null(strstr(err.text, "it ends too soon"));
		finalfile_text(&ff, &want, i > 0 ? 60 : 40, 0, UINT64_MAX,
			       false);
		assert_same(&got, &want);
	}
	/* What is there is there; more is not what it never had. */
	assert_int_equal(cat(&got, SM_CAT_RECORDS, 100, 150, 2, NULL), 0);
	assert_int_equal(cat(&got, SM_CAT_RECORDS, 560, 570, 2, &err),
			 SM_EVERIFY);
	sm_buf_release(&want);
	sm_buf_release(&got);
}

#define HOLE_BYTES ((uint64_t)5 << 30)

/* Places past 4 GiB: batch 0 is a hole, as large as it claims to be. */
static void
test_large(void **state)
{
	struct sm_entry hole = { .counts = { .rows = 10, .records = 10 },
				 .sizes = { .gz_bytes = HOLE_BYTES,
					    .raw_bytes = HOLE_BYTES } };
	struct sm_buf want = { 0 }, got = { 0 };
	struct finalfile ff = { .notes = true };
	struct sm_index_about about;
	struct sm_index_entry x;
	struct sm_index *index;
	struct sm_final f;
	struct sm_entry e;
	int fd;

	(void)state;
	e = finalfile_shard(&ff, 1, 0);
	finalfile_line(&want, 0, 1);
	fd = finalfile_open(O_CREAT | O_TRUNC);
	sm_final_begin(&f, fd, "f", FINGERPRINT);
	/* As if it were appended. */
	f.group.fingerprint = FINGERPRINT;
	sm_group_add(&f.group, &hole, false);
	f.at += HOLE_BYTES;
	f.raw_bytes = HOLE_BYTES;
	f.appended = 1;
	assert_int_equal(
		sm_final_append(&f, finalfile_dirfd, "000001.gz", &e, NULL), 0);
	assert_int_equal(sm_final_end(&f, NULL), 0);
	close(fd);
	assert_int_equal(sm_index_open(&index, &about, finalfile_path, NULL),
			 0);
	assert_int_equal(about.file_bytes, f.at);
	assert_int_equal(sm_index_next(&x, index, NULL), 1);
	assert_int_equal(sm_index_next(&x, index, NULL), 1);
	assert_int_equal(x.at, SM_GZIP_HEADER_BYTES + HOLE_BYTES);
	assert_int_equal(x.raw_at, HOLE_BYTES);
	sm_index_close(index);
	assert_int_equal(cat(&got, SM_CAT_BATCHES, 1, 1, 2, NULL), 0);
	assert_same(&got, &want);
	assert_int_equal(cat(&got, SM_CAT_ROWS, 10, 10, 2, NULL), 0);
	assert_same(&got, &want);
	assert_int_equal(unlinkat(finalfile_dirfd, "000001.gz", 0), 0);
	sm_buf_release(&want);
	sm_buf_release(&got);
}

static void
test_index(void **state)
{
	struct finalfile ff = { .left_out = left_out };
	struct sm_index_about about;
	struct sm_index_entry e;
	struct sm_batch_range run;
	struct sm_index *x;
	uint64_t size = finalfile_make(&ff, 800), n;

	(void)state;
	assert_int_equal(sm_index_open(&x, &about, finalfile_path, NULL), 0);
	assert_string_equal(about.fingerprint, "feedface01234567");
	assert_int_equal(about.batches, 800);
	assert_int_equal(about.missing, 16);
	assert_int_equal(about.file_bytes, size);
	for (n = 0; sm_index_next(&e, x, NULL) > 0; n += e.batches)
		assert_int_equal(e.batch, n);
	assert_int_equal(n, 800);
	sm_index_rewind(x);
	for (n = 0; sm_index_next_missing(&run, x, NULL) > 0; n++) {
		assert_int_equal(run.first, 100 * n + 3);
		assert_int_equal(run.last, 100 * n + 4);
	}
	assert_int_equal(n, 8);
	sm_index_close(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_without_index),
		cmocka_unit_test(test_cut_between),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_index),
	};

	return cmocka_run_group_tests(tests, finalfile_setup,
				      finalfile_teardown);
}
