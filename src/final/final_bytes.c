/*
 * final_bytes.c - bytes into a final file: written, copied, or shared
 *
 * Apart from final.c, which knows what the bytes mean: here it is decided what
 * the disk is asked for, and when, and nothing in the file depends on that.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"

#include "crc32.h"
#include "pad.h"

#include "final_bytes.h"

/*
 * A piece ends where so many bytes of the file do, so that the page cache gets
 * whole folios: 0.92 of the CPU of pieces that do not, with the CRC, on ext4
 * and XFS, 0.98 on btrfs.  Of 1 MiB they cost as much or more.
 */
#define FINAL_COPY_BYTES ((size_t)256 << 10)

/* What the disk is asked to begin with at a time, while more is copied. */
#define FINAL_BEHIND_BYTES ((uint64_t)8 << 20)

static void
final_write_behind(struct sm_final *f, uint64_t end)
{
	sync_file_range(f->fd, (off_t)f->behind, (off_t)(end - f->behind),
			SYNC_FILE_RANGE_WRITE);
	f->behind = end;
}

int
sm_final_write(struct sm_final *f, const void *data, size_t len, uint64_t at,
	       struct sm_err *err)
{
	sm_fault("final.before_write");
	if (sm_fault_errno("final.write") ||
	    sm_pwrite_all(f->fd, data, len, at) < 0)
		return sm_err_sys(err, "cannot write the final file '%s'",
				  f->name);
	/* So that the sync at the end has little to wait for. */
	at += len;
	if (at > f->behind && at - f->behind >= FINAL_BEHIND_BYTES)
		final_write_behind(f, at);
	return 0;
}

void
sm_final_flush(struct sm_final *f)
{
	if (f->at > f->behind)
		final_write_behind(f, f->at);
}

/* Of what is copied, the part from `at` to `end` of the final file is shared.
 */
struct shared {
	uint64_t at, end;
};

static uint64_t
whole_blocks(uint64_t n)
{
	return n / SM_PAD_BLOCK * SM_PAD_BLOCK;
}

/*
 * Have the file share the whole blocks of a large body that lies in them as it
 * is to lie in the file (pad.h).  On a file system that cannot, or of files
 * that are not on one, nothing is shared, and it is not tried again.
 */
static int
final_share(struct shared *s, struct sm_final *f,
	    const struct sm_final_source *from, uint64_t to, struct sm_err *err)
{
	uint64_t first = whole_blocks(to + SM_PAD_BLOCK - 1);
	uint64_t end = whole_blocks(to + from->size);
	int ret;

	*s = (struct shared){ UINT64_MAX, UINT64_MAX };
	if (f->copies || from->size < SM_PAD_FROM ||
	    (to - from->at) % SM_PAD_BLOCK != 0)
		return 0;
	ret = sm_clone_range(f->fd, first, from->fd, from->at + (first - to),
			     end - first);
	if (ret < 0)
		return sm_err_sys(err, "cannot write the final file '%s'",
				  f->name);
	f->copies = ret == 0;
	if (ret > 0)
		*s = (struct shared){ first, end };
	return 0;
}

/* Write those of the bytes for `to` that are not shared. */
static int
final_write_rest(struct sm_final *f, const unsigned char *p, size_t len,
		 uint64_t to, const struct shared *s, struct sm_err *err)
{
	uint64_t end = to + len, before = end, after = to;
	int ret = 0;

	if (before > s->at)
		before = s->at;
	if (after < s->end)
		after = s->end;
	if (to < before)
		ret = sm_final_write(f, p, (size_t)(before - to), to, err);
	if (ret == 0 && after < end)
		ret = sm_final_write(f, p + (after - to), (size_t)(end - after),
				     after, err);
	return ret;
}

/*
 * The bytes are in memory for the CRC, and just these are written.  To copy by
 * copy_file_range(2) costs a third more (ext4): it moves each page as well.
 */
int
sm_final_copy(uint32_t *crc, struct sm_final *f, struct sm_final_source from,
	      uint64_t to, struct sm_err *err)
{
	uint64_t size = from.size;
	size_t want = FINAL_COPY_BYTES;
	unsigned char *buf = malloc(want < size ? want : (size_t)size + 1);
	struct shared s;
	ssize_t n;
	int ret;

	*crc = 0;
	if (!buf)
		return sm_err_mem(err, "joining shards");
	ret = final_share(&s, f, &from, to, err);
	while (size > 0 && ret == 0) {
		want = FINAL_COPY_BYTES - (size_t)(to % FINAL_COPY_BYTES);
		if (want > size)
			want = (size_t)size;
		n = sm_pread_full(from.fd, buf, want, from.at);
		if (n < 0)
			ret = sm_err_sys(err, "cannot read shard '%s'",
					 from.name);
		if (n <= 0)
			break;
		*crc = sm_crc32(*crc, buf, (size_t)n);
		ret = final_write_rest(f, buf, (size_t)n, to, &s, err);
		from.at += (uint64_t)n;
		to += (uint64_t)n;
		size -= (uint64_t)n;
	}
	free(buf);
	return ret;
}
