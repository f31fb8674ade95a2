/*
 * shard.c - a shard file as it is written: buffer, rows, end
 *
 * What its bytes mean is gzip.c's and note.c's; here they reach the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"
#include "err.h"
#include "errfile.h"
#include "fault.h"
#include "file.h"

#include "crc32.h"

#include "shard.h"

#define SHARD_BUF_BYTES ((size_t)256 * 1024)

/*
 * Two shards must never meet in one temporary file: a worker that stood still
 * for its whole lease wakes up and goes on writing into its own.
 */
#ifdef SABOTAGE_shared_tmp_name
#define SHARD_CREATE (O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC)
#else
#define SHARD_CREATE (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)
#endif

struct sm_shard {
	int dirfd;       /* borrowed */
	int fd;          /* the temporary file, -1 once closed */
	bool tmp_exists; /* ... and is ours to unlink */
	bool published;
	uint64_t batch;
	char name[SM_SHARD_NAME_MAX];
	char tmp[SM_SHARD_NAME_MAX];
	uint64_t raw_bytes;
	uint32_t raw_crc32;
	uint64_t body_bytes;
	uint32_t body_crc32;
	uint64_t row;   /* the next one's number */
	unsigned lines; /* of the rows that no note was written about … */
	unsigned rows;  /* … so many, the last ones of `row` */
	bool some;      /* a row before these was left out */
	unsigned char bits[SM_NOTE_ROWS_MAX / 8]; /* of `rows` */
	struct {
		int dirfd;  /* borrowed */
		bool there; /* it may be, and is ours to unlink */
		char tmp[SM_SHARD_FILE_MAX], name[SM_SHARD_FILE_MAX];
		uint64_t bytes;
		uint32_t crc32;
	} beside;        /* a file that shares the shard's fate; tmp "": none */
	size_t len;      /* bytes in buf, not yet written */
	uint64_t behind; /* the disk was asked to write the file up to here */
	unsigned char buf[SHARD_BUF_BYTES];
};

int
sm_shard_open(struct sm_shard **out, int dirfd, uint64_t batch, unsigned digits,
	      int64_t token, struct sm_err *err)
{
	struct sm_shard *s;
	int ret;

	if (digits > SM_SHARD_DIGITS_MAX)
		return sm_err_set(err, SM_EBUG, "shard names of %u digits",
				  digits);
	/* calloc: of a large block, only pages that are used cost time. */
	s = calloc(1, sizeof(*s));
	if (!s)
		return sm_err_mem(err, "a shard");
	s->dirfd = dirfd;
	s->fd = -1;
	s->batch = batch;
	sm_shard_name(s->name, batch, digits);
	sm_shard_tmp_name(s->tmp, batch, digits, token);
	if (!sm_fault_errno("shard.create"))
		s->fd = openat(dirfd, s->tmp, SHARD_CREATE, 0666);
	if (s->fd < 0) {
		ret = sm_err_file(err, dirfd, s->tmp, "cannot create shard");
		goto fail;
	}
	s->tmp_exists = true;
	sm_fault("shard.created");
	memcpy(s->buf, sm_gzip_header, SM_GZIP_HEADER_BYTES);
	s->len = SM_GZIP_HEADER_BYTES;
	*out = s;
	return 0;

fail:
	sm_shard_free(s);
	return ret;
}

const char *
sm_shard_tmp(const struct sm_shard *s)
{
	return s->tmp;
}

void
sm_shard_beside(struct sm_shard *s, int dirfd, const char *tmp,
		const char *name)
{
	s->beside.dirfd = dirfd;
	s->beside.there = true;
	snprintf(s->beside.tmp, sizeof(s->beside.tmp), "%s", tmp);
	snprintf(s->beside.name, sizeof(s->beside.name), "%s", name);
}

int
sm_shard_sum(uint64_t *bytes, uint32_t *crc32, int fd, const char *name,
	     struct sm_err *err)
{
	unsigned char buf[32 * 1024];
	ssize_t n;

