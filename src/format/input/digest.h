/*
 * digest.h - what an input was when the job was planned
 *
 * Size, mtime and a CRC-32 of the whole content; for inputs that may be huge
 * the CRC of both ends and evenly spaced blocks (64 blocks of 64 KiB; files
 * below 8 MiB are read whole either way).  `sampled` says which it is.
 *
 * An archive's member (npz.h) has the digest of the file that it is, but the
 * time of the archive: another member may change without it.  What is deflated
 * has the CRC that the archive says: whoever unpacks it compares that.
 *
 * A file that changes while it is read has no digest: its size and times are
 * looked at again at the end, and a difference is SM_EINPUT.  Among them is the
 * time of the last change of its state, which nobody can set back.
 */
#ifndef SM_DIGEST_H
#define SM_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "npz.h"

struct sm_digest {
	uint64_t size;
	int64_t mtime_ns; /* Unix nanoseconds */
	uint32_t crc32;
	bool sampled;
};

/*
 * SM_EINPUT if it cannot be read, is no regular file, or changes while read;
 * `d` is untouched then.  `progress` (bytes) may be NULL.
 */
int sm_digest_file(struct sm_digest *d, const char *path, bool sampled,
		   void (*progress)(uint64_t done, uint64_t total, void *arg),
		   void *arg, struct sm_err *err);
/*
 * The same of the first `size` bytes, as if the file ended there; mtime is that
 * of the file.
 */
int sm_digest_prefix(struct sm_digest *d, const char *path, uint64_t size,
		     bool sampled, struct sm_err *err);
/* Size and mtime only; crc32 and `sampled` are left alone.  SM_EINPUT. */
int sm_digest_stat(struct sm_digest *d, const char *path, struct sm_err *err);

/* ---- the steps of it, for who reads a file in pieces (digests.h) ---- */

/* Below it a file is read whole, and at once. */
#define SM_DIGEST_WHOLE_BELOW ((uint64_t)8 << 20)
/* Small enough to be in the second-level cache still when the CRC reads it. */
#define SM_DIGEST_BUF_BYTES ((size_t)256 * 1024)

struct sm_digest_state {
	uint64_t size;
	int64_t mtime_ns, ctime_ns;
};

/* A file that is open, to be read as it was then. */
struct sm_digest_source {
	const char *path;  /* the caller's */
	struct sm_npz npz; /* the archive that it is a member of, or nothing */
	int fd;            /* of the file, or of the archive */
	uint64_t from;     /* its first byte there */
	uint64_t bytes;
	struct sm_digest_state state;
};

/* Closed by sm_digest_close(), on failure too. */
int sm_digest_open(struct sm_digest_source *s, const char *path,
		   struct sm_err *err);
void sm_digest_close(struct sm_digest_source *s);
/* Does the archive say its CRC, so that nothing has to be read? */
bool sm_digest_is_known(const struct sm_digest_source *s);
/* As sm_digest_file(); it stays open. */
int sm_digest_opened(struct sm_digest *d, const struct sm_digest_source *s,
		     bool sampled, struct sm_err *err);
/*
 * Add `len` bytes from `at` on to the CRC, up to SM_DIGEST_BUF_BYTES, which
 * `buf` has room for.  From several threads, each with its own.
 */
int sm_digest_read(uint32_t *crc, const struct sm_digest_source *s, uint64_t at,
		   size_t len, unsigned char *buf, struct sm_err *err);
/* Is it still what it was when it was opened?  SM_EINPUT. */
int sm_digest_check(const struct sm_digest_source *s, struct sm_err *err);
/* `found` was opened later: is it what the file was in `s`?  SM_EINPUT. */
int sm_digest_check_same(const struct sm_digest_source *s,
			 const struct sm_digest_state *found,
			 struct sm_err *err);
/* The digest of all of it that was read, if it is unchanged. */
int sm_digest_finish(struct sm_digest *d, const struct sm_digest_source *s,
		     uint32_t crc, struct sm_err *err);

#endif /* SM_DIGEST_H */
