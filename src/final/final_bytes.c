/*
 * final_bytes.c - bytes into a final file: written, or copied
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

/* So that the sync at the end has little to wait for. */
static void
final_reached(struct sm_final *f, uint64_t end)
{
	if (end > f->behind && end - f->behind >= FINAL_BEHIND_BYTES)
		final_write_behind(f, end);
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
	final_reached(f, at + len);
	return 0;
}

void
sm_final_flush(struct sm_final *f)
{
	if (f->at > f->behind)
		final_write_behind(f, f->at);
}

/*
 * The bytes are in memory for the CRC, and just these are written.  To copy by
 * copy_file_range(2) costs a third more (ext4): it moves each page as well, and
 * can share none, since no body begins where a block does.
 */
int
sm_final_copy(uint32_t *crc, struct sm_final *f, struct sm_final_source from,
	      uint64_t to, struct sm_err *err)
{
	uint64_t size = from.size;
	size_t want = FINAL_COPY_BYTES;
	unsigned char *buf = malloc(want < size ? want : (size_t)size + 1);
	ssize_t n;
	int ret = 0;

	*crc = 0;
	if (!buf)
		return sm_err_mem(err, "joining shards");
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
		ret = sm_final_write(f, buf, (size_t)n, to, err);
		from.at += (uint64_t)n;
		to += (uint64_t)n;
		size -= (uint64_t)n;
	}
	free(buf);
	return ret;
}
