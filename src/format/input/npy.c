/*
 * Opens a .npy file: finds the header, has it parsed (npy_header.c), and checks
 * that the data is exactly as long as the header says.  After that an array is
 * a pointer and a shape, and no access to it is checked again.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"

#include "npy_header.h"
#include "packed.h"

#include "npy.h"

#define NPY_MAGIC      "\x93NUMPY"
#define NPY_MAGIC_SIZE 6
#define NPY_SIZE_MIN   10 /* magic, version, a length of two bytes */

static const struct npy_type {
	const char *name;
	unsigned item_bytes; /* 0: the header says it */
} npy_types[] = {
	[SM_NPY_B1] = { "bool", 1 },    [SM_NPY_I1] = { "int8", 1 },
	[SM_NPY_I2] = { "int16", 2 },   [SM_NPY_I4] = { "int32", 4 },
	[SM_NPY_I8] = { "int64", 8 },   [SM_NPY_U1] = { "uint8", 1 },
	[SM_NPY_U2] = { "uint16", 2 },  [SM_NPY_U4] = { "uint32", 4 },
	[SM_NPY_U8] = { "uint64", 8 },  [SM_NPY_F2] = { "float16", 2 },
	[SM_NPY_F4] = { "float32", 4 }, [SM_NPY_F8] = { "float64", 8 },
	[SM_NPY_S] = { "string", 0 },   [SM_NPY_U] = { "string", 0 },
};

/* "int32", "float16", … as NumPy spells it. */
static const char *
npy_type_name(enum sm_npy_type type)
{
	return npy_types[type].name;
}

int
sm_npy_is(const unsigned char *data, uint64_t size)
{
	return size >= NPY_MAGIC_SIZE &&
	       memcmp(data, NPY_MAGIC, NPY_MAGIC_SIZE) == 0;
}

/*
 * The file has no .npy magic: say what it is instead, and what to do about it.
 * People who have arrays also have archives, pickles and compressed files of
 * them.
 */
static int
npy_foreign(const struct sm_map *m, struct sm_err *err)
{
	const unsigned char *d = m->data;
	int ret;

	if (m->size == 0)
		return sm_err_set(err, SM_EINPUT,
				  "cannot read '%s': it is empty", m->path);
	ret = sm_packed_refuse(m, SM_PACKED_ARRAY, err);
	if (ret < 0)
		return ret;
	if (m->size < NPY_MAGIC_SIZE)
		return sm_err_set(err, SM_EINPUT,
				  "cannot read '%s': it is no .npy file, with "
				  "only %zu bytes",
				  m->path, m->size);
	return sm_err_set(err, SM_EINPUT,
			  "cannot read '%s': it is no .npy file: it begins "
			  "with bytes %02x %02x %02x %02x, not with \\x93NUMPY",
			  m->path, d[0], d[1], d[2], d[3]);
}

/*
 * Find the header's text: [*at, *end) in the file.  Version 1 has a length of
 * two bytes, the later ones of four.  All that is checked here is that it is
 * there.
 */
static int
npy_find_header(size_t *at, size_t *end, const struct sm_map *m,
		struct sm_err *err)
{
	unsigned major, minor, width;
	uint64_t len;

	if (!sm_npy_is(m->data, m->size))
		return npy_foreign(m, err);
	if (m->size < NPY_SIZE_MIN)
		goto cut;
	major = m->data[6];
	minor = m->data[7];
	if (major < 1 || major > 3 || minor != 0)
		return sm_err_at(err, m->path, 6,
				 ".npy version %u.%u; versions 1.0, 2.0 and "
				 "3.0 are known",
				 major, minor);
	width = 4;
	if (major == 1)
		width = 2;
	if (m->size < 8 + width)
		goto cut;
	len = sm_get_le(m->data + 8, width);
	*at = 8 + width;
	if (len == 0 || len > SM_NPY_HEADER_MAX)
		return sm_err_at(err, m->path, 8,
				 "header length %" PRIu64
				 "; 1 to %d bytes are possible",
				 len, SM_NPY_HEADER_MAX);
	if (len > m->size - *at)
		return sm_err_at(err, m->path, 8,
				 "header length %" PRIu64
				 ", but only %zu bytes follow; the file was "
				 "cut short",
				 len, m->size - *at);
	*end = *at + (size_t)len;
	return 0;

cut:
	return sm_err_set(err, SM_EINPUT,
			  "cannot read '%s': it ends in the header, after %zu "
			  "bytes; the file was cut short",
			  m->path, m->size);
}

