#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <zlib.h>

#include "finalfile.h"

static void
take(struct sm_buf *b, const char *path)
{
	struct sm_map map;

	sm_buf_clear(b);
	assert_int_equal(sm_map_open(&map, path, NULL), 0);
	sm_buf_put(b, map.data, map.size);
	sm_map_close(&map);
}

static void
put(const void *a, size_t len)
{
	int fd = finalfile_open(O_CREAT | O_TRUNC);

	assert_int_equal(sm_write_all(fd, a, len), 0);
	close(fd);
}

/* ------------------------------------------------------------------- check --
 */

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

static struct sm_final_report
check(void)
{
	struct sm_final_report r = { .found = on_found };
	struct sm_err err;

	seen[0] = '\0';
	if (sm_final_check(&r, finalfile_path, &err) < 0)
		fail_msg("%s", err.text);
	return r;
}

/* The text as zlib reads one member, and nothing after it. */
static void
assert_reads(const struct sm_buf *file, const struct sm_buf *text)
{
	unsigned char *out = malloc(text->len + 1);
	z_stream z = { .next_in = (unsigned char *)file->data,
		       .avail_in = (uInt)file->len };

	assert_non_null(out);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	z.next_out = out;
	z.avail_out = (uInt)text->len + 1;
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	assert_int_equal(z.total_out, text->len);
	if (text->len)
		assert_memory_equal(out, text->data, text->len);
	inflateEnd(&z);
	free(out);
}

static uint64_t
left_out(uint64_t batch)
{
	return batch % 20 == 3 || batch % 20 == 4;
}

static void
test_whole(void **state)
{
	static const unsigned counts[] = { 0, 1, 3, 15, 16, 17, 32, 1000 };
	struct finalfile ff = { .notes = true };
	struct sm_buf text = { 0 }, file = { 0 };
	struct sm_final_report r;
	uint64_t b, missing;
	unsigned i, n;

	(void)state;
	for (i = 0; i < 4 * sizeof(counts) / sizeof(*counts); i++) {
		n = counts[i / 4];
		ff.drop = i & 1;
		ff.left_out = i & 2 ? left_out : NULL;
		for (b = missing = 0; b < n; b++)
			missing += (i & 2) && left_out(b);
		finalfile_make(&ff, n);
		finalfile_text(&ff, &text, n, 0, UINT64_MAX, false);
		take(&file, finalfile_path);
		assert_reads(&file, &text);
		r = check();
		assert_string_equal(seen, "");
		assert_int_equal(r.batches, n - missing);
		assert_int_equal(r.missing, missing);
		assert_int_equal(r.raw_bytes, text.len);
	}
	sm_buf_release(&text);
	sm_buf_release(&file);
}

/* A shard is the final file of its batch, byte for byte. */
static void
test_shard_is_final(void **state)
{
	struct finalfile ff = { .notes = true, .drop = true };
	struct sm_buf shard = { 0 }, file = { 0 };
	struct sm_final f;
	struct sm_entry e;
	char path[128], name[SM_SHARD_NAME_MAX];
	uint64_t batch;
	int fd;

	(void)state;
	for (batch = 0; batch < 120; batch++) {
		e = finalfile_shard(&ff, batch, 7 * batch);
		sm_shard_name(name, batch, 6);
		fd = finalfile_open(O_CREAT | O_TRUNC);
		sm_final_begin(&f, fd, "f", FINGERPRINT);
		f.first = batch;
		assert_int_equal(
			sm_final_append(&f, finalfile_dirfd, name, &e, NULL),
			0);
		assert_int_equal(f.body_at, SM_GZIP_HEADER_BYTES);
		assert_int_equal(sm_final_end(&f, NULL), 0);
		close(fd);
		snprintf(path, sizeof(path), "%s/%s", finalfile_dir, name);
		take(&shard, path);
		take(&file, finalfile_path);
		assert_int_equal(shard.len, file.len);
		assert_int_equal(sm_shard_bytes(batch, &e), file.len);
		assert_memory_equal(shard.data, file.data, file.len);
		assert_int_equal(unlinkat(finalfile_dirfd, name, 0), 0);
		check();
		assert_string_equal(seen, "");
	}
	sm_buf_release(&shard);
	sm_buf_release(&file);
}

