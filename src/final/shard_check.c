/*
 * shard_check.c - is a shard file what the database says of it?
 *
 * All of it but the body follows from the entry and is compared byte for byte;
 * the body by its CRC, and by what it inflates to.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#include "body.h"

#include "final.h"

static int
shard_damaged(const char **damage, const char *what, const char *name,
	      const char *text, struct sm_err *err)
{
	*damage = what;
	return sm_err_set(err, SM_EVERIFY, "shard '%s' %s", name, text);
}

/* Header, notes and tail of the file at `fd`. */
static int
shard_around(const char **damage, struct sm_entry *e, int fd, const char *name,
	     uint64_t batch, struct sm_err *err)
{
	uint64_t at = SM_GZIP_HEADER_BYTES + e->sizes.gz_bytes;
	unsigned char is[SM_SHARD_END_MAX], must[SM_SHARD_END_MAX];
	unsigned char head[SM_GZIP_HEADER_BYTES];
	struct sm_group g = { 0 };
	struct sm_note n;
	size_t len = sm_shard_put_end(must, batch, e);
	ssize_t got = sm_pread_full(fd, head, sizeof(head), 0);

	if (got == sizeof(head))
		got = sm_pread_full(fd, is, len, at);
	if (got < 0)
		return sm_err_sys(err, "cannot read shard '%s'", name);
	if (memcmp(head, sm_gzip_header, sizeof(head)) != 0)
		return shard_damaged(damage, "header", name,
				     "has a header that is not as it was "
				     "written",
				     err);
	if ((size_t)got == len && sm_note_get(&n, is, len) &&
	    sm_group_get(&g, &n) && g.batch != batch) {
		*damage = "index";
		return sm_err_set(err, SM_EVERIFY,
				  "shard '%s' holds batch %" PRIu64
				  ", not %" PRIu64,
				  name, g.batch, batch);
	}
	if (e->fingerprint == 0) {
		e->fingerprint = g.fingerprint;
		sm_shard_put_end(must, batch, e);
	}
	if ((size_t)got != len || memcmp(is, must, len) != 0)
		return shard_damaged(damage, "index", name,
				     "says something else of itself than was "
				     "written",
				     err);
	return 0;
}

int
sm_shard_open_file(int *fd, const char **damage, struct sm_entry *expect,
		   const struct sm_shard_file *file, struct sm_err *err)
{
	uint64_t size = sm_shard_bytes(file->batch, expect);
	const char *name = file->name;
	struct stat st;

	*damage = NULL;
	*fd = openat(file->dirfd, name,
		     O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0 && errno == ENOENT)
		return shard_damaged(damage, "missing", name, "is missing",
				     err);
	if (*fd < 0 && errno == ELOOP)
		return shard_damaged(damage, "missing", name,
				     "is a symbolic link", err);
	if (*fd < 0)
		return sm_err_sys(err, "cannot open shard '%s'", name);
	if (fstat(*fd, &st) < 0)
		return sm_err_sys(err, "cannot examine shard '%s'", name);
	if (!S_ISREG(st.st_mode))
		return shard_damaged(damage, "missing", name,
				     "is no regular file", err);
	if ((uint64_t)st.st_size != size) {
		*damage = "size";
		return sm_err_set(err, SM_EVERIFY,
				  "shard '%s' is damaged: its size is %" PRIu64
				  " bytes, not %" PRIu64,
				  name, (uint64_t)st.st_size, size);
	}
	return shard_around(damage, expect, *fd, name, file->batch, err);
}

/* Where a body begins; `name` in messages. */
struct place {
	int fd;
	const char *name;
	uint64_t at;
};

/* The body there: by its CRC, or inflated as well. */
static int
shard_body(const char **damage, const struct place *p, const struct sm_entry *e,
	   bool inflate, struct sm_err *err)
{
	uint64_t end = p->at + e->sizes.gz_bytes;
	struct sm_body_reader *r = NULL;
	struct sm_body b = { .inflates = true };
	int ret = sm_body_reader_new(&r, p->fd, p->name, end, err);

	if (ret == 0 && inflate)
		ret = sm_body_read(&b, r, p->at, end, err);
	else if (ret == 0)
		ret = sm_body_crc(&b.gz_crc32, r, p->at, end, err);
	sm_body_reader_free(r);
	if (ret < 0)
		return ret;
	if (!b.inflates)
		return shard_damaged(damage, "deflate", p->name,
				     "does not inflate", err);
	if (b.gz_crc32 != e->sizes.gz_crc32 ||
	    (inflate && (b.raw_bytes != e->sizes.raw_bytes ||
			 b.raw_crc32 != e->sizes.raw_crc32)))
		return shard_damaged(damage, "crc", p->name,
				     "holds other bytes than were written",
				     err);
	return 0;
}

