/*
 * Finds a member of a .npz archive by the archive's directory.  It is a reader
 * of its own because nothing that is read is believed: each number is held
 * against the size of the file before it is used.  What is done with the
 * member's bytes is in npz_unpack.c and npy.c.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"

#include "npz.h"

#define NPZ_ENDING   ".npz:"
#define NPZ_END_SIZE 22
#define NPZ_NAMES    512 /* bytes of names that a message has */

/* The zip format's bits and numbers. */
#define ZIP_ENCRYPTED (1u | 1u << 6 | 1u << 13)
#define ZIP_STORED    0
#define ZIP_DEFLATED  8
#define ZIP_FULL      UINT32_MAX /* the number is in the extra field */

struct npz_directory {
	const struct sm_map *map;
	uint64_t at, end; /* of what is left of it */
	uint64_t begin;
};

struct npz_entry {
	const char *name;
	size_t len;
	unsigned flags, method;
	uint32_t crc32;
	uint64_t packed_bytes, bytes, at; /* of its own header */
};

const char *
sm_npz_member(const char *path)
{
	const char *found = NULL, *next = path;
	struct stat st;

	while ((next = strstr(next, NPZ_ENDING))) {
		found = next;
		next++;
	}
	if (!found || found[strlen(NPZ_ENDING)] == '\0' ||
	    lstat(path, &st) == 0)
		return NULL;
	return found + strlen(NPZ_ENDING);
}

char *
sm_npz_file(const char *path, struct sm_err *err)
{
	const char *member = sm_npz_member(path);
	size_t len = strlen(path);
	char *file;

	if (member)
		len = (size_t)(member - path) - 1;
	file = strndup(path, len);
	if (!file)
		sm_err_mem(err, "a path");
	return file;
}

char *
sm_npz_path_real(const char *path, struct sm_err *err)
{
	const char *member = sm_npz_member(path);
	char *file, *real, *full;

	if (!member)
		return sm_path_real(path, err);
	file = sm_npz_file(path, err);
	if (!file)
		return NULL;
	real = sm_path_real(file, err);
	free(file);
	if (!real)
		return NULL;
	full = sm_path_concat(real, member - 1);
	free(real);
	if (!full)
		sm_err_mem(err, "a path");
	return full;
}

/* Are there `len` bytes from `at` on, and do they begin so? */
static bool
npz_is(const struct sm_map *m, uint64_t at, uint64_t len, const char *mark)
{
	return at <= m->size && len <= m->size - at &&
	       memcmp(m->data + at, mark, 4) == 0;
}

/*
 * The end record: the last 22 bytes, unless a comment of up to 64 KiB follows,
 * whose length it says.
 */
static bool
npz_find_end(uint64_t *at, const struct sm_map *m)
{
	uint64_t back;

	for (back = NPZ_END_SIZE;
	     back <= m->size && back <= NPZ_END_SIZE + UINT16_MAX; back++) {
		*at = m->size - back;
		if (npz_is(m, *at, NPZ_END_SIZE, "PK\5\6") &&
		    sm_get_le(m->data + *at + 20, 2) == back - NPZ_END_SIZE)
			return true;
	}
	return false;
}

/* NULL, or what is wrong with the archive. */
static const char *
npz_directory_open(struct npz_directory *d, const struct sm_map *m)
{
	const unsigned char *p;
	uint64_t at, size, disks;

	if (!npz_is(m, 0, 4, "PK\3\4") && !npz_is(m, 0, 4, "PK\5\6"))
		return "it is no zip archive, which .npz files are";
	if (!npz_find_end(&at, m))
		return "the zip archive has no directory at its end; it was "
		       "cut short, or is not written yet";
	p = m->data + at;
	disks = sm_get_le(p + 4, 2);
	size = sm_get_le(p + 12, 4);
	d->begin = sm_get_le(p + 16, 4);
	/* Beside that of zip64, only a pointer to which has a fixed place. */
	if (at >= 20 && npz_is(m, at - 20, 20, "PK\6\7")) {
		p = m->data + at - 20;
		at = sm_get_le(p + 8, 8);
		disks = sm_get_le(p + 4, 4);
		if (!npz_is(m, at, 56, "PK\6\6"))
			return "the zip archive's directory is damaged";
		size = sm_get_le(m->data + at + 40, 8);
		d->begin = sm_get_le(m->data + at + 48, 8);
	}
	if (disks != 0 && disks != UINT16_MAX)
		return "it is the last of a zip archive's several parts";
	if (d->begin > at || size > at - d->begin)
		return "the zip archive's directory is damaged";
	d->map = m;
	d->at = d->begin;
	d->end = d->begin + size;
	return NULL;
}