/* Every bit of small files is checked, and is one finding. */
static void
flip_all_bits(const struct finalfile *ff, unsigned batches)
{
	uint64_t size = finalfile_make(ff, batches), i;
	int fd = finalfile_open(0);
	unsigned char *p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	assert_true(p != MAP_FAILED);
	for (i = 0; i < size * 8; i++) {
		p[i / 8] ^= (unsigned char)(1u << i % 8);
		if (check().findings != 1)
			fail_msg("bit %d of byte %d of %d: %s", (int)(i % 8),
				 (int)(i / 8), (int)size, seen);
		p[i / 8] ^= (unsigned char)(1u << i % 8);
	}
	check();
	assert_string_equal(seen, "");
	munmap(p, (size_t)size);
	close(fd);
}

static void
test_bit_flips(void **state)
{
	struct finalfile ff = { .notes = true, .drop = true };

	(void)state;
	flip_all_bits(&ff, 3);
	flip_all_bits(&ff, 1);
	flip_all_bits(&ff, 0);
}

static void
test_truncations(void **state)
{
	struct finalfile ff = { .notes = true };
	struct sm_final_report r;
	struct sm_err err = { 0 };
	uint64_t size = finalfile_make(&ff, 40), marked = size;
	int ret;

	(void)state;
	while (--size > 0) {
		assert_int_equal(truncate(finalfile_path, (off_t)size), 0);
		seen[0] = '\0';
		r = (struct sm_final_report){ .found = on_found };
		ret = sm_final_check(&r, finalfile_path, &err);
		if (ret == SM_EINPUT)
			continue; /* not one note is left */
		assert_int_equal(ret, 0);
		assert_string_equal(seen, "truncated:-1 ");
		assert_true(size < marked); /* below there is no mark */
		marked = size;
	}
	assert_non_null(strstr(err.text, "gzip -t"));
}

static void
test_truncation_text(void **state)
{
	struct finalfile ff = { .notes = true };
	struct sm_final_report r;
	struct sm_gzip_end end, none;
	enum sm_final_state is;
	uint64_t size = finalfile_make(&ff, 200);
	int fd = finalfile_open(0);

	(void)state;
	assert_int_equal(sm_final_read_end(&is, &end, fd, "f", size, NULL), 0);
	assert_int_equal(is, SM_FINAL_WHOLE);
	assert_int_equal(end.batches, 200);
	assert_true(end.fingerprint == FINGERPRINT);
	assert_int_equal(sm_final_read_end(&is, &none, fd, "f", size - 1, NULL),
			 0);
	assert_int_equal(is, SM_FINAL_NONE);
	assert_int_equal(ftruncate(fd, (off_t)end.last_at + 60), 0);
	close(fd);
	r = check();
	assert_true(r.batches > 150 && r.batches < 200);
	assert_non_null(strstr(last_text, "whole up to batch"));
	assert_non_null(strstr(last_text, "its end is missing"));
}

static void
test_trailing(void **state)
{
	static const size_t lengths[] = { 1, 9, 108, 109, 119, 512, 100000 };
	struct finalfile ff = { .notes = true };
	struct sm_buf file = { 0 };
	struct sm_final_report r;
	char *more = calloc(1, 100000);
	size_t i, whole;
	int fill;

	(void)state;
	finalfile_make(&ff, 500);
	take(&file, finalfile_path);
	whole = file.len;
	for (fill = 0; fill < 256; fill += 85)
		for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
			memset(more, fill, lengths[i]);
			file.len = whole;
			sm_buf_put(&file, more, lengths[i]);
			put(file.data, file.len);
			r = check();
			assert_string_equal(seen, "trailing:-1 ");
			assert_int_equal(r.batches, 500);
		}
	/* Itself once more. */
	file.len = whole;
	sm_buf_put(&file, file.data, whole);
	put(file.data, file.len);
	assert_true(check().findings > 0);
	sm_buf_release(&file);
	free(more);
}

