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

#include "file.h"

#include "crc32.h"
#include "npz.h"

#include "digest.h"

#define DIGEST_BLOCKS      64
#define DIGEST_BLOCK_BYTES (64 * 1024)
#define DIGEST_WHOLE_BELOW ((uint64_t)8 << 20)

/* Small enough to be in the second-level cache still when the CRC reads it. */
#define DIGEST_BUF_BYTES (256 * 1024)

struct digest_reader {
	int fd;
	const char *path;
	unsigned char *buf; /* DIGEST_BUF_BYTES */
	uint32_t crc32;
	uint64_t done, total;
	void (*progress)(uint64_t done, uint64_t total, void *arg);
	void *arg;
};

/*
 * Nanoseconds, because a file that is rewritten within a second of being
 * planned may have the same size.
 */
static void
digest_from_stat(struct sm_digest *d, const struct stat *st)
{
	d->size = (uint64_t)st->st_size;
	d->mtime_ns =
		(int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
}

/* Add the bytes from `at` on, which must be there, to the CRC. */
static int
digest_read(struct digest_reader *r, uint64_t at, uint64_t len,
	    struct sm_err *err)
{
	ssize_t got;
	size_t n;

	for (; len > 0; at += n, len -= n) {
		n = DIGEST_BUF_BYTES;
		if (len < n)
			n = (size_t)len;
		got = sm_pread_full(r->fd, r->buf, n, at);
		if (got < 0)
			return sm_err_sys_as(err, SM_EINPUT,
					     "cannot read '%s' at byte "
					     "%" PRIu64,
					     r->path, at);
		if ((size_t)got < n)
			return sm_err_set(err, SM_EINPUT,
					  "'%s' shrank while it was read: it "
					  "ends at byte %" PRIu64
					  "; try again when it is complete",
					  r->path, at + (uint64_t)got);
		r->crc32 = sm_crc32(r->crc32, r->buf, n);
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

/*
 * A CRC over a file that somebody writes to is of no state that the file ever
 * had.  The size is compared first, because its message says more.
 */
static int
digest_check_unchanged(const struct sm_digest *d, int fd, const char *path,
		       struct sm_err *err)
{
	struct sm_digest after;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sm_err_sys_as(err, SM_EINPUT, "cannot examine '%s'",
				     path);
	digest_from_stat(&after, &st);
	if (after.size != d->size)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' changed while it was read: it had "
				  "%" PRIu64 " bytes and has %" PRIu64
				  "; try again when it is complete",
				  path, d->size, after.size);
	if (after.mtime_ns != d->mtime_ns)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' was written to while it was read; try "
				  "again when it is complete",
				  path);
	return 0;
}

/*
 * In order: open and examine, read all or the samples, examine again.  `d` is
 * set only when all of it was read from one and the same content.
 */
static int
digest_run(struct sm_digest *d, struct digest_reader *reader, bool sampled,
	   uint64_t most, struct sm_err *err)
{
	struct digest_reader r = *reader;
	struct sm_digest found, whole;
	struct stat st;
	int ret;

	ret = sm_open_input(&r.fd, r.path, &st, err);
	if (ret < 0)
		goto out;
	digest_from_stat(&found, &st);
	whole = found;
	if (found.size > most)
		found.size = most;
	found.sampled = sampled && found.size >= DIGEST_WHOLE_BELOW;
	r.buf = malloc(DIGEST_BUF_BYTES);
	if (!r.buf) {
		ret = sm_err_mem(err, "a digest");
		goto out;
	}

	/* The kernel may ignore this advice; nothing depends on it. */
	if (found.sampled) {
		posix_fadvise(r.fd, 0, 0, POSIX_FADV_RANDOM);
		r.total = (uint64_t)DIGEST_BLOCKS * DIGEST_BLOCK_BYTES;
		ret = digest_read_sample(&r, found.size, err);
	} else {
		posix_fadvise(r.fd, 0, 0, POSIX_FADV_SEQUENTIAL);
		r.total = found.size;
		ret = digest_read(&r, 0, found.size, err);
	}
	if (ret == 0)
		ret = digest_check_unchanged(&whole, r.fd, r.path, err);
	if (ret == 0) {
		found.crc32 = r.crc32;
		*d = found;
	}

out:
	free(r.buf);
	if (r.fd >= 0)
		close(r.fd);
	return ret;
}

/* With `reader`, the bytes that are read in place are compared with their CRC.
 */
static int
digest_member(struct sm_digest *d, const char *path,
	      const struct digest_reader *reader, struct sm_err *err)
{
	struct digest_reader r = { .fd = -1 };
	struct sm_digest archive;
	struct sm_npz z;
	struct stat st;
	int ret;

	ret = sm_npz_open(&z, path, err);
	if (ret < 0)
		return ret;
	if (reader)
		r = *reader;
	ret = sm_open_input(&r.fd, z.path, &st, err);
	if (ret < 0)
		goto out;
	digest_from_stat(&archive, &st);
	if (reader && !z.deflated) {
		r.total = z.bytes;
		r.buf = malloc(DIGEST_BUF_BYTES);
		if (!r.buf)
			ret = sm_err_mem(err, "a digest");
		else
			ret = digest_read(&r, (uint64_t)(z.data - z.map.data),
					  z.bytes, err);
		if (ret == 0 && r.crc32 != z.crc32)
			ret = sm_err_set(err, SM_EINPUT,
					 "cannot read '%s': the archive is "
					 "damaged: the member's CRC is another",
					 path);
	}
	if (ret == 0)
		ret = digest_check_unchanged(&archive, r.fd, z.path, err);
	if (ret == 0) {
		d->size = z.bytes;
		d->mtime_ns = archive.mtime_ns;
	}
	if (ret == 0 && reader) {
		d->crc32 = z.crc32;
		d->sampled = false;
	}

out:
	free(r.buf);
	if (r.fd >= 0)
		close(r.fd);
	sm_npz_close(&z);
	return ret;
}

int
sm_digest_file(struct sm_digest *d, const char *path, bool sampled,
	       void (*progress)(uint64_t done, uint64_t total, void *arg),
	       void *arg, struct sm_err *err)
{
	struct digest_reader r = {
		.fd = -1, .path = path, .progress = progress, .arg = arg
	};

	if (sm_npz_member(path))
		return digest_member(d, path, &r, err);
	return digest_run(d, &r, sampled, UINT64_MAX, err);
}

int
sm_digest_prefix(struct sm_digest *d, const char *path, uint64_t size,
		 bool sampled, struct sm_err *err)
{
	struct digest_reader r = { .fd = -1, .path = path };

	return digest_run(d, &r, sampled, size, err);
}

int
sm_digest_stat(struct sm_digest *d, const char *path, struct sm_err *err)
{
	struct stat st;
	int fd, ret;

	if (sm_npz_member(path))
		return digest_member(d, path, NULL, err);
	/* Opened, not only examined: it must also be readable. */
	ret = sm_open_input(&fd, path, &st, err);
	if (ret < 0)
		return ret;
	close(fd);
	digest_from_stat(d, &st);
	return 0;
}
