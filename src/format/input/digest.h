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
 * A file that changes while it is read has no digest: its size and mtime are
 * looked at again at the end, and a difference is SM_EINPUT.
 */
#ifndef SM_DIGEST_H
#define SM_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

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

#endif /* SM_DIGEST_H */