	*bytes = 0;
	*crc32 = 0;
	do {
		n = pread(fd, buf, sizeof(buf), (off_t)*bytes);
		if (n > 0) {
			*crc32 = sm_crc32(*crc32, buf, (size_t)n);
			*bytes += (uint64_t)n;
		}
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 ? sm_err_sys(err, "cannot read '%s'", name) : 0;
}

int
sm_shard_beside_end(uint64_t *bytes, uint32_t *crc32, struct sm_shard *s,
		    struct sm_err *err)
{
	const char *name = s->beside.tmp;
	/* O_NONBLOCK: a command may have made a pipe. */
	int fd = openat(s->beside.dirfd, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int ret = 0;

	if (fd < 0 && (errno == ENOENT || errno == ELOOP || errno == ENXIO))
		return sm_err_set(err, SM_EOUTPUT,
				  "all went well, and yet the batch made no "
				  "file '%s' (a command writes it to {out}, a "
				  "producer to its task's file)",
				  name);
	if (fd < 0)
		return sm_err_file(err, s->beside.dirfd, name, "cannot open");
	if (fstat(fd, &st) < 0)
		ret = sm_err_sys(err, "cannot examine '%s'", name);
	else if (!S_ISREG(st.st_mode))
		ret = sm_err_set(err, SM_EOUTPUT,
				 "the batch made '%s', which is no regular "
				 "file",
				 name);
	/*
	 * A lease is granted where nobody writes; a file system without leases
	 * says nothing of it.
	 */
	if (ret == 0 && fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
		fcntl(fd, F_SETLEASE, F_UNLCK);
	else if (ret == 0 && errno == EAGAIN)
		ret = sm_err_set(err, SM_EOUTPUT,
				 "the file '%s' is still open for writing; it "
				 "is closed before the command says that it is "
				 "done",
				 name);
	/* First the sync: what is read then is what the disk was given. */
	sm_fault("file.before_sync");
	if (ret == 0 && (sm_fault_errno("file.sync") || fdatasync(fd) < 0))
		ret = sm_err_sys(err, "cannot sync '%s'", name);
	if (ret == 0)
		ret = sm_shard_sum(bytes, crc32, fd, name, err);
	close(fd);
	if (ret == 0) {
		s->beside.bytes = *bytes;
		s->beside.crc32 = *crc32;
	}
	return ret;
}

void
sm_shard_text(struct sm_shard *s, const void *text, size_t len)
{
	s->raw_crc32 = sm_crc32(s->raw_crc32, text, len);
	s->raw_bytes += len;
}

uint64_t
sm_shard_raw_bytes(const struct sm_shard *s)
{
	return s->raw_bytes;
}

static int
shard_write(struct sm_shard *s, const void *data, size_t len,
	    struct sm_err *err)
{
	sm_fault("shard.before_write");
	if (sm_fault_errno("shard.write") || sm_write_all(s->fd, data, len) < 0)
		return sm_err_sys(err, "cannot write shard '%s'", s->tmp);
	return 0;
}

/*
 * The disk may begin with what is written while the rest is made, so that the
 * sync at the end has little to wait for.  Nothing depends on it.
 */
static void
shard_write_behind(struct sm_shard *s, size_t len)
{
	sync_file_range(s->fd, (off_t)s->behind, (off_t)len,
			SYNC_FILE_RANGE_WRITE);
	s->behind += len;
}

static int
shard_put(struct sm_shard *s, const void *data, size_t len, struct sm_err *err)
{
	const unsigned char *p = data;
	size_t n;
	int ret;

	while (len > 0) {
		if (s->len == sizeof(s->buf)) {
			ret = shard_write(s, s->buf, s->len, err);
			if (ret < 0)
				return ret;
			shard_write_behind(s, s->len);
			s->len = 0;
		}
		n = sizeof(s->buf) - s->len;
		if (n > len)
			n = len;
		memcpy(s->buf + s->len, p, n);
		s->len += n;
		p += n;
		len -= n;
	}
	return 0;
}

int
sm_shard_deflated(struct sm_shard *s, const void *data, size_t len,
		  struct sm_err *err)
{
	s->body_crc32 = sm_crc32(s->body_crc32, data, len);
	s->body_bytes += len;
	return shard_put(s, data, len, err);
}

/* What was said of the last rows, or need not be. */
static void
shard_forget_rows(struct sm_shard *s)
{
	s->some |= s->lines < s->rows;
	memset(s->bits, 0, sizeof(s->bits));
	s->rows = s->lines = 0;
}

bool
sm_shard_row(struct sm_shard *s, bool written)
{
	if (s->rows == SM_NOTE_ROWS_MAX)
		shard_forget_rows(s);
	if (written) {
		s->bits[s->rows / 8] |= (unsigned char)(1u << s->rows % 8);
		s->lines++;
	}
	s->row++;
	return ++s->rows == SM_NOTE_ROWS_MAX && sm_shard_note_is_due(s);
}

bool
sm_shard_note_is_due(const struct sm_shard *s)
{
	if (s->lines > 0)
		return s->some || s->lines < s->rows;
	/* No line: none is due, unless all rows before had one. */
	return s->rows > 0 && !s->some && s->row > s->rows;
}

int
sm_shard_note(struct sm_shard *s, struct sm_err *err)
{
	unsigned char note[SM_NOTE_ROWS_BYTES];
	size_t n = sm_note_put_rows(note, s->row - s->rows, s->rows, s->bits);

	shard_forget_rows(s);
	return sm_shard_deflated(s, note, n, err);
}

/* Sync if asked, and close; the descriptor is gone either way. */
static int
shard_close(struct sm_shard *s, bool sync, struct sm_err *err)
{
	int fd = s->fd;

#ifdef SABOTAGE_no_shard_sync
	sync = false;
#endif
	sm_fault("shard.before_sync");
	/* Injected failures leave the descriptor to sm_shard_free(). */
	if ((sync && sm_fault_errno("shard.sync")) ||
	    sm_fault_errno("shard.close"))
		goto fail;
	s->fd = -1;
	if (sm_sync_close(fd, sync) < 0)
		goto fail;
	sm_fault("shard.after_sync");
	return 0;

fail:
	return sm_err_sys(err, "cannot %s shard '%s'",
			  sync ? "sync and close" : "close", s->tmp);
}

int
sm_shard_finish(struct sm_entry *e, struct sm_shard *s, bool sync,
		struct sm_err *err)
{
	unsigned char end[SM_SHARD_END_MAX];
	int ret;

	e->sizes.raw_bytes = s->raw_bytes;
	e->sizes.raw_crc32 = s->raw_crc32;
	e->sizes.gz_bytes = s->body_bytes;
	e->sizes.gz_crc32 = s->body_crc32;
	e->sizes.file_bytes = s->beside.bytes;
	e->sizes.file_crc32 = s->beside.crc32;
	ret = shard_put(s, end, sm_shard_put_end(end, s->batch, e), err);
	if (ret == 0)
		ret = shard_write(s, s->buf, s->len, err);
	s->len = 0;
	if (ret >= 0)
		ret = shard_close(s, sync, err);
	return ret;
}

int
sm_shard_publish(struct sm_shard *s, struct sm_err *err)
{
	/* The commit after it failed without effect, and is tried again. */
	if (s->published)
		return 0;
	/* First the file: a shard is the receipt of one that stands. */
	sm_fault("file.before_rename");
	if (s->beside.there && (sm_fault_errno("file.rename") ||
				renameat(s->beside.dirfd, s->beside.tmp,
					 s->beside.dirfd, s->beside.name) < 0))
		return sm_err_sys(err, "cannot rename '%s' to '%s'",
				  s->beside.tmp, s->beside.name);
	s->beside.there = false;
	sm_fault("shard.before_rename");
	if (sm_fault_errno("shard.rename") ||
	    renameat(s->dirfd, s->tmp, s->dirfd, s->name) < 0)
		return sm_err_sys(err, "cannot rename shard '%s' to '%s'",
				  s->tmp, s->name);
	s->tmp_exists = false;
	s->published = true;
	sm_fault("shard.after_rename");
	return 0;
}

void
sm_shard_keep(struct sm_shard *s)
{
	s->tmp_exists = s->beside.there = false;
}

void
sm_shard_free(struct sm_shard *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	if (s->tmp_exists)
		unlinkat(s->dirfd, s->tmp, 0);
	if (s->beside.there)
		sm_dir_remove_any(s->beside.dirfd, s->beside.tmp);
	free(s);
}
