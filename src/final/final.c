#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault.h"
#include "file.h"

#include "crc32.h"
#include "member.h"

#include "final.h"

#define FINAL_COPY_BYTES ((size_t)256 * 1024)
#define FINAL_NOWHERE    UINT64_MAX

/* What the disk is asked to begin with at a time, while more is copied. */
#define FINAL_BEHIND_BYTES ((uint64_t)8 << 20)

/* What a shard has that its deflate bytes, in a single member, do without. */
#define FINAL_SHARD_OUTSIDE (SM_GZIP_SHARD_HEADER + SM_GZIP_TAIL_BYTES)

void
sm_final_begin(struct sm_final *f, int fd, const char *name,
	       uint64_t fingerprint)
{
	f->fd = fd;
	f->name = name;
	f->is_single = false;
	f->fingerprint = fingerprint;
	f->at = f->behind = 0;
	f->appended = 0;
	f->batches = 0;
	f->partial = false;
	f->index_at = 0;
	f->index_crc32 = 0;
	f->pending = 0;
}

void
sm_final_begin_single(struct sm_final *f, int fd, const char *name,
		      uint64_t fingerprint, uint64_t batches)
{
	struct sm_gzip_shape shape;

	sm_gzip_single_shape(&shape, batches);
	sm_final_begin(f, fd, name, fingerprint);
	f->is_single = true;
	f->at = shape.header_bytes;
	f->per_group = shape.per_group;
	f->runs = shape.runs;
	f->raw_bytes = 0;
	f->raw_crc32 = 0;
	memset(&f->single, 0, sizeof(f->single));
	f->single.fingerprint = fingerprint;
	f->single.batches = batches;
}

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

/*
 * Read the shard's bytes from `from` to `end`, with their CRC, and write them
 * to the place `to`, unless that is FINAL_NOWHERE.  A shard that shrank is no
 * error here: what is there has another CRC.
 *
 * The bytes are in memory for the CRC, and just these are written.  To copy by
 * copy_file_range(2) costs a third more (ext4): it moves each page as well, and
 * can share none, since no shard begins where a block does.
 */
static int
final_copy(struct sm_final *f, uint32_t *crc, int fd, uint64_t from,
	   uint64_t end, uint64_t to, const char *name, struct sm_err *err)
{
	uint64_t size = end - from;
	size_t want = size < FINAL_COPY_BYTES ? (size_t)size : FINAL_COPY_BYTES;
	unsigned char *buf = malloc(want + 1);
	ssize_t n;
	int ret = 0;

	*crc = 0;
	if (!buf)
		return sm_err_mem(err, "joining shards");
	for (; from < end && ret == 0; from += (uint64_t)n) {
		if (want > end - from)
			want = (size_t)(end - from);
		n = sm_pread_full(fd, buf, want, from);
		if (n < 0)
			ret = sm_err_sys(err, "cannot read shard '%s'", name);
		if (n <= 0)
			break;
		*crc = sm_crc32(*crc, buf, (size_t)n);
		if (to == FINAL_NOWHERE)
			continue;
		ret = sm_final_write(f, buf, (size_t)n, to, err);
		to += (uint64_t)n;
	}
	free(buf);
	return ret;
}

/* The next batch's group in a single member's index, with this batch in it. */
static void
final_count_group(struct sm_final *f, const struct sm_gzip_entry *e,
		  uint64_t deflate_bytes, uint32_t deflate_crc32)
{
	struct sm_gzip_entry *g = &f->single.group[f->appended / f->per_group];

	g->rows += e->rows;
	g->records += e->records;
	g->gz_bytes += deflate_bytes;
	g->raw_bytes += e->raw_bytes;
	g->gz_crc32 =
		sm_crc32_combine(g->gz_crc32, deflate_crc32, deflate_bytes);
	g->raw_crc32 =
		sm_crc32_combine(g->raw_crc32, e->raw_crc32, e->raw_bytes);
	f->raw_bytes += e->raw_bytes;
	f->raw_crc32 =
		sm_crc32_combine(f->raw_crc32, e->raw_crc32, e->raw_bytes);
	f->at += deflate_bytes;
}

/* May there be one more batch? */
static int
final_check_count(const struct sm_final *f, struct sm_err *err)
{
	if (!f->is_single || f->appended < f->single.batches)
		return 0;
	return sm_err_set(err, SM_EBUG, "more than %" PRIu64 " batches",
			  f->single.batches);
}

/*
 * Copy what a single member takes of the shard at `at`; `*crc` is the whole
 * shard's.
 */
static int
final_append_inside(struct sm_final *f, uint32_t *crc, int fd, uint64_t at,
		    const char *name, const struct sm_gzip_entry *e,
		    struct sm_err *err)
{
	uint64_t inside = at + SM_GZIP_SHARD_HEADER, end = at + e->gz_bytes;
	uint64_t tail = end - SM_GZIP_TAIL_BYTES, len = tail - inside;
	uint32_t head_crc, inside_crc, tail_crc;
	int ret;

