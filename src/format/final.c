#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"

#include "crc32.h"

#include "final.h"

#define FINAL_COPY_BYTES ((size_t)256 * 1024)

void
sm_final_begin(struct sm_final *f, int fd, uint64_t fingerprint)
{
	f->fd = fd;
	f->fingerprint = fingerprint;
	f->at = 0;
	f->batches = 0;
	f->index_at = 0;
	f->index_crc32 = 0;
	f->pending = 0;
}

static int
final_write(struct sm_final *f, const void *data, size_t len,
	    struct sm_err *err)
{
	sm_fault("final.before_write");
	if (sm_fault_errno("final.write") || sm_write_all(f->fd, data, len) < 0)
		return sm_err_sys(err, "cannot write the final file");
	f->at += len;
	return 0;
}

/* Open a shard of the expected size; what is none is SM_EVERIFY. */
static int
final_open_shard(int *fd, int dirfd, const char *name, uint64_t size,
		 struct sm_err *err)
{
	struct stat st;

	*fd = openat(dirfd, name,
		     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0 && (errno == ENOENT || errno == ELOOP))
		return sm_err_sys_as(err, SM_EVERIFY, "cannot open shard '%s'",
				     name);
	if (*fd < 0)
		return sm_err_sys(err, "cannot open shard '%s'", name);
	if (fstat(*fd, &st) < 0)
		return sm_err_sys(err, "cannot examine shard '%s'", name);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return sm_err_set(err, SM_EVERIFY,
				  "shard '%s' is damaged: its size is %" PRIu64
				  " bytes, not %" PRIu64,
				  name, (uint64_t)st.st_size, size);
	return 0;
}

int
sm_final_append(struct sm_final *f, int dirfd, const char *name,
		const struct sm_gzip_entry *expect, struct sm_err *err)
{
	uint64_t left = expect->gz_bytes;
	unsigned char *buf = NULL;
	uint32_t crc = 0;
	size_t want;
	ssize_t n;
	int fd = -1, ret;

	ret = final_open_shard(&fd, dirfd, name, left, err);
	if (ret < 0)
		goto out;
	want = left < FINAL_COPY_BYTES ? (size_t)left : FINAL_COPY_BYTES;
	buf = malloc(want + 1);
	if (!buf) {
		ret = sm_err_mem(err, "joining shards");
		goto out;
	}
	for (; left > 0; left -= (uint64_t)n) {
		if (want > left)
			want = (size_t)left;
		n = sm_read_full(fd, buf, want);
		if (n < 0) {
			ret = sm_err_sys(err, "cannot read shard '%s'", name);
			goto out;
		}
		if (n == 0)
			break; /* it shrank: what is there has another CRC */
		crc = sm_crc32(crc, buf, (size_t)n);
		ret = final_write(f, buf, (size_t)n, err);
		if (ret < 0)
			goto out;
	}
	if (left > 0 || crc != expect->gz_crc32)
		ret = sm_err_set(err, SM_EVERIFY,
				 "shard '%s' is damaged: its CRC is %08" PRIx32
				 ", not %08" PRIx32,
				 name, crc, expect->gz_crc32);
out:
	free(buf);
	if (fd >= 0)
		close(fd);
	return ret;
}

/* Write the pending entries as one index member. */
static int
final_flush_index(struct sm_final *f, struct sm_err *err)
{
	unsigned char buf[SM_GZIP_FIXED_BYTES + SM_GZIP_EXTRA_MAX +
			  SM_GZIP_TAIL_BYTES];
	size_t len;

	if (f->pending == 0)
		return 0;
	len = sm_gzip_put_index(buf, f->batches - f->pending, f->entry,
				f->pending);
	f->index_crc32 = sm_crc32(f->index_crc32, buf, len);
	f->pending = 0;
	return final_write(f, buf, len, err);
}

int
sm_final_entry(struct sm_final *f, const struct sm_gzip_entry *e,
	       struct sm_err *err)
{
	if (f->batches == 0)
		f->index_at = f->at;
	f->entry[f->pending++] = *e;
	f->batches++;
	if (f->pending < SM_GZIP_INDEX_ENTRIES)
		return 0;
	return final_flush_index(f, err);
}

int
sm_final_end(struct sm_final *f, struct sm_err *err)
{
	unsigned char buf[SM_GZIP_END_BYTES];
	struct sm_gzip_end e;
	int ret;

	ret = final_flush_index(f, err);
	if (ret < 0)
		return ret;
	e.fingerprint = f->fingerprint;
	e.batches = f->batches;
	e.index_at = f->batches > 0 ? f->index_at : f->at;
	e.file_bytes = f->at + SM_GZIP_END_BYTES;
	e.index_crc32 = f->index_crc32;
	sm_gzip_put_end(buf, &e);
	return final_write(f, buf, sizeof(buf), err);
}

int
sm_final_read_end(struct sm_gzip_end *e, int fd, uint64_t size)
{
	unsigned char buf[SM_GZIP_END_BYTES];
	ssize_t n;
	int ret;

	if (size < sizeof(buf))
		return 0;
	n = sm_pread_full(fd, buf, sizeof(buf), size - sizeof(buf));
	if (n < 0)
		return -2;
	if ((size_t)n < sizeof(buf))
		return 0;
	ret = sm_gzip_get_end(e, buf);
	return ret == 1 && e->file_bytes != size ? -1 : ret;
}
