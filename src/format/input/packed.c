/*
 * packed.c - recognizes files of other formats where text, a table or an array
 * is wanted
 *
 * It is separate because all readers need it.  A compressed file has newlines,
 * too, at random places, and would be cut into batches that no command can
 * read; as a list of keys it would be refused as invalid UTF-8, which is true
 * and no help.  Arrays and tables come in a dozen formats, each of which one
 * line of Python turns into one that is read here.
 */
#include <stdio.h>
#include <string.h>

#include "npz.h"

#include "packed.h"

/*
 * Magic bytes as the formats define them, as many as it takes that no text
 * begins with them; where that is not enough, a second place.  bzip2 has "BZh",
 * a level, and then the start of a block or the end of an empty file.
 */
struct packed_magic {
	const char *bytes;
	size_t at, len;
	const char *also; /* this at the file's beginning, or its end, too */
	const char *name;
	const char *tool;          /* of a compressed file; else: */
	const char *table, *array; /* Python; '@' is the file's name */
};

#define PY_SAVE "np.save('new.npy', "

/* A column, or the columns side by side. */
#define PY_COLUMN PY_SAVE "np.array(t.column(0).to_pylist()))"
#define PY_COLUMNS                                                             \
	"a = np.array([c.to_pylist() for c in t.columns]); " PY_SAVE           \
	"a[0] if len(a) == 1 else np.ascontiguousarray(a.T))"
#define PY_PARQUET                                                             \
	"import numpy as np, pyarrow.parquet as p; t = p.read_table('@'); "
#define PY_FEATHER                                                             \
	"import numpy as np, pyarrow.feather as p; t = p.read_table('@'); "
#define PY_ARROW                                                               \
	"import numpy as np, pyarrow as p; "                                   \
	"t = p.ipc.open_stream(open('@', 'rb')).read_all(); "
#define PY_PICKLE                                                              \
	"import numpy as np; " PY_SAVE                                         \
	"np.asarray(np.load('@', allow_pickle=True)))"
#define PY_PICKLE_JSON                                                         \
	"import json, pickle; json.dump(pickle.load(open('@', 'rb')), "        \
	"open('new.json', 'w'), default=lambda o: o.tolist())"
#define PY_MAT                                                                 \
	"import numpy as np, scipy.io as s; "                                  \
	"m = s.loadmat('@', squeeze_me=True); "                                \
	"k = [k for k in m if k[0].isalpha()][0]; " PY_SAVE                    \
	"np.array(m[k].tolist()))"
/* MATLAB's columns come first, and its numbers are doubles, keys among them. */
#define PY_HDF5(array)                                                         \
	"import numpy as np, h5py; f = h5py.File('@'); "                       \
	"k = [k for k in f if k[0].isalpha()][0]; " PY_SAVE array ")"
#define PY_MAT73    PY_HDF5("np.ascontiguousarray(f[k][()].T)")
#define PY_MAT73_1D PY_HDF5("f[k][()].ravel().astype('int64')")
#define PY_H5       PY_HDF5("f[k][()]")
#define PY_H5_1D                                                               \
	PY_HDF5("np.array([str(x, 'utf-8') if type(x) is bytes "               \
		"else x for x in f[k][()].ravel()])")

static const struct packed_magic packed_magics[] = {
	{ "\x1f\x8b\x08", 0, 3, NULL, "gzip", "gzip -dk", NULL, NULL },
	{ "\x28\xb5\x2f\xfd", 0, 4, NULL, "zstd", "zstd -dk", NULL, NULL },
	{ "\xfd\x37zXZ\0", 0, 6, NULL, "xz", "xz -dk", NULL, NULL },
	{ "1AY&SY", 4, 6, "BZh", "bzip2", "bzip2 -dk", NULL, NULL },
	{ "\x17rE8P\x90", 4, 6, "BZh", "bzip2", "bzip2 -dk", NULL, NULL },
	{ "\x04\x22\x4d\x18", 0, 4, NULL, "lz4", "lz4 -dk", NULL, NULL },
	{ "PAR1", 0, 4, "PAR1", "a Parquet file", NULL, PY_PARQUET PY_COLUMN,
	  PY_PARQUET PY_COLUMNS },
	{ "ARROW1\0\0", 0, 8, NULL, "an Arrow (Feather) file", NULL,
	  PY_FEATHER PY_COLUMN, PY_FEATHER PY_COLUMNS },
	{ "FEA1", 0, 4, "FEA1", "a Feather file", NULL, PY_FEATHER PY_COLUMN,
	  PY_FEATHER PY_COLUMNS },
	{ "\xff\xff\xff\xff", 0, 4, NULL, "an Arrow stream", NULL,
	  PY_ARROW PY_COLUMN, PY_ARROW PY_COLUMNS },
	{ "\x89HDF\r\n\x1a\n", 512, 8, "MATLAB 7.3 MAT-file",
	  "a MATLAB file (.mat, 7.3)", NULL, PY_MAT73_1D, PY_MAT73 },
	{ "\x89HDF\r\n\x1a\n", 0, 8, NULL, "an HDF5 file", NULL, PY_H5_1D,
	  PY_H5 },
	{ "MATLAB 5.0 MAT-file", 0, 19, NULL, "a MATLAB file (.mat)", NULL,
	  PY_MAT, PY_MAT },
	/* Protocols 2 to 5: invalid as UTF-8. */
	{ "\x80\x02", 0, 2, NULL, "a Python pickle; if you trust it", NULL,
	  PY_PICKLE_JSON, PY_PICKLE },
	{ "\x80\x03", 0, 2, NULL, "a Python pickle; if you trust it", NULL,
	  PY_PICKLE_JSON, PY_PICKLE },
	{ "\x80\x04", 0, 2, NULL, "a Python pickle; if you trust it", NULL,
	  PY_PICKLE_JSON, PY_PICKLE },
	{ "\x80\x05", 0, 2, NULL, "a Python pickle; if you trust it", NULL,
	  PY_PICKLE_JSON, PY_PICKLE },
};

