/*
 * finalfile.h - final files of small batches, for tests
 *
 * Batch b has BATCH_ROWS(b) rows; row r of all rows gets the line "row r of
 * batch b …\n" unless it is dropped: finalfile_keeps(r).  With `notes` off a
 * batch is written as one of a command is, which says nothing of its rows.
 */
#ifndef FINALFILE_H
#define FINALFILE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "encoder.h"
#include "file.h"
#include "final.h"
#include "shard.h"

#define FINGERPRINT   UINT64_C(0xfeedface01234567)
#define BATCH_ROWS(b) ((b) % 7 + ((b) % 50 == 0 ? 200 : 0))

struct finalfile {
	bool notes;
	bool drop;                            /* rows are dropped */
	uint64_t (*left_out)(uint64_t batch); /* NULL: none */
};

static char finalfile_dir[] = "/tmp/test_final.XXXXXX";
static char finalfile_path[64];
static int finalfile_dirfd;
static struct sm_encoder *finalfile_encoder;

static int
finalfile_setup(void **state)
{
	(void)state;
	if (!mkdtemp(finalfile_dir) ||
	    sm_encoder_new(&finalfile_encoder, SM_ENCODER_BY_TEXT, 6, NULL) < 0)
		return -1;
	snprintf(finalfile_path, sizeof(finalfile_path), "%s/final.gz",
		 finalfile_dir);
	finalfile_dirfd = open(finalfile_dir, O_RDONLY | O_DIRECTORY);
	return finalfile_dirfd < 0 ? -1 : 0;
}

static int
finalfile_teardown(void **state)
{
	(void)state;
	sm_encoder_free(finalfile_encoder);
	unlinkat(finalfile_dirfd, "final.gz", 0);
	close(finalfile_dirfd);
	return rmdir(finalfile_dir); /* fails if a test left something */
}

static inline bool
finalfile_keeps(const struct finalfile *ff, uint64_t row)
{
	return !ff->drop || row * 2654435761u % 10 < 7;
}

static inline void
finalfile_line(struct sm_buf *b, uint64_t row, uint64_t batch)
{
	sm_buf_printf(b, "row %u of batch %u %.*s\n", (unsigned)row,
		      (unsigned)batch, (int)(row % 60),
		      "aaaaaaaabbbbbbbbbbbbbbbbbbbccccccccccccccccccccddddddd");
}

/* The shard 000NNN.gz of `batch`, whose first row is `row`. */
static inline struct sm_entry
finalfile_shard(const struct finalfile *ff, uint64_t batch, uint64_t row)
{
	struct sm_entry e = { .fingerprint = FINGERPRINT,
			      .counts.rows = BATCH_ROWS(batch) };
	struct sm_buf b = { 0 };
	struct sm_shard *s;
	uint64_t k;
	bool keeps;

	assert_int_equal(sm_shard_open(&s, finalfile_dirfd, batch, 6, 1, NULL),
			 0);
	assert_int_equal(sm_encoder_begin(finalfile_encoder, s, NULL), 0);
	for (k = 0; k < e.counts.rows; k++) {
		keeps = finalfile_keeps(ff, row + k);
		if (ff->notes)
			assert_false(sm_shard_row(s, keeps));
		if (!keeps)
			continue;
		finalfile_line(&b, row + k, batch);
		e.counts.records++;
	}
	assert_int_equal(sm_encoder_write(finalfile_encoder,
					  b.data ? b.data : "", b.len, NULL),
			 0);
	assert_int_equal(sm_encoder_align(finalfile_encoder, NULL), 0);
	if (sm_shard_note_is_due(s))
		assert_int_equal(sm_shard_note(s, NULL), 0);
	assert_int_equal(sm_shard_finish(&e, s, false, NULL), 0);
	assert_int_equal(sm_shard_publish(s, NULL), 0);
	sm_shard_free(s);
	sm_buf_release(&b);
	return e;
}

static inline int
finalfile_open(int flags)
{
	int fd = openat(finalfile_dirfd, "final.gz", O_RDWR | flags, 0600);

	assert_true(fd >= 0);
	return fd;
}

/* Add batch `b`, whose first row is `row`. */
static inline void
finalfile_add(const struct finalfile *ff, struct sm_final *f, uint64_t b,
	      uint64_t row)
{
	struct sm_entry e = { .counts.rows = BATCH_ROWS(b) };
	char name[SM_SHARD_NAME_MAX];

	if (ff->left_out && ff->left_out(b)) {
		assert_int_equal(sm_final_skip(f, &e, NULL), 0);
		return;
	}
	e = finalfile_shard(ff, b, row);
	sm_shard_name(name, b, 6);
	assert_int_equal(sm_final_append(f, finalfile_dirfd, name, &e, NULL),
			 0);
	assert_int_equal(unlinkat(finalfile_dirfd, name, 0), 0);
}

/* A final file of `n` batches; its size. */
static inline uint64_t
finalfile_make(const struct finalfile *ff, uint64_t n)
{
	struct sm_final f;
	uint64_t b, row = 0;
	int fd = finalfile_open(O_CREAT | O_TRUNC);

	sm_final_begin(&f, fd, "f", FINGERPRINT);
	for (b = 0; b < n; row += BATCH_ROWS(b), b++)
		finalfile_add(ff, &f, b, row);
	assert_int_equal(sm_final_end(&f, NULL), 0);
	assert_int_equal(f.noted, n);
	close(fd);
	return f.at;
}

/*
 * The lines of rows `first` to `last` of a file of `n` batches; or, by
 * `records`, its lines of these numbers.
 */
static inline void
finalfile_text(const struct finalfile *ff, struct sm_buf *text, uint64_t n,
	       uint64_t first, uint64_t last, bool records)
{
	uint64_t b, k, row = 0, record = 0, at;

	sm_buf_clear(text);
	for (b = 0; b < n; b++)
		for (k = 0; k < BATCH_ROWS(b); k++, row++) {
			if (!finalfile_keeps(ff, row) ||
			    (ff->left_out && ff->left_out(b)))
				continue;
			at = records ? record : row;
			record++;
			if (at >= first && at <= last)
				finalfile_line(text, row, b);
		}
}

#endif /* FINALFILE_H */