/* "(20000, 300)", as Python writes a shape. */
static void
npy_show_shape(char *text, size_t size, const struct sm_npy *npy)
{
	const char *before = "", *end = ")";
	size_t n = 0;
	unsigned i;

	n += (size_t)snprintf(text, size, "(");
	for (i = 0; i < npy->dims; i++) {
		n += (size_t)snprintf(text + n, size - n, "%s%" PRIu64, before,
				      npy->shape[i]);
		before = ", ";
	}
	if (npy->dims == 1)
		end = ",)";
	snprintf(text + n, size - n, "%s", end);
}

/*
 * The data must fill the file from `at` to its end.  Less means that the file
 * was cut, and a mapping of it would end in SIGBUS; more means that the header
 * speaks of something else than what follows it.
 */
static int
npy_check_size(struct sm_npy *npy, size_t at, struct sm_err *err)
{
	char shape[24 * SM_NPY_DIMS_MAX];
	uint64_t want = npy->item_bytes, have = npy->map.file_bytes - at;
	const char *why = "something was appended";
	bool too_big = false, none = false;
	unsigned i;

	/*
	 * An array with a dimension of 0 is empty, but its other dimensions are
	 * checked all the same: callers multiply only some of them.
	 */
	for (i = 0; i < npy->dims; i++) {
		if (npy->shape[i] == 0)
			none = true;
		else
			too_big |= __builtin_mul_overflow(want, npy->shape[i],
							  &want);
	}
	npy_show_shape(shape, sizeof(shape), npy);
	if (too_big || want > INT64_MAX)
		return sm_err_set(
			err, SM_EINPUT,
			"cannot read '%s': no file can hold its shape "
			"%s of %s",
			npy->map.path, shape, npy_type_name(npy->type));
	if (none)
		want = 0;
	if (have < want)
		why = "the file was cut short";
	if (have != want)
		return sm_err_set(err, SM_EINPUT,
				  "cannot read '%s': its shape %s of %s takes "
				  "%" PRIu64 " bytes, but %" PRIu64
				  " follow the header at byte %zu; %s",
				  npy->map.path, shape,
				  npy_type_name(npy->type), want, have, at,
				  why);
	npy->count = want / npy->item_bytes;
	npy->at = at;
	if (npy->fd < 0)
		npy->data = npy->map.data + at;
	return 0;
}

/* Map what `path` names: a file, or of an archive the member or its copy. */
static int
npy_map(struct sm_npy *n, const char *path, int dirfd, const char *copy,
	struct sm_err *err)
{
	uint64_t bytes;
	int ret;

	if (!sm_npz_member(path))
		return sm_map_open_part(&n->map, &n->fd, AT_FDCWD, path,
					SM_NPY_PART, err);
	ret = sm_npz_open(&n->npz, path, err);
	if (ret < 0)
		return ret;
	if (!n->npz.deflated) {
		/* What the map has, memory can address. */
		n->map = (struct sm_map){ .data = n->npz.data,
					  .size = (size_t)n->npz.bytes,
					  .file_bytes = n->npz.bytes,
					  .path = path };
		return 0;
	}
	bytes = n->npz.bytes;
	sm_npz_close(&n->npz);
	ret = sm_map_open_part(&n->map, &n->fd, dirfd, copy, SM_NPY_PART, err);
	if (ret < 0)
		return ret;
	n->map.path = path;
	n->unpacked = true;
	if (n->map.file_bytes != bytes)
		return sm_err_set(err, SM_EDAMAGED,
				  "the unpacked copy of '%s' is damaged; plan "
				  "the job again with --restart",
				  path);
	return 0;
}