int
sm_shard_check_in(const char **damage, int fd, const char *name, uint64_t at,
		  const struct sm_entry *expect, struct sm_err *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sm_err_sys(err, "cannot examine '%s'", name);
	if (at > (uint64_t)st.st_size ||
	    expect->sizes.gz_bytes > (uint64_t)st.st_size - at)
		return shard_damaged(damage, "size", name, "is not all there",
				     err);
	return shard_body(damage, &(struct place){ fd, name, at }, expect, true,
			  err);
}

static int
shard_whole(const char **damage, const struct sm_shard_file *file,
	    const struct sm_entry *expect, bool inflate, struct sm_err *err)
{
	struct place body = { -1, file->name, SM_GZIP_HEADER_BYTES };
	struct sm_entry e = *expect;
	int ret = sm_shard_open_file(&body.fd, damage, &e, file, err);

	if (ret == 0)
		ret = shard_body(damage, &body, &e, inflate, err);
	if (body.fd >= 0)
		close(body.fd);
	return ret;
}

int
sm_shard_check(const char **damage, int dirfd, const char *name, uint64_t batch,
	       const struct sm_entry *expect, struct sm_err *err)
{
	return shard_whole(damage,
			   &(struct sm_shard_file){ dirfd, name, batch },
			   expect, true, err);
}

int
sm_shard_compare(int dirfd, const char *name, uint64_t batch,
		 const struct sm_entry *expect, struct sm_err *err)
{
	const char *damage;

	return shard_whole(&damage,
			   &(struct sm_shard_file){ dirfd, name, batch },
			   expect, false, err);
}

int
sm_shard_read(bool *whole, struct sm_entry *e, uint64_t *batch, int fd,
	      const char *name, struct sm_err *err)
{
	struct sm_err damaged = { 0 };
	enum sm_final_state state;
	struct sm_gzip_end end;
	unsigned char buf[SM_GROUP_BYTES_MAX];
	const char *damage;
	struct sm_group g;
	struct sm_note n;
	struct sm_body b;
	struct sm_body_reader *r = NULL;
	uint64_t size;
	struct stat st;
	ssize_t len;
	int ret;

	*whole = false;
	if (fstat(fd, &st) < 0)
		return sm_err_sys(err, "cannot examine '%s'", name);
	if (!S_ISREG(st.st_mode))
		return 0;
	size = (uint64_t)st.st_size;
	ret = sm_final_read_end(&state, &end, fd, name, size, err);
	if (ret < 0 || state != SM_FINAL_WHOLE || end.batches != 1)
		return ret;
	len = sm_pread_full(fd, buf, sizeof(buf), end.last_at);
	if (len < 0)
		return sm_err_sys(err, "cannot read '%s'", name);
	if (!sm_note_get(&n, buf, (size_t)len) || !sm_group_get(&g, &n) ||
	    g.entries != 1 || g.run[0].batches != 1 || g.run[0].missing)
		return 0;
	*batch = g.batch;
	*e = g.run[0].e;
	if (sm_shard_bytes(*batch, e) != size)
		return 0;
	ret = sm_body_reader_new(&r, fd, name, size, err);
	if (ret == 0)
		ret = sm_body_read(&b, r, SM_GZIP_HEADER_BYTES,
				   SM_GZIP_HEADER_BYTES + e->sizes.gz_bytes,
				   err);
	sm_body_reader_free(r);
	if (ret < 0 || !b.inflates || b.gz_crc32 != e->sizes.gz_crc32 ||
	    b.raw_bytes != e->sizes.raw_bytes)
		return ret;
	/* The rest is the one that follows from this. */
	e->sizes.raw_crc32 = b.raw_crc32;
	ret = shard_around(&damage, e, fd, name, *batch, &damaged);
	*whole = ret == 0;
	if (ret < 0 && ret != SM_EVERIFY) {
		*err = damaged;
		return ret;
	}
	return 0;
}
