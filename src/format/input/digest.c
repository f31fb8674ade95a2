/*
 * What an input was when the job was planned: size, mtime, and a CRC-32 of all
 * of it or of samples.  It is separate from the readers of inputs because every
 * kind of input has a digest, and `run` compares it without reading the input
 * itself.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"

#include "crc32.h"

#include "digest.h"

#define DIGEST_BLOCKS      64
#define DIGEST_BLOCK_BYTES (64 * 1024)

/* Somebody who reads a whole file, and what they say of it. */
struct digest_reader {
	const struct sm_digest_source *src;
	unsigned char *buf; /* SM_DIGEST_BUF_BYTES */
	uint32_t crc32;
	uint64_t done, total;
	void (*progress)(uint64_t done, uint64_t total, void *arg);
	void *arg;
};

static int64_t
digest_ns(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

/*
 * Nanoseconds, because a file that is rewritten within a second of being
 * planned may have the same size.
 */
static struct sm_digest_state
digest_state(const struct stat *st)
{
	return (struct sm_digest_state){ .size = (uint64_t)st->st_size,
					 .mtime_ns = digest_ns(&st->st_mtim),
					 .ctime_ns = digest_ns(&st->st_ctim) };
}

/* The file that is read, in messages about it as a whole. */
static const char *
digest_file_path(const struct sm_digest_source *s)
{
	if (s->npz.path)
		return s->npz.path;
	return s->path;
}

int
sm_digest_open(struct sm_digest_source *s, const char *path, struct sm_err *err)
{
	struct stat st;
	int ret = 0;

	*s = (struct sm_digest_source){ .path = path, .fd = -1 };
	if (sm_npz_member(path))
		ret = sm_npz_open(&s->npz, path, err);
	if (ret == 0)
		ret = sm_open_input(&s->fd, digest_file_path(s), &st, err);
	if (ret < 0) {
		sm_digest_close(s);
		return ret;
	}
	s->state = digest_state(&st);
	s->bytes = s->state.size;
	if (s->npz.path) {
		s->from = (uint64_t)(s->npz.data - s->npz.map.data);
		s->bytes = s->npz.bytes;
	}
	return 0;
}

void
sm_digest_close(struct sm_digest_source *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	sm_npz_close(&s->npz);
}

bool
sm_digest_is_known(const struct sm_digest_source *s)
{
	return s->npz.path && s->npz.deflated;
}

int
sm_digest_read(uint32_t *crc, const struct sm_digest_source *s, uint64_t at,
	       size_t len, unsigned char *buf, struct sm_err *err)
{
	ssize_t got = -1;

	at += s->from;
	if (!sm_fault_errno("digest.read"))
		got = sm_pread_full(s->fd, buf, len, at);
	if (got < 0)
		return sm_err_sys_as(err, SM_EINPUT,
				     "cannot read '%s' at byte %" PRIu64,
				     s->path, at);
	if ((size_t)got < len)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' shrank while it was read: it ends at "
				  "byte %" PRIu64
				  "; try again when it is complete",
				  s->path, at + (uint64_t)got);
	*crc = sm_crc32(*crc, buf, len);
	return 0;
}

/*
 * A CRC over a file that somebody writes to is of no state that the file ever
 * had.  The size is compared first, because its message says more.
 */
int
sm_digest_check_same(const struct sm_digest_source *s,
		     const struct sm_digest_state *found, struct sm_err *err)
{
	const char *path = digest_file_path(s);

	if (found->size != s->state.size)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' changed while it was read: it had "
				  "%" PRIu64 " bytes and has %" PRIu64
				  "; try again when it is complete",
				  path, s->state.size, found->size);
	if (found->mtime_ns != s->state.mtime_ns)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' was written to while it was read; try "
				  "again when it is complete",
				  path);
	if (found->ctime_ns != s->state.ctime_ns)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' changed while it was read: its content "
				  "perhaps, with its time set back, or its "
				  "mode, owner or links; try again when "
				  "nothing touches it",
				  path);
	return 0;
}

int
sm_digest_check(const struct sm_digest_source *s, struct sm_err *err)
{
	struct sm_digest_state now;
	struct stat st;

	if (fstat(s->fd, &st) < 0)
		return sm_err_sys_as(err, SM_EINPUT, "cannot examine '%s'",
				     digest_file_path(s));
	now = digest_state(&st);
	return sm_digest_check_same(s, &now, err);
}

int
sm_digest_finish(struct sm_digest *d, const struct sm_digest_source *s,
		 uint32_t crc, struct sm_err *err)
{
	int ret = sm_digest_check(s, err);

	if (ret == 0 && s->npz.path && crc != s->npz.crc32)
		ret = sm_err_set(err, SM_EINPUT,
				 "cannot read '%s': the archive is damaged: "
				 "the member's CRC is another",
				 s->path);
	if (ret == 0)
		*d = (struct sm_digest){ .size = s->bytes,
					 .mtime_ns = s->state.mtime_ns,
					 .crc32 = crc };
	return ret;
}