/* Damage in one body: one finding, that batch, the others are whole. */
static void
test_one_damaged(void **state)
{
	struct finalfile ff = { .notes = true };
	struct sm_final f;
	struct sm_final_report r;
	uint64_t b, row = 0, at = 0;
	int fd = finalfile_open(O_CREAT | O_TRUNC);

	(void)state;
	sm_final_begin(&f, fd, "f", FINGERPRINT);
	for (b = 0; b < 60; row += BATCH_ROWS(b), b++) {
		finalfile_add(&ff, &f, b, row);
		if (b == 33)
			at = f.body_at;
	}
	assert_int_equal(sm_final_end(&f, NULL), 0);
	assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, (off_t)at), 4);
	close(fd);
	r = check();
	assert_string_equal(seen, "deflate:33 ");
	assert_int_equal(r.batches, 59);
}

/* A damaged index note: the batches that it spoke of, and no others. */
static void
test_index_damaged(void **state)
{
	struct finalfile ff = { .notes = true };
	struct sm_buf file = { 0 };
	struct sm_final_report r;
	struct sm_note n;
	uint64_t size = finalfile_make(&ff, 200);
	size_t at, notes = 0;

	(void)state;
	take(&file, finalfile_path);
	for (at = 0; at < size && notes < 3; at++)
		notes += sm_note_get(&n, (unsigned char *)file.data + at,
				     (size_t)(size - at)) &&
			 n.type == SM_NOTE_INDEX;
	file.data[at + 20] ^= 4;
	put(file.data, file.len);
	r = check();
	assert_int_equal(r.findings, 1);
	assert_memory_equal(seen, "index:1", 7);
	assert_true(r.batches > 100 && r.batches < 190);
	assert_non_null(strstr(last_text, "the index of batch 1"));

	/* Something between two bodies: what is after it is elsewhere. */
	size = finalfile_make(&ff, 200);
	take(&file, finalfile_path);
	sm_buf_puts(&file, "......");
	memmove(file.data + size / 2 + 6, file.data + size / 2,
		(size_t)size / 2);
	put(file.data, (size_t)size + 6);
	assert_true(check().findings > 0);
	sm_buf_release(&file);
}

static void
test_not_ours(void **state)
{
	struct sm_final_report r = { .found = on_found };
	struct sm_buf file = { 0 };
	struct sm_err err = { 0 };
	struct finalfile ff = { .notes = true };
	char command[128];
	unsigned char note[SM_NOTE_BYTES_MAX];
	size_t n, i;

	(void)state;
	snprintf(command, sizeof(command), "echo text | gzip > '%s'",
		 finalfile_path);
	assert_int_equal(system(command), 0);
	assert_int_equal(sm_final_check(&r, finalfile_path, &err), SM_EINPUT);
	assert_non_null(strstr(err.text, "bears no mark of shardmill"));
	put("", 0);
	assert_int_equal(sm_final_check(&r, finalfile_path, &err), SM_EINPUT);
	unlinkat(finalfile_dirfd, "final.gz", 0);
	assert_int_equal(sm_final_check(&r, finalfile_path, &err), SM_EINPUT);
	assert_int_equal(sm_final_check(&r, finalfile_dir, &err), SM_EINPUT);

	/* Of a version to come: the note says it, if its CRC is right. */
	finalfile_make(&ff, 0);
	take(&file, finalfile_path);
	n = sm_note_put(note, NULL, SM_NOTE_INDEX + 16, (unsigned char *)"", 0);
	for (i = 0; i < n; i++)
		file.data[SM_GZIP_HEADER_BYTES + i] = (char)note[i];
	put(file.data, file.len);
	assert_int_equal(sm_final_check(&r, finalfile_path, &err), SM_EINPUT);
	assert_non_null(strstr(err.text, "is of version"));
	sm_buf_release(&file);
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
	struct finalfile ff = { .notes = true };
	struct sm_err err = { 0 };
	int calls = 0;
	struct sm_final_report r = { .progress = stop_at_once, .arg = &calls };

	(void)state;
	finalfile_make(&ff, 3);
	assert_int_equal(sm_final_check(&r, finalfile_path, &err), SM_ESTOPPED);
	assert_int_equal(calls, 1);
}

