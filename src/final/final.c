/*
 * final.c - the writer of final files
 *
 * There is one, for files that grow and for files that are written at once, so
 * that their bytes are the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#include "body.h"
#include "crc32.h"
#include "pad.h"

#include "final_bytes.h"

#include "final.h"

void
sm_final_begin(struct sm_final *f, int fd, const char *name,
	       uint64_t fingerprint)
{
	*f = (struct sm_final){ .fd = fd,
				.name = name,
				.fingerprint = fingerprint,
				.at = SM_GZIP_HEADER_BYTES,
				.group.at = SM_GZIP_HEADER_BYTES };
}

/* ----------------------------------------------------------------- groups --
 */

/* What is to be written before the next body. */
struct due {
	struct sm_group group; /* that the body goes into */
	uint64_t last_at, noted;
	size_t len;
	unsigned char bytes[SM_GROUP_BYTES_MAX + SM_PAD_QUIET_MAX];
};

/* Close the open group: its note, and the group after it. */
static void
due_note(struct due *d, const struct sm_final *f)
{
	uint64_t at = f->at + d->len;
	uint32_t crc;
	size_t n;

	n = sm_group_put(d->bytes + d->len, &crc, &d->group);
	sm_group_next(&d->group, &d->group, at, n, crc);
	d->last_at = at;
	d->noted = f->appended;
	d->len += n;
}

/* Bytes of notes that end where the file does: they give a reader no text. */
static int
final_quiet(uint64_t *quiet, const struct sm_final *f, struct sm_err *err)
{
	unsigned char buf[SM_PAD_QUIET_MAX];
	uint64_t blocks = (f->at - SM_GZIP_HEADER_BYTES) / SM_NOTE_BLOCK_BYTES;
	const unsigned char *p;
	size_t len;
	ssize_t n;

	if (blocks > sizeof(buf) / SM_NOTE_BLOCK_BYTES)
		blocks = sizeof(buf) / SM_NOTE_BLOCK_BYTES;
	len = (size_t)blocks * SM_NOTE_BLOCK_BYTES;
	n = sm_pread_full(f->fd, buf, len, f->at - len);
	if (n < 0)
		return sm_err_sys(err, "cannot read the final file '%s'",
				  f->name);
	if ((size_t)n < len) /* nothing that goes on from here will stand */
		len = 0;
	for (*quiet = 0; *quiet < len; *quiet += SM_NOTE_BLOCK_BYTES) {
		p = buf + len - *quiet - SM_NOTE_BLOCK_BYTES;
		if (memcmp(p, sm_note_mark, SM_NOTE_MARK_BYTES) != 0)
			break;
	}
	return 0;
}

/* A large body goes where it can be shared with its shard. */
static int
due_padding(struct due *d, const struct sm_final *f, uint64_t bytes,
	    struct sm_err *err)
{
	uint64_t quiet;
	size_t n;
	int ret = final_quiet(&quiet, f, err);

	if (ret < 0)
		return ret;
	n = sm_pad_before(f->at + d->len, quiet + d->len, bytes);
	sm_pad_put(d->bytes + d->len, n);
	sm_group_shift(&d->group, n);
	d->len += n;
	return 0;
}

/* Before that batch: a note, or nothing; then padding, or nothing. */
static int
final_due(struct due *d, const struct sm_final *f, uint64_t fingerprint,
	  uint64_t bytes, struct sm_err *err)
{
	d->group = f->group;
	d->last_at = f->last_at;
	d->noted = f->noted;
	d->len = 0;
	if (f->appended == 0)
		d->group.batch = f->first;
	if (d->group.entries > 0 &&
	    (d->group.fingerprint != fingerprint || bytes >= SM_PAD_FROM))
		due_note(d, f);
	d->group.fingerprint = fingerprint;
	if (bytes < SM_PAD_FROM)
		return 0;
	return due_padding(d, f, bytes, err);
}

/* The batch, whose body is in its place, counts. */
static void
final_count(struct sm_final *f, const struct due *d, const struct sm_entry *e,
	    bool missing)
{
	f->group = d->group;
	f->last_at = d->last_at;
	f->noted = d->noted;
	f->at += d->len;
	f->body_at = f->at;
	f->appended++;
	sm_group_add(&f->group, e, missing);
	if (missing) {
		f->missing++;
		return;
	}
	f->at += e->sizes.gz_bytes;
	f->raw_bytes += e->sizes.raw_bytes;
	f->raw_crc32 = sm_crc32_combine(f->raw_crc32, e->sizes.raw_crc32,
					e->sizes.raw_bytes);
}

