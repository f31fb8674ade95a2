/*
 * Unpacks a deflated member of a .npz archive into a file.  It is apart from
 * npz.c because planning alone does it, once: a deflated array cannot be read
 * from a row in its midst, so that workers map what was unpacked.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "errfile.h"

#include "crc32.h"
#include "zmem.h"

#include "npz.h"

#define UNPACK_BYTES       ((size_t)256 * 1024)
#define UNPACK_WINDOW_BITS (-15)

struct unpack {
	const struct sm_npz *npz;
	const char *path;
	int fd;
	uint64_t taken, made; /* bytes of the member, packed and not */
	uint32_t crc32;
	z_stream z;
	unsigned char buf[UNPACK_BYTES];
};

static int
unpack_damaged(const struct unpack *u, const char *what, struct sm_err *err)
{
	return sm_err_set(err, SM_EINPUT,
			  "cannot read '%s': the archive is damaged: %s",
			  u->path, what);
}

/* More input, at most UNPACK_BYTES; zlib counts in 32 bits. */
static void
unpack_feed(struct unpack *u)
{
	uint64_t n = u->npz->packed_bytes - u->taken;

	if (u->z.avail_in > 0)
		return;
	if (n > UNPACK_BYTES)
		n = UNPACK_BYTES;
	u->z.next_in = (Bytef *)u->npz->data + u->taken;
	u->z.avail_in = (uInt)n;
	u->taken += n;
}

/* One buffer of text; *ended: it was the last. */
static int
unpack_some(bool *ended, struct unpack *u, struct sm_err *err)
{
	const struct sm_npz *npz = u->npz;
	size_t n;
	int z;

	unpack_feed(u);
	u->z.next_out = u->buf;
	u->z.avail_out = UNPACK_BYTES;
	z = inflate(&u->z, Z_NO_FLUSH);
	n = UNPACK_BYTES - u->z.avail_out;
	*ended = z == Z_STREAM_END;
	if (z == Z_MEM_ERROR)
		return sm_err_mem(err, "unpacking an array");
	if (z != Z_OK && z != Z_STREAM_END && z != Z_BUF_ERROR)
		return unpack_damaged(u, "the member does not inflate", err);
	if (z == Z_BUF_ERROR && n == 0 && u->taken == npz->packed_bytes)
		return unpack_damaged(u, "the member ends too soon", err);
	if (n > npz->bytes - u->made)
		return unpack_damaged(u,
				      "the member is longer than its "
				      "directory says",
				      err);
	u->crc32 = sm_crc32(u->crc32, u->buf, n);
	u->made += n;
	if (sm_write_all(u->fd, u->buf, n) < 0)
		return sm_err_sys(err, "cannot write the array '%s' unpacked",
				  u->path);
	if (!npz->step)
		return 0;
	return npz->step(u->made, npz->bytes, npz->arg, err);
}

static int
unpack_run(struct unpack *u, struct sm_err *err)
{
	bool ended = false;
	int ret = 0;

	sm_zmem_use(&u->z);
	if (inflateInit2(&u->z, UNPACK_WINDOW_BITS) != Z_OK)
		return sm_err_mem(err, "unpacking an array");
	while (ret == 0 && !ended)
		ret = unpack_some(&ended, u, err);
	inflateEnd(&u->z);
	if (ret < 0)
		return ret;
	if (u->made != u->npz->bytes)
		return unpack_damaged(u, "the member ends too soon", err);
	if (u->crc32 != u->npz->crc32)
		return unpack_damaged(u, "the member's CRC is another", err);
	return 0;
}

int
sm_npz_unpack(const struct sm_npz *z, const char *path, int dirfd,
	      const char *name, struct sm_err *err)
{
	struct unpack *u = calloc(1, sizeof(*u));
	int ret;

	if (!u)
		return sm_err_mem(err, "unpacking an array");
	u->npz = z;
	u->path = path;
	/* A killed planner may have left one. */
	unlinkat(dirfd, name, 0);
	u->fd = openat(dirfd, name,
		       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		       0666);
	if (u->fd < 0) {
		ret = sm_err_file(err, dirfd, name, "cannot create");
		goto out;
	}
	ret = unpack_run(u, err);
	if (sm_sync_close(u->fd, ret == 0) < 0 && ret == 0)
		ret = sm_err_sys(err, "cannot sync the array '%s' unpacked",
				 path);
	if (ret < 0)
		unlinkat(dirfd, name, 0);

out:
	free(u);
	return ret;
}