	ret = final_copy(f, &head_crc, fd, at, inside, FINAL_NOWHERE, name,
			 err);
	if (ret == 0)
		ret = final_copy(f, &inside_crc, fd, inside, tail, f->at, name,
				 err);
	if (ret == 0)
		ret = final_copy(f, &tail_crc, fd, tail, end, FINAL_NOWHERE,
				 name, err);
	if (ret < 0)
		return ret;
	*crc = sm_crc32_combine(sm_crc32_combine(head_crc, inside_crc, len),
				tail_crc, SM_GZIP_TAIL_BYTES);
	if (*crc == e->gz_crc32)
		final_count_group(f, e, len, inside_crc);
	return 0;
}

static int
final_check_crc(uint32_t crc, const struct sm_gzip_entry *expect,
		const char *name, struct sm_err *err)
{
	if (crc == expect->gz_crc32)
		return 0;
	return sm_err_set(err, SM_EVERIFY,
			  "shard '%s' is damaged: its CRC is %08" PRIx32
			  ", not %08" PRIx32,
			  name, crc, expect->gz_crc32);
}

int
sm_final_append_from(struct sm_final *f, int fd, uint64_t at, const char *name,
		     const struct sm_gzip_entry *expect, struct sm_err *err)
{
	uint32_t crc = 0;
	int ret = final_check_count(f, err);

	if (ret < 0)
		return ret;
	if (expect->gz_bytes < FINAL_SHARD_OUTSIDE)
		return sm_err_set(err, SM_EVERIFY,
				  "shard '%s' is damaged: %" PRIu64
				  " bytes are none",
				  name, expect->gz_bytes);
	if (f->is_single)
		ret = final_append_inside(f, &crc, fd, at, name, expect, err);
	else
		ret = final_copy(f, &crc, fd, at, at + expect->gz_bytes, f->at,
				 name, err);
	if (ret == 0)
		ret = final_check_crc(crc, expect, name, err);
	if (ret < 0)
		return ret;
	if (!f->is_single)
		f->at += expect->gz_bytes;
	f->appended++;
	return 0;
}

int
sm_final_append(struct sm_final *f, int dirfd, const char *name,
		const struct sm_gzip_entry *expect, struct sm_err *err)
{
	int fd = -1;
	int ret = final_open_shard(&fd, dirfd, name, expect->gz_bytes, err);

	if (ret == 0)
		ret = sm_final_append_from(f, fd, 0, name, expect, err);
	if (fd >= 0)
		close(fd);
	return ret;
}

int
sm_final_compare(struct sm_final *f, int dirfd, const char *name,
		 const struct sm_gzip_entry *expect, struct sm_err *err)
{
	uint32_t crc = 0;
	int fd = -1;
	int ret = final_open_shard(&fd, dirfd, name, expect->gz_bytes, err);

	if (ret == 0)
		ret = final_copy(f, &crc, fd, 0, expect->gz_bytes,
				 FINAL_NOWHERE, name, err);
	if (ret == 0)
		ret = final_check_crc(crc, expect, name, err);
	if (fd >= 0)
		close(fd);
	return ret;
}

int
sm_final_skip(struct sm_final *f, const struct sm_gzip_entry *e,
	      struct sm_err *err)
{
	struct sm_gzip_single *s = &f->single;
	struct sm_gzip_run *last;
	int ret = final_check_count(f, err);

	if (ret < 0)
		return ret;
	f->partial = true;
	if (!f->is_single)
		goto out;
	last = s->runs > 0 ? &s->run[s->runs - 1] : NULL;
	if (last && last->first + last->count == f->appended)
		last->count++;
	else if (s->runs < f->runs)
		s->run[s->runs++] = (struct sm_gzip_run){ f->appended, 1 };
	else
		return sm_err_set(err, SM_EREFUSED,
				  "the batches that are missing are more than "
				  "%u runs, which a single member cannot list; "
				  "make the file without --single-member",
				  f->runs);
	s->group[f->appended / f->per_group].rows += e->rows;
out:
	f->appended++;
	return 0;
}

int
sm_final_resume(struct sm_final *f, const struct sm_gzip_entry *expect,
		struct sm_err *err)
{
	struct sm_member_reader *r = NULL;
	struct sm_member_inside s = { 0 };
	uint64_t len = expect->gz_bytes;
	struct stat st;
	int ret;

	ret = final_check_count(f, err);
	if (ret < 0)
		return ret;
	if (len < FINAL_SHARD_OUTSIDE)
		return 0;
	if (f->is_single)
		len -= FINAL_SHARD_OUTSIDE;
	if (fstat(f->fd, &st) < 0)
		return sm_err_sys(err, "cannot examine '%s'", f->name);
	if ((uint64_t)st.st_size < f->at || (uint64_t)st.st_size - f->at < len)
		return 0;
	ret = sm_member_reader_new(&r, f->fd, f->name, f->at + len, err);
	if (ret < 0)
		return ret;
	if (!f->is_single)
		ret = sm_member_crc(r, &s.gz_crc32, f->at, f->at + len, err);
	else
		ret = sm_member_read_inside(&s, r, f->at, f->at + len, err);
	sm_member_reader_free(r);
	if (ret < 0)
		return ret;
	if (!f->is_single) {
		if (s.gz_crc32 != expect->gz_crc32)
			return 0;
		f->at += len;
	} else {
		if (!s.inflates || s.raw_bytes != expect->raw_bytes ||
		    s.raw_crc32 != expect->raw_crc32)
			return 0;
		final_count_group(f, expect, len, s.gz_crc32);
	}
	f->appended++;
	return 1;
}