int
sm_npy_open(struct sm_npy *npy, const char *path, int dirfd, const char *copy,
	    struct sm_err *err)
{
	struct sm_npy n = { .fd = -1 };
	size_t at = 0, end = 0;
	int ret;

	ret = npy_map(&n, path, dirfd, copy, err);
	if (ret == 0)
		ret = npy_find_header(&at, &end, &n.map, err);
	if (ret == 0)
		ret = sm_npy_header_parse(&n, at, end, err);
	if (ret == 0 && npy_types[n.type].item_bytes > 0)
		n.item_bytes = npy_types[n.type].item_bytes;
	if (ret == 0)
		ret = npy_check_size(&n, end, err);
	if (ret < 0)
		sm_npy_close(&n);
	else
		*npy = n;
	return ret;
}

void
sm_npy_close(struct sm_npy *npy)
{
	/* In a zeroed one, descriptor 0 is not its own. */
	if (npy->map.path && npy->fd >= 0)
		close(npy->fd);
	if (!npy->npz.path)
		sm_map_close(&npy->map);
	sm_npz_close(&npy->npz);
	*npy = (struct sm_npy){ .fd = -1 };
}

int
sm_npy_unpack(bool *did, const struct sm_npz *step, const char *path, int dirfd,
	      const char *copy, struct sm_err *err)
{
	struct sm_npz z;
	int ret;

	*did = false;
	if (!sm_npz_member(path))
		return 0;
	ret = sm_npz_open(&z, path, err);
	if (ret < 0)
		return ret;
	z.step = step->step;
	z.arg = step->arg;
	*did = z.deflated;
	if (z.deflated)
		ret = sm_npz_unpack(&z, path, dirfd, copy, err);
	sm_npz_close(&z);
	return ret;
}

const struct sm_map *
sm_npy_file(const struct sm_npy *npy)
{
	if (npy->unpacked)
		return NULL;
	if (npy->npz.path)
		return &npy->npz.map;
	return &npy->map;
}

static bool
npy_is_float(enum sm_npy_type type)
{
	return type == SM_NPY_F2 || type == SM_NPY_F4 || type == SM_NPY_F8;
}

int
sm_npy_require(const struct sm_npy *npy, unsigned dims, unsigned types,
	       const char *wanted, struct sm_err *err)
{
	const char *name = wanted;
	char load[SM_LOAD_MAX];

	if (npy->dims == dims && (types >> npy->type & 1)) {
		if (npy->fd < 0 || dims == 2)
			return 0;
		return sm_err_set(err, SM_ENOMEM,
				  "cannot map '%s': there is no room for its "
				  "%" PRIu64
				  " bytes; raise the limit on memory "
				  "('ulimit -v'), or take a 64-bit machine",
				  npy->map.path, npy->map.file_bytes);
	}
	/* "an integer array" becomes "a 2-dimensional integer array". */
	if (strncmp(name, "a ", 2) == 0)
		name += 2;
	else if (strncmp(name, "an ", 3) == 0)
		name += 3;
	sm_err_set(err, SM_EINPUT,
		   "'%s' is a %u-dimensional %s array; wanted a "
		   "%u-dimensional %s",
		   npy->map.path, npy->dims, npy_type_name(npy->type), dims,
		   name);
	if (npy->dims != dims || !(types & SM_NPY_INTEGERS) ||
	    !npy_is_float(npy->type))
		return SM_EINPUT;
	/* Numbers of MATLAB, and those of pandas beside a missing one. */
	sm_packed_load(load, npy->map.path, "");
	return sm_err_append(err,
			     "; convert whole numbers: python3 -c \"import "
			     "numpy as np; np.save('new.npy', "
			     "%s.astype('int64'))\"",
			     load);
}