/* The note of the group that is full, or ends with the file. */
static void
final_close(struct sm_final *f, struct due *d)
{
	d->group = f->group;
	d->len = 0;
	due_note(d, f);
	f->group = d->group;
	f->last_at = d->last_at;
	f->noted = d->noted;
	f->at += d->len;
}

/* A batch whose body is written: the rest of it. */
static int
final_put(struct sm_final *f, struct due *d, const struct sm_entry *e,
	  bool missing, struct sm_err *err)
{
	struct sm_final before = *f;
	uint64_t at;
	int ret = 0;

	if (f->appended == 0)
		ret = sm_final_write(f, sm_gzip_header, SM_GZIP_HEADER_BYTES, 0,
				     err);
	if (ret == 0 && d->len > 0)
		ret = sm_final_write(f, d->bytes, d->len, f->at, err);
	if (ret < 0)
		return ret;
	final_count(f, d, e, missing);
	if (!sm_group_is_full(&f->group))
		return 0;
	at = f->at;
	final_close(f, d);
	ret = sm_final_write(f, d->bytes, d->len, at, err);
	if (ret < 0) {
		before.behind = f->behind;
		*f = before;
	}
	return ret;
}

/* ----------------------------------------------------------------- append --
 */

int
sm_final_append_from(struct sm_final *f, int fd, uint64_t at, const char *name,
		     const struct sm_entry *expect, struct sm_err *err)
{
	uint64_t fingerprint = expect->fingerprint;
	uint64_t size = expect->sizes.gz_bytes;
	struct due d;
	uint32_t crc;
	int ret;

	if (fingerprint == 0)
		fingerprint = f->fingerprint;
	ret = final_due(&d, f, fingerprint, size, err);
	/* The body first: a note before it counts only if it does. */
	if (ret == 0)
		ret = sm_final_copy(
			&crc, f, (struct sm_final_source){ fd, name, at, size },
			f->at + d.len, err);
	if (ret < 0)
		return ret;
	if (crc != expect->sizes.gz_crc32)
		return sm_err_set(err, SM_EVERIFY,
				  "shard '%s' is damaged: its CRC is %08" PRIx32
				  ", not %08" PRIx32,
				  name, crc, expect->sizes.gz_crc32);
	return final_put(f, &d, expect, false, err);
}

int
sm_final_append(struct sm_final *f, int dirfd, const char *name,
		const struct sm_entry *expect, struct sm_err *err)
{
	struct sm_entry e = *expect;
	const char *damage;
	struct sm_shard_file file = { dirfd, name, f->first + f->appended };
	int fd = -1;
	int ret = sm_shard_open_file(&fd, &damage, &e, &file, err);

	if (ret == 0)
		ret = sm_final_append_from(f, fd, SM_GZIP_HEADER_BYTES, name,
					   &e, err);
	if (fd >= 0)
		close(fd);
	return ret;
}

int
sm_final_skip(struct sm_final *f, const struct sm_entry *expect,
	      struct sm_err *err)
{
	struct due d;
	int ret = final_due(&d, f, f->fingerprint, 0, err);

	if (ret < 0)
		return ret;
	return final_put(f, &d, expect, true, err);
}

/* ----------------------------------------------------------------- resume --
 */

/*
 * Is the note in the file?  One that is not, between bodies that are, is
 * written again, unless the file is open for reading alone: a failed sync may
 * have cut it off after the last body that rows rely on.
 */
static int
final_note_stands(bool *stands, struct sm_final *f, struct sm_body_reader *r,
		  uint64_t at, const struct due *d, struct sm_err *err)
{
	int flags = fcntl(f->fd, F_GETFL);
	int ret = sm_body_same(stands, r, at, d->bytes, d->len, err);

	if (ret < 0 || *stands || flags < 0 || (flags & O_ACCMODE) != O_RDWR)
		return ret;
	*stands = true;
	return sm_final_write(f, d->bytes, d->len, at, err);
}