/* The numbers that did not fit, in the order in which they are wanted. */
static bool
npz_take_long(struct npz_entry *e, const unsigned char *extra, uint64_t len)
{
	uint64_t *wanted[] = { &e->bytes, &e->packed_bytes, &e->at };
	uint64_t taken, n;
	size_t i = 0;

	for (; len >= 4; extra += n, len -= n) {
		n = 4 + sm_get_le(extra + 2, 2);
		if (n > len)
			return false;
		if (sm_get_le(extra, 2) != 1)
			continue;
		for (taken = 4; i < 3; i++) {
			if (*wanted[i] != ZIP_FULL)
				continue;
			if (n - taken < 8)
				return false;
			*wanted[i] = sm_get_le(extra + taken, 8);
			taken += 8;
		}
	}
	return true;
}

/* 1: an entry; 0: there are no more; -1: the directory is damaged. */
static int
npz_next(struct npz_entry *e, struct npz_directory *d)
{
	const unsigned char *p = d->map->data + d->at;
	uint64_t left = d->end - d->at, extra, size;

	if (left == 0)
		return 0;
	if (left < 46 || memcmp(p, "PK\1\2", 4) != 0)
		return -1;
	e->flags = (unsigned)sm_get_le(p + 8, 2);
	e->method = (unsigned)sm_get_le(p + 10, 2);
	e->crc32 = (uint32_t)sm_get_le(p + 16, 4);
	e->packed_bytes = sm_get_le(p + 20, 4);
	e->bytes = sm_get_le(p + 24, 4);
	e->len = (size_t)sm_get_le(p + 28, 2);
	extra = sm_get_le(p + 30, 2);
	e->at = sm_get_le(p + 42, 4);
	e->name = (const char *)p + 46;
	size = 46 + e->len + extra + sm_get_le(p + 32, 2);
	if (size > left || !npz_take_long(e, p + 46 + e->len, extra))
		return -1;
	d->at += size;
	return 1;
}

/* Length of the name without the ending ".npy"; it may be that of a folder. */
static size_t
npz_stem(const struct npz_entry *e)
{
	if (e->len > 4 && memcmp(e->name + e->len - 4, ".npy", 4) == 0)
		return e->len - 4;
	return e->len;
}

bool
sm_npz_list(char *text, size_t size, const struct sm_map *archive)
{
	struct npz_directory d;
	struct npz_entry e;
	const char *comma = "";
	size_t n = 0, len;

	text[0] = '\0';
	if (npz_directory_open(&d, archive))
		return false;
	while (npz_next(&e, &d) > 0) {
		len = npz_stem(&e);
		if (len == e.len)
			continue;
		if (len + 8 > size - n) {
			snprintf(text + n, size - n, ", …");
			break;
		}
		n += (size_t)snprintf(text + n, size - n, "%s%.*s", comma,
				      (int)len, e.name);
		comma = ", ";
	}
	return n > 0;
}