/* ------------------------------------------------------------------- write --
 */

/* A shard that is not the recorded one never goes in. */
static void
test_append_checks(void **state)
{
	struct finalfile ff = { .notes = true };
	struct sm_entry e = finalfile_shard(&ff, 7, 70), other;
	struct sm_final f;
	struct sm_err err = { 0 };
	int fd = finalfile_open(O_CREAT | O_TRUNC), dir = finalfile_dirfd, full;

	(void)state;
	e = finalfile_shard(&ff, 8, 70);
	sm_final_begin(&f, fd, "f", FINGERPRINT);
	f.first = 8;
	other = e;
	other.sizes.gz_bytes++;
	assert_int_equal(sm_final_append(&f, dir, "000008.gz", &other, &err),
			 SM_EVERIFY);
	assert_int_equal(f.appended, 0);
	other = e;
	other.sizes.gz_crc32 ^= 1;
	assert_int_equal(sm_final_append(&f, dir, "000008.gz", &other, &err),
			 SM_EVERIFY);
	assert_non_null(strstr(err.text, "'000008.gz'"));
	other = e;
	other.fingerprint ^= 1;
	assert_int_equal(sm_final_append(&f, dir, "000008.gz", &other, &err),
			 SM_EVERIFY);
	assert_int_equal(sm_final_append(&f, dir, "000007.gz", &e, &err),
			 SM_EVERIFY);
	assert_int_equal(sm_final_append(&f, dir, "000009.gz", &e, &err),
			 SM_EVERIFY);
	assert_int_equal(symlinkat("000008.gz", dir, "000009.gz"), 0);
	assert_int_equal(sm_final_append(&f, dir, "000009.gz", &e, &err),
			 SM_EVERIFY);
	full = open("/dev/full", O_WRONLY);
	sm_final_begin(&f, full, "f", FINGERPRINT);
	f.first = 8;
	assert_int_equal(sm_final_append(&f, dir, "000008.gz", &e, &err),
			 SM_ENOSPC);
	assert_int_equal(sm_final_end(&f, &err), SM_ENOSPC);
	close(full);
	close(fd);
	unlinkat(dir, "000007.gz", 0);
	unlinkat(dir, "000008.gz", 0);
	unlinkat(dir, "000009.gz", 0);
}

#define BATCHES 60

/* What is in the file at any length of it is taken up, and no more. */
static void
test_resume(void **state)
{
	struct finalfile ff = { .notes = true, .drop = true };
	struct sm_entry e[BATCHES];
	struct sm_buf want = { 0 }, got = { 0 };
	char name[SM_SHARD_NAME_MAX];
	struct sm_final f;
	uint64_t size = finalfile_make(&ff, BATCHES), b, row = 0, cut;
	bool stands;
	int fd;

	(void)state;
	take(&want, finalfile_path);
	for (b = 0; b < BATCHES; row += BATCH_ROWS(b), b++) {
		e[b] = finalfile_shard(&ff, b, row);
		/* As rows have it: it is not known, or is the job's. */
		e[b].fingerprint = b % 2 ? FINGERPRINT : 0;
	}
	for (cut = 0; cut <= size + 7; cut += 37) {
		put(want.data, (size_t)(cut < size ? cut : size));
		fd = finalfile_open(0);
		sm_final_begin(&f, fd, "f", FINGERPRINT);
		stands = true;
		while (f.appended < BATCHES && stands)
			assert_int_equal(sm_final_resume(&stands, &f,
							 &e[f.appended], NULL),
					 0);
		if (cut >= size)
			assert_int_equal(f.appended, BATCHES);
		assert_true(f.at <= cut + SM_GROUP_BYTES_MAX);
		while (f.appended < BATCHES) {
			sm_shard_name(name, f.appended, 6);
			assert_int_equal(sm_final_append(&f, finalfile_dirfd,
							 name, &e[f.appended],
							 NULL),
					 0);
		}
		stands = true;
		assert_int_equal(sm_final_resume_end(&stands, &f, NULL), 0);
		assert_int_equal(stands, cut >= size);
		if (!stands)
			assert_int_equal(sm_final_end(&f, NULL), 0);
		assert_int_equal(f.at, size);
		close(fd);
		take(&got, finalfile_path);
		assert_int_equal(got.len, want.len);
		assert_memory_equal(got.data, want.data, want.len);
	}
	for (b = 0; b < BATCHES; b++) {
		sm_shard_name(name, b, 6);
		unlinkat(finalfile_dirfd, name, 0);
	}
	sm_buf_release(&want);
	sm_buf_release(&got);
}

