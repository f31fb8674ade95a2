/*
 * final_end.c - the index and the end of a final file: written, and read back
 */
#include <inttypes.h>
#include <unistd.h>

#include "file.h"

#include "crc32.h"

#include "final.h"

/* Write the pending entries as one index member. */
static int
final_flush_index(struct sm_final *f, struct sm_err *err)
{
	unsigned char buf[SM_GZIP_FIXED_BYTES + SM_GZIP_EXTRA_MAX +
			  SM_GZIP_TAIL_BYTES];
	size_t len;
	int ret;

	if (f->pending == 0)
		return 0;
	len = sm_gzip_put_index(buf, f->batches - f->pending, f->entry,
				f->pending);
	f->index_crc32 = sm_crc32(f->index_crc32, buf, len);
	f->pending = 0;
	ret = sm_final_write(f, buf, len, f->at, err);
	f->at += len;
	return ret;
}

int
sm_final_entry(struct sm_final *f, const struct sm_gzip_entry *e,
	       struct sm_err *err)
{
	if (f->batches == 0)
		f->index_at = f->at;
	f->batches++;
	if (f->is_single)
		return 0; /* it was counted when it was appended */
	f->entry[f->pending++] = *e;
	if (f->pending < SM_GZIP_INDEX_ENTRIES)
		return 0;
	return final_flush_index(f, err);
}

static int
final_end_members(struct sm_final *f, struct sm_err *err)
{
	unsigned char buf[SM_GZIP_END_BYTES];
	struct sm_gzip_end e;
	int ret;

	ret = final_flush_index(f, err);
	if (ret < 0)
		return ret;
	e.partial = f->partial;
	e.fingerprint = f->fingerprint;
	e.batches = f->batches;
	e.index_at = f->batches > 0 ? f->index_at : f->at;
	e.file_bytes = f->at + SM_GZIP_END_BYTES;
	e.index_crc32 = f->index_crc32;
	sm_gzip_put_end(buf, &e);
	ret = sm_final_write(f, buf, sizeof(buf), f->at, err);
	f->at += sizeof(buf);
	return ret;
}

/* The header comes last: until then the file is no gzip file. */
static int
final_end_single(struct sm_final *f, struct sm_err *err)
{
	unsigned char tail[SM_GZIP_TAIL_BYTES], head[SM_GZIP_SINGLE_MAX];
	size_t len;
	int ret;

	sm_gzip_put_tail(tail, f->raw_crc32, f->raw_bytes);
	ret = sm_final_write(f, tail, sizeof(tail), f->at, err);
	f->at += sizeof(tail);
	if (ret < 0)
		return ret;
	f->single.file_bytes = f->at;
	len = sm_gzip_put_single(head, &f->single);
	return sm_final_write(f, head, len, 0, err);
}

int
sm_final_end(struct sm_final *f, struct sm_err *err)
{
	struct stat st;
	int ret;

	if (f->batches != f->appended ||
	    (f->is_single && f->batches != f->single.batches))
		return sm_err_set(err, SM_EBUG,
				  "%" PRIu64 " batches appended, %" PRIu64
				  " listed",
				  f->appended, f->batches);
	ret = f->is_single ? final_end_single(f, err)
			   : final_end_members(f, err);
	if (ret < 0)
		return ret;
	/* What stood behind an end that was reached before. */
	if (fstat(f->fd, &st) < 0)
		return sm_err_sys(err, "cannot examine '%s'", f->name);
	if ((uint64_t)st.st_size > f->at && ftruncate(f->fd, (off_t)f->at) < 0)
		return sm_err_sys(err, "cannot cut '%s'", f->name);
	return 0;
}

/* A single member's header, at the start of the file. */
static int
final_read_single(struct sm_gzip_end *e, int fd)
{
	unsigned char buf[SM_GZIP_SINGLE_MAX];
	struct sm_gzip_single s;
	ssize_t n = sm_pread_full(fd, buf, sizeof(buf), 0);
	int ret;

	if (n < 0)
		return -2;
	ret = sm_gzip_get_single(&s, buf, (size_t)n);
	if (ret == 1)
		*e = (struct sm_gzip_end){ .partial = s.runs > 0,
					   .fingerprint = s.fingerprint,
					   .batches = s.batches,
					   .file_bytes = s.file_bytes };
	return ret;
}

int
sm_final_read_end(struct sm_gzip_end *e, int fd, uint64_t size)
{
	unsigned char buf[SM_GZIP_END_BYTES];
	ssize_t n;
	int ret = 0;

	if (size >= sizeof(buf)) {
		n = sm_pread_full(fd, buf, sizeof(buf), size - sizeof(buf));
		if (n < 0)
			return -2;
		if ((size_t)n == sizeof(buf))
			ret = sm_gzip_get_end(e, buf);
	}
	if (ret == 0)
		ret = final_read_single(e, fd);
	return ret == 1 && e->file_bytes != size ? -1 : ret;
}