/* ----------------------------------------------------- one that is whole -- */

/* Add the bytes from `at` on, which must be there, to the CRC. */
static int
digest_read(struct digest_reader *r, uint64_t at, uint64_t len,
	    struct sm_err *err)
{
	size_t n;
	int ret;

	for (; len > 0; at += n, len -= n) {
		n = SM_DIGEST_BUF_BYTES;
		if (len < n)
			n = (size_t)len;
		ret = sm_digest_read(&r->crc32, r->src, at, n, r->buf, err);
		if (ret < 0)
			return ret;
		r->done += n;
		if (r->progress)
			r->progress(r->done, r->total, r->arg);
	}
	return 0;
}

/*
 * Block i of 64 begins at i/63 of the way from the first block to the last, so
 * that both ends of the file are read.  i * way could overflow; the quotient
 * and the remainder are multiplied apart.
 */
static int
digest_read_sample(struct digest_reader *r, uint64_t size, struct sm_err *err)
{
	uint64_t way = size - DIGEST_BLOCK_BYTES, steps = DIGEST_BLOCKS - 1;
	uint64_t at, i;
	int ret;

	for (i = 0; i <= steps; i++) {
		at = way / steps * i + way % steps * i / steps;
		ret = digest_read(r, at, DIGEST_BLOCK_BYTES, err);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* All of `size` bytes, or the samples; the kernel may ignore the advice. */
static int
digest_read_all(struct digest_reader *r, uint64_t size, bool sampled,
		struct sm_err *err)
{
	r->buf = malloc(SM_DIGEST_BUF_BYTES);
	if (!r->buf)
		return sm_err_mem(err, "a digest");
	if (sampled) {
		posix_fadvise(r->src->fd, 0, 0, POSIX_FADV_RANDOM);
		r->total = (uint64_t)DIGEST_BLOCKS * DIGEST_BLOCK_BYTES;
		return digest_read_sample(r, size, err);
	}
	posix_fadvise(r->src->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	r->total = size;
	return digest_read(r, 0, size, err);
}

/*
 * Of what is open: read, and examine again.  `d` is set only when all of it was
 * read from one and the same content.
 */
static int
digest_opened(struct sm_digest *d, struct digest_reader *r, bool sampled,
	      uint64_t most, struct sm_err *err)
{
	const struct sm_digest_source *s = r->src;
	struct sm_digest found;
	uint64_t size = s->bytes;
	int ret = 0;

	if (size > most)
		size = most;
	sampled = sampled && size >= SM_DIGEST_WHOLE_BELOW && !s->npz.path;
	if (sm_digest_is_known(s))
		r->crc32 = s->npz.crc32;
	else
		ret = digest_read_all(r, size, sampled, err);
	if (ret == 0)
		ret = sm_digest_finish(&found, s, r->crc32, err);
	if (ret == 0) {
		found.size = size;
		found.sampled = sampled;
		*d = found;
	}
	free(r->buf);
	return ret;
}

static int
digest_run(struct sm_digest *d, struct digest_reader *r, const char *path,
	   bool sampled, uint64_t most, struct sm_err *err)
{
	struct sm_digest_source s;
	int ret = sm_digest_open(&s, path, err);

	if (ret < 0)
		return ret;
	r->src = &s;
	ret = digest_opened(d, r, sampled, most, err);
	sm_digest_close(&s);
	return ret;
}

int
sm_digest_opened(struct sm_digest *d, const struct sm_digest_source *s,
		 bool sampled, struct sm_err *err)
{
	struct digest_reader r = { .src = s };

	return digest_opened(d, &r, sampled, UINT64_MAX, err);
}

int
sm_digest_file(struct sm_digest *d, const char *path, bool sampled,
	       void (*progress)(uint64_t done, uint64_t total, void *arg),
	       void *arg, struct sm_err *err)
{
	struct digest_reader r = { .progress = progress, .arg = arg };

	return digest_run(d, &r, path, sampled, UINT64_MAX, err);
}

int
sm_digest_prefix(struct sm_digest *d, const char *path, uint64_t size,
		 bool sampled, struct sm_err *err)
{
	struct digest_reader r = { .crc32 = 0 };

	return digest_run(d, &r, path, sampled, size, err);
}

/* Opened, not only examined: it must also be readable. */
int
sm_digest_stat(struct sm_digest *d, const char *path, struct sm_err *err)
{
	struct sm_digest_source s;
	int ret = sm_digest_open(&s, path, err);

	if (ret < 0)
		return ret;
	d->size = s.bytes;
	d->mtime_ns = s.state.mtime_ns;
	sm_digest_close(&s);
	return 0;
}