/* The end of another file does not stand, even if it is as long. */
static void
test_resume_other_end(void **state)
{
	struct finalfile ff = { .notes = true };
	uint64_t size = finalfile_make(&ff, 5), i;
	struct sm_final f, before;
	struct sm_entry e;
	unsigned char *p;
	bool stands;
	int fd = finalfile_open(0);

	(void)state;
	p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(p != MAP_FAILED);
	sm_final_begin(&f, fd, "f", FINGERPRINT);
	for (i = 0; i < 5; i++) {
		e = finalfile_shard(&ff, i, i == 0 ? 0 : 200 + i * (i - 1) / 2);
		assert_int_equal(sm_final_resume(&stands, &f, &e, NULL), 0);
		assert_true(stands);
	}
	before = f;
	for (i = f.at; i < size; i++) {
		p[i] ^= 1;
		f = before;
		assert_int_equal(sm_final_resume_end(&stands, &f, NULL), 0);
		assert_false(stands);
		p[i] ^= 1;
	}
	assert_int_equal(sm_final_resume_end(&stands, &f, NULL), 0);
	assert_true(stands);
	assert_int_equal(f.noted, 5);
	munmap(p, (size_t)size);
	close(fd);
	for (i = 0; i < 5; i++) {
		char name[SM_SHARD_NAME_MAX];

		sm_shard_name(name, i, 6);
		unlinkat(finalfile_dirfd, name, 0);
	}
}