/*
 * The command in a message is there to be copied: a name that the shell or
 * Python would read differently, or take for an option, must not be in it.
 */
void
sm_packed_shown(char text[SM_SHOWN_MAX], const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789_-./+,=@";
	const char *shown = path;

	if (strlen(path) >= SM_SHOWN_MAX || *path == '-' || *path == '\0' ||
	    path[strspn(path, plain)] != '\0')
		shown = "FILE";
	snprintf(text, SM_SHOWN_MAX, "%s", shown);
}

void
sm_packed_load(char text[SM_LOAD_MAX], const char *path, const char *arguments)
{
	const char *member = sm_npz_member(path);
	char file[SM_SHOWN_MAX], name[SM_SHOWN_MAX];
	size_t len;

	if (!member) {
		sm_packed_shown(file, path);
		snprintf(text, SM_LOAD_MAX, "np.load('%s'%s)", file, arguments);
		return;
	}
	len = (size_t)(member - path) - 1;
	if (len >= sizeof(file))
		len = 0; /* an empty name is shown as FILE */
	snprintf(name, sizeof(name), "%.*s", (int)len, path);
	sm_packed_shown(file, name);
	sm_packed_shown(name, member);
	snprintf(text, SM_LOAD_MAX, "np.load('%s'%s)['%s']", file, arguments,
		 name);
}

static bool
packed_is(const struct sm_map *map, const char *bytes, size_t at, size_t len)
{
	return map->size >= len && at <= map->size - len &&
	       memcmp(map->data + at, bytes, len) == 0;
}

static bool
packed_matches(const struct sm_map *map, const struct packed_magic *m)
{
	size_t n;

	if (!packed_is(map, m->bytes, m->at, m->len))
		return false;
	if (!m->also)
		return true;
	n = strlen(m->also);
	if (m->at == 0)
		return map->size > n &&
		       packed_is(map, m->also, map->size - n, n);
	return packed_is(map, m->also, 0, n);
}

/* The line of Python, '@' replaced by the file's name. */
static int
packed_convertible(const struct sm_map *map, const char *name,
		   const char *python, struct sm_err *err)
{
	char file[SM_SHOWN_MAX];
	const char *at = strchr(python, '@');

	sm_packed_shown(file, map->path);
	return sm_err_set(err, SM_EINPUT,
			  "cannot read '%s': it is %s; convert it: python3 -c "
			  "\"%.*s%s%s\"",
			  map->path, name, (int)(at - python), python, file,
			  at + 1);
}

/* One that has .npy files is NumPy's, and its arrays are read by their names.
 */
static int
packed_refuse_zip(const struct sm_map *map, enum sm_packed_for what,
		  struct sm_err *err)
{
	char names[SM_SHOWN_MAX];

	if (what != SM_PACKED_TEXT && sm_npz_list(names, sizeof(names), map))
		return sm_err_set(err, SM_EINPUT,
				  "cannot read '%s': it is an archive of "
				  "arrays (%s); name one, as FILE.npz:%.*s",
				  map->path, names, (int)strcspn(names, ","),
				  names);
	return sm_err_set(err, SM_EINPUT,
			  "cannot read '%s': it is a zip archive; take the "
			  "file out of it first, by unzip",
			  map->path);
}

int
sm_packed_refuse(const struct sm_map *map, enum sm_packed_for what,
		 struct sm_err *err)
{
	const struct packed_magic *m = packed_magics;
	const struct packed_magic *end =
		m + sizeof(packed_magics) / sizeof(*packed_magics);
	const char *python;

	if (packed_is(map, "PK\x03\x04", 0, 4))
		return packed_refuse_zip(map, what, err);
	for (; m < end; m++) {
		if (!packed_matches(map, m))
			continue;
		if (m->tool)
			return sm_err_set(err, SM_EINPUT,
					  "cannot read '%s': it is compressed "
					  "by %s; decompress it first, by %s",
					  map->path, m->name, m->tool);
		/* What a command makes of its lines is its own affair. */
		if (what == SM_PACKED_TEXT)
			return 0;
		python = m->array;
		if (what == SM_PACKED_TABLE)
			python = m->table;
		return packed_convertible(map, m->name, python, err);
	}
	if (what == SM_PACKED_TABLE && (packed_is(map, "\xff\xfe", 0, 2) ||
					packed_is(map, "\xfe\xff", 0, 2)))
		return sm_err_set(
			err, SM_EINPUT,
			"cannot read '%s': it is UTF-16 text; convert "
			"it: iconv -f utf-16 -t utf-8 OLD > NEW",
			map->path);
	return 0;
}
