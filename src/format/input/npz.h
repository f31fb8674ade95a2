/*
 * npz.h - an array in a .npz archive, named "archive.npz:member"
 *
 * A .npz file is a zip archive (PKWARE's APPNOTE.TXT) of .npy files, whose
 * ending the name may leave out.  It is read by its directory, in either size
 * (zip64).  A stored member is read where it lies; one that is deflated has to
 * be unpacked first.  Encrypted ones, other methods and archives in several
 * parts are SM_EINPUT with the reason, as is what is cut short or damaged.
 */
#ifndef SM_NPZ_H
#define SM_NPZ_H

#include "file.h"

/*
 * The member's name within `path`; NULL: it names a file of its own, as one
 * that is there does whatever it is called.
 */
const char *sm_npz_member(const char *path);

/* The archive, or `path` if that names a file of its own; free() it. */
char *sm_npz_file(const char *path, struct sm_err *err);

/* sm_path_real() of a file, or of an archive with the member after it. */
char *sm_npz_path_real(const char *path, struct sm_err *err);

struct sm_npz {
	struct sm_map map;         /* the archive */
	char *path;                /* of it */
	const unsigned char *data; /* of the member, in the map */
	uint64_t packed_bytes, bytes;
	uint32_t crc32; /* of the member as it was put in */
	bool deflated;
	/*
	 * For unpacking, now and then; not 0: that is returned at once.  NULL:
	 * nobody asks.
	 */
	int (*step)(uint64_t done, uint64_t total, void *arg,
		    struct sm_err *err);
	void *arg;
};

/* Open the archive and find the member; closed by sm_npz_close(). */
int sm_npz_open(struct sm_npz *z, const char *path, struct sm_err *err);
void sm_npz_close(struct sm_npz *z); /* a zeroed one is allowed */

/*
 * Inflate a deflated member into the new file `name` of `dirfd` (replaced if it
 * is there), synced; its CRC is compared.  `path` is for messages.  On failure
 * no file is left.
 */
int sm_npz_unpack(const struct sm_npz *z, const char *path, int dirfd,
		  const char *name, struct sm_err *err);

/* The arrays' names, as many as fit, with ", " between; false: none is there.
 */
bool sm_npz_list(char *text, size_t size, const struct sm_map *archive);

#endif /* SM_NPZ_H */