/* Is the body, with what is due before and after it, in the file? */
static int
final_stands(bool *stands, struct sm_final *f, struct sm_body_reader *r,
	     const struct sm_entry *e, struct sm_err *err)
{
	struct sm_final before = *f;
	uint64_t at = f->at, size = e->sizes.gz_bytes;
	struct due d;
	uint32_t crc;
	int ret = final_due(&d, f, e->fingerprint, size, err);

	if (ret < 0)
		return ret;
	*stands = true;
	at += d.len;
	if (f->appended == 0)
		ret = sm_body_same(stands, r, 0, sm_gzip_header,
				   SM_GZIP_HEADER_BYTES, err);
	*stands &= at <= r->size && size <= r->size - at;
	if (ret == 0 && *stands) {
		ret = sm_body_crc(&crc, r, at, at + size, err);
		*stands = ret == 0 && crc == e->sizes.gz_crc32;
	}
	if (ret == 0 && *stands && d.len > 0)
		ret = final_note_stands(stands, f, r, f->at, &d, err);
	if (ret < 0 || !*stands)
		return ret;
	final_count(f, &d, e, false);
	if (!sm_group_is_full(&f->group))
		return 0;
	at = f->at;
	final_close(f, &d);
	ret = final_note_stands(stands, f, r, at, &d, err);
	if (ret < 0 || !*stands)
		*f = before;
	return ret;
}

static int
final_reader(struct sm_body_reader **r, const struct sm_final *f,
	     struct sm_err *err)
{
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return sm_err_sys(err, "cannot examine '%s'", f->name);
	return sm_body_reader_new(r, f->fd, f->name, (uint64_t)st.st_size, err);
}

int
sm_final_resume(bool *stands, struct sm_final *f, const struct sm_entry *expect,
		struct sm_err *err)
{
	struct sm_entry e = *expect;
	struct sm_body_reader *r = NULL;
	int ret = final_reader(&r, f, err);

	*stands = false;
	if (e.fingerprint == 0)
		e.fingerprint = f->fingerprint;
	if (ret == 0)
		ret = final_stands(stands, f, r, &e, err);
	*stands &= ret == 0;
	sm_body_reader_free(r);
	return ret;
}

/* -------------------------------------------------------------------- end --
 */

#define FINAL_REST_MAX (SM_GROUP_BYTES_MAX + SM_GZIP_LAST_BYTES)

/* All from f->at on; `*f` becomes what it is when that is written. */
static size_t
final_rest(unsigned char *rest, struct sm_final *f)
{
	struct sm_gzip_end e = { .fingerprint = f->fingerprint,
				 .batches = f->appended,
				 .missing = f->missing };
	struct due d;
	size_t n = 0;

	if (f->group.entries > 0) {
		final_close(f, &d);
		memcpy(rest, d.bytes, d.len);
		n = d.len;
	}
	e.last_at = f->last_at;
	e.last_crc32 = f->group.before_crc32;
	sm_gzip_put_end(rest + n, &e);
	sm_gzip_put_tail(rest + n + SM_GZIP_END_BYTES, f->raw_crc32,
			 f->raw_bytes);
	f->at += SM_GZIP_LAST_BYTES;
	return n + SM_GZIP_LAST_BYTES;
}

int
sm_final_end(struct sm_final *f, struct sm_err *err)
{
	unsigned char rest[FINAL_REST_MAX];
	struct sm_final end = *f;
	size_t n = final_rest(rest, &end);
	struct stat st;
	int ret = 0;

	if (f->appended == 0)
		ret = sm_final_write(f, sm_gzip_header, SM_GZIP_HEADER_BYTES, 0,
				     err);
	if (ret == 0)
		ret = sm_final_write(f, rest, n, f->at, err);
	if (ret < 0)
		return ret;
	end.behind = f->behind;
	*f = end;
	/* What came after an end that was reached before. */
	if (fstat(f->fd, &st) < 0)
		return sm_err_sys(err, "cannot examine '%s'", f->name);
	if ((uint64_t)st.st_size > f->at && ftruncate(f->fd, (off_t)f->at) < 0)
		return sm_err_sys(err, "cannot cut '%s'", f->name);
	return 0;
}

int
sm_final_resume_end(bool *stands, struct sm_final *f, struct sm_err *err)
{
	unsigned char rest[FINAL_REST_MAX];
	struct sm_body_reader *r = NULL;
	struct sm_final end = *f;
	size_t n = final_rest(rest, &end);
	int ret = final_reader(&r, f, err);

	*stands = false;
	if (ret == 0 && r->size == end.at)
		ret = sm_body_same(stands, r, f->at, rest, n, err);
	if (ret == 0 && *stands && f->appended == 0)
		ret = sm_body_same(stands, r, 0, sm_gzip_header,
				   SM_GZIP_HEADER_BYTES, err);
	sm_body_reader_free(r);
	if (*stands)
		*f = end;
	return ret;
}