/* Batches of other options: groups end there, whoever appends. */
static void
test_fingerprints(void **state)
{
	struct finalfile ff = { .notes = true };
	struct sm_buf one = { 0 }, two = { 0 };
	struct sm_final f, again;
	struct sm_group first;
	struct sm_entry e[6];
	uint64_t b, at[6], half = 0;
	bool known;
	char copy[128];
	int fd = finalfile_open(O_CREAT | O_TRUNC), from;

	(void)state;
	sm_final_begin(&f, fd, "f", FINGERPRINT);
	for (b = 0; b < 6; b++) {
		e[b] = finalfile_shard(&ff, b + 1, 0);
		e[b].fingerprint = FINGERPRINT + b / 2;
		unlinkat(finalfile_dirfd, "000001.gz", 0);
	}
	close(fd);
	/* From bodies that are in another file, which say nothing of it. */
	finalfile_make(&ff, 7);
	snprintf(copy, sizeof(copy), "%s/copy.gz", finalfile_dir);
	assert_int_equal(rename(finalfile_path, copy), 0);
	from = open(copy, O_RDONLY);
	assert_true(from >= 0);
	unlink(copy);
	sm_final_begin(&f, from, "copy", FINGERPRINT);
	for (b = 0; b < 7; b++) {
		struct sm_entry is = b > 0 ? e[b - 1] : (struct sm_entry){ 0 };

		is = finalfile_shard(&ff, b,
				     b == 0 ? 0 : 200 + b * (b - 1) / 2);
		assert_int_equal(sm_final_resume(&known, &f, &is, NULL), 0);
		assert_true(known);
		if (b > 0) {
			at[b - 1] = f.body_at;
			e[b - 1] = is;
			e[b - 1].fingerprint = FINGERPRINT + (b - 1) / 2;
		}
		snprintf(copy, sizeof(copy), "%06d.gz", (int)b);
		unlinkat(finalfile_dirfd, copy, 0);
	}
	fd = finalfile_open(O_CREAT | O_TRUNC);
	sm_final_begin(&again, fd, "f", FINGERPRINT);
	for (b = 0; b < 6; b++) {
		assert_int_equal(sm_final_append_from(&again, from, at[b],
						      "copy", &e[b], NULL),
				 0);
		if (b == 4)
			half = again.at;
	}
	assert_int_equal(again.noted, 4);
	assert_int_equal(
		sm_final_owner(&known, &first, fd, "f", again.at, NULL), 0);
	assert_true(known && first.fingerprint == FINGERPRINT);
	assert_int_equal(sm_final_end(&again, NULL), 0);
	close(fd);
	take(&one, finalfile_path);
	check();
	assert_string_equal(seen, "");
	/* Taken up in the midst, it is the same file. */
	put(one.data, (size_t)half);
	fd = finalfile_open(0);
	sm_final_begin(&again, fd, "f", FINGERPRINT);
	for (b = 0, known = true; b < 6 && known; b += known)
		assert_int_equal(sm_final_resume(&known, &again, &e[b], NULL),
				 0);
	assert_true(b >= 3);
	for (; b < 6; b++)
		assert_int_equal(sm_final_append_from(&again, from, at[b],
						      "copy", &e[b], NULL),
				 0);
	assert_int_equal(sm_final_end(&again, NULL), 0);
	close(fd);
	close(from);
	take(&two, finalfile_path);
	assert_int_equal(one.len, two.len);
	assert_memory_equal(one.data, two.data, two.len);
	sm_buf_release(&one);
	sm_buf_release(&two);
}

/* A thousand batches without text between two with: a short stretch. */
static void
test_without_text(void **state)
{
	struct finalfile ff = { .notes = true };
	struct sm_entry e = finalfile_shard(&ff, 1, 0), none = { 0 };
	struct sm_final f;
	uint64_t i, end;
	int fd = finalfile_open(O_CREAT | O_TRUNC), from;

	(void)state;
	from = openat(finalfile_dirfd, "000001.gz", O_RDONLY);
	assert_true(from >= 0);
	none.counts.rows = 500;
	sm_final_begin(&f, fd, "f", FINGERPRINT);
	for (i = 0; i < 3000; i++) {
		/* As lines that were cut by bytes have them. */
		none.counts.rows = 500 + i % 7;
		none.counts.tally[SM_TALLY_SKIPPED] = i % 7;
		if (i % 1000 == 999)
			assert_int_equal(sm_final_append_from(
						 &f, from, SM_GZIP_HEADER_BYTES,
						 "000001.gz", &e, NULL),
					 0);
		end = f.at;
		if (i % 1001 == 17)
			assert_int_equal(sm_final_skip(&f, &none, NULL), 0);
		else
			assert_int_equal(sm_final_append_from(&f, from, 0,
							      "000001.gz",
							      &none, NULL),
					 0);
		assert_in_range(f.at - end, 0, SM_GROUP_BYTES_MAX);
	}
	assert_true(f.at < 3 * (e.sizes.gz_bytes + 3600));
	assert_int_equal(sm_final_end(&f, NULL), 0);
	close(fd);
	close(from);
	unlinkat(finalfile_dirfd, "000001.gz", 0);
	check();
	assert_string_equal(seen, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_shard_is_final),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_truncation_text),
		cmocka_unit_test(test_trailing),
		cmocka_unit_test(test_one_damaged),
		cmocka_unit_test(test_index_damaged),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_append_checks),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_resume_other_end),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_without_text),
	};

	return cmocka_run_group_tests(tests, finalfile_setup,
				      finalfile_teardown);
}