/* Find the entry; NULL, or what is wrong, which `names` is room for. */
static const char *
npz_find(struct npz_entry *found, uint64_t *begin, const struct sm_map *m,
	 const char *member, char names[NPZ_NAMES])
{
	struct npz_directory d;
	struct npz_entry e;
	size_t len = strlen(member);
	unsigned times = 0;
	const char *why = npz_directory_open(&d, m);
	int more;

	if (why)
		return why;
	while ((more = npz_next(&e, &d)) > 0) {
		if ((len != e.len && len != npz_stem(&e)) ||
		    memcmp(member, e.name, len) != 0)
			continue;
		*found = e;
		times++;
	}
	*begin = d.begin;
	if (more < 0)
		return "the zip archive's directory is damaged";
	if (times > 1)
		return "the archive has several members of that name";
	if (times == 1)
		return NULL;
	snprintf(names, NPZ_NAMES, "the archive has no such member; it has ");
	len = strlen(names);
	if (!sm_npz_list(names + len, NPZ_NAMES - len, m))
		snprintf(names, NPZ_NAMES, "the archive has no .npy files");
	return names;
}

static const char *
npz_method_name(unsigned method)
{
	static const struct {
		unsigned method;
		const char *name;
	} names[] = { { 9, "deflate64" },
		      { 12, "bzip2" },
		      { 14, "lzma" },
		      { 93, "zstd" },
		      { 95, "xz" } };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (names[i].method == method)
			return names[i].name;
	return "an unknown method";
}

/*
 * Its data, after a header of its own, which repeats the name and must lie
 * before the directory.  Sizes are taken from the directory: some writers do
 * not know them yet when they write the header.
 */
static int
npz_locate(struct sm_npz *z, const char *path, const struct npz_entry *e,
	   uint64_t begin, struct sm_err *err)
{
	const unsigned char *p;
	uint64_t head;

	if (e->flags & ZIP_ENCRYPTED)
		return sm_err_set(err, SM_EINPUT,
				  "cannot read '%s': the member is encrypted; "
				  "take it out first, by unzip",
				  path);
	if (e->method != ZIP_STORED && e->method != ZIP_DEFLATED)
		return sm_err_set(err, SM_EINPUT,
				  "cannot read '%s': the member is compressed "
				  "by %s (method %u); np.savez and "
				  "np.savez_compressed write what is read",
				  path, npz_method_name(e->method), e->method);
	if (!npz_is(&z->map, e->at, 30, "PK\3\4"))
		goto damaged;
	p = z->map.data + e->at;
	head = 30 + sm_get_le(p + 26, 2) + sm_get_le(p + 28, 2);
	if (sm_get_le(p + 26, 2) != e->len || e->at > begin ||
	    head > begin - e->at || e->packed_bytes > begin - e->at - head ||
	    memcmp(p + 30, e->name, e->len) != 0 ||
	    (e->method == ZIP_STORED && e->packed_bytes != e->bytes))
		goto damaged;
	z->data = p + head;
	z->packed_bytes = e->packed_bytes;
	z->bytes = e->bytes;
	z->crc32 = e->crc32;
	z->deflated = e->method == ZIP_DEFLATED;
	return 0;

damaged:
	return sm_err_set(err, SM_EINPUT,
			  "cannot read '%s': the archive is damaged: at byte "
			  "%" PRIu64 " is not what its directory says",
			  path, e->at);
}

int
sm_npz_open(struct sm_npz *z, const char *path, struct sm_err *err)
{
	const char *member = sm_npz_member(path), *why;
	char names[NPZ_NAMES];
	struct npz_entry e = { 0 };
	uint64_t begin = 0;
	int ret;

	*z = (struct sm_npz){ 0 };
	z->path = sm_npz_file(path, err);
	if (!z->path)
		return SM_ENOMEM;
	ret = sm_map_open(&z->map, z->path, err);
	if (ret < 0)
		goto fail;
	/* Somebody made a file of this name just now. */
	if (!member)
		why = "it names no member of an archive";
	else
		why = npz_find(&e, &begin, &z->map, member, names);
	if (why)
		ret = sm_err_set(err, SM_EINPUT, "cannot read '%s': %s", path,
				 why);
	else
		ret = npz_locate(z, path, &e, begin, err);
	if (ret == 0)
		return 0;

fail:
	sm_npz_close(z);
	return ret;
}

void
sm_npz_close(struct sm_npz *z)
{
	sm_map_close(&z->map);
	free(z->path);
	*z = (struct sm_npz){ 0 };
}
