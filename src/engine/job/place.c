/*
 * place.c - a job that was moved or copied: which of its paths follow it
 *
 * Every command opens a job by way of this, so that status names the file that
 * run would write.  Nothing is written here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "npz.h"
#include "option.h"

#include "kind.h"

#include "place.h"

struct place {
	enum sm_place is;
	const char *home, *now;
	/*
	 * Where the two paths part: what lay below `from` may be below `to`,
	 * each without a slash at its end.
	 */
	char *from, *to;
	struct sm_spec *spec;
};

static bool
place_is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* What cannot be looked at may be there.  Of an archive's member: the archive.
 */
static bool
place_is_gone(const char *path)
{
	char *file = sm_npz_file(path, NULL);
	struct stat st;
	bool gone = file && stat(file, &st) < 0 &&
		    (errno == ENOENT || errno == ENOTDIR);

	free(file);
	return gone;
}

int
sm_place_read_spec(struct sm_spec **out, const struct sm_jobdir *dir,
		   struct sm_err *err)
{
	char *text = NULL;
	int ret = sm_jobdir_read(&text, dir, "spec.json", err);

	if (ret == 0)
		ret = sm_spec_parse(out, sm_kind_any, text, "spec.json", err);
	free(text);
	return ret;
}

/* Does the home hold a job of this id, in another directory than `dir`? */
static int
place_look(enum sm_place *is, const struct sm_jobdir *dir,
	   const struct sm_spec *spec, struct sm_err *err)
{
	struct sm_jobdir home = SM_JOBDIR_NONE;
	struct sm_spec *theirs = NULL;
	struct stat a, b;
	struct sm_err why;
	int ret;

	*is = SM_PLACE_HOME;
	if (!spec->home || strcmp(spec->home, dir->path) == 0)
		return 0;
	if (fstat(dir->fd, &a) < 0)
		return sm_err_sys(err, "cannot examine '%s'", dir->path);
	*is = SM_PLACE_MOVED;
	if (place_is_gone(spec->home))
		return 0;
	/* The same directory under two names. */
	if (stat(spec->home, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino) {
		*is = SM_PLACE_HOME;
		return 0;
	}
	ret = sm_jobdir_open_whole(&home, spec->home, true, &why);
	if (ret == 0)
		ret = sm_place_read_spec(&theirs, &home, &why);
	/* What cannot be read is rather taken for the original. */
	if (ret == 0 &&
	    (!theirs->id || !spec->id || strcmp(theirs->id, spec->id) != 0))
		*is = SM_PLACE_MOVED;
	else if (ret == 0 || (ret != SM_EINPUT && ret != SM_EREFUSED) ||
		 why.sys == EACCES)
		*is = SM_PLACE_COPY;
	sm_spec_free(theirs);
	sm_jobdir_close(&home);
	return 0;
}

/* Cut off what the ends of both paths have in common, name by name. */
static int
place_part_ways(struct place *p, struct sm_err *err)
{
	char *a, *b;
	bool same = true, first = true;

	p->from = strdup(p->home);
	p->to = strdup(p->now);
	if (!p->from || !p->to)
		return sm_err_mem(err, "a path");
	while (same) {
		a = strrchr(p->from, '/');
		b = strrchr(p->to, '/');
		if (!a || !b)
			break;
		same = strcmp(a, b) == 0;
		/* The job's own name may be another. */
		if (same || first)
			*a = *b = '\0';
		first = false;
	}
	return 0;
}

/* Where `path` would be now; `*to` NULL: it lay somewhere else altogether. */
static int
place_follow(char **to, const struct place *p, const char *path,
	     struct sm_err *err)
{
	size_t n = strlen(p->from);

	*to = NULL;
	if (strncmp(path, p->from, n) != 0 || (path[n] && path[n] != '/'))
		return 0;
	*to = sm_path_concat(p->to, path + n);
	return *to ? 0 : sm_err_mem(err, "a path");
}

/* Length of the directory's name, without a slash. */
static size_t
place_dir_len(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static bool
place_same_dir(const char *a, const char *b)
{
	size_t n = place_dir_len(a);

	return n == place_dir_len(b) && strncmp(a, b, n) == 0;
}

/* The final file of F.job is F; a copy G.job beside it has G. */
static int
place_beside(char **to, const struct place *p, const char *path,
	     struct sm_err *err)
{
	size_t n = place_dir_len(p->now), len = strlen(p->now);
	size_t own = strlen(path);
	bool named = strncmp(p->home, path, own) == 0 &&
		     strcmp(p->home + own, ".job") == 0;

	if (p->is != SM_PLACE_MOVED && named && len > 4 &&
	    strcmp(p->now + len - 4, ".job") == 0)
		*to = strndup(p->now, len - 4);
	else if (asprintf(to, "%.*s%s", (int)n, p->now,
			  path + place_dir_len(path)) < 0)
		*to = NULL;
	return *to ? 0 : sm_err_mem(err, "a path");
}

/* The directory that `path` is in. */
static bool
place_dir_is_gone(const char *path)
{
	char *dir = strndup(path, place_dir_len(path));
	bool gone = !dir || place_is_gone(*dir ? dir : "/");

	free(dir);
	return gone;
}

static int
place_final(char **to, const struct place *p, const char *path,
	    struct sm_err *err)
{
	char *there = NULL;
	int ret;

	*to = NULL;
	if (place_same_dir(path, p->home))
		ret = place_beside(&there, p, path, err);
	else
		ret = place_follow(&there, p, path, err);
	if (ret < 0)
		return ret;
	if (there && !place_same_dir(path, p->home) &&
	    (place_dir_is_gone(there) ||
	     (p->is == SM_PLACE_MOVED && !place_dir_is_gone(path)))) {
		free(there);
		there = NULL;
	}
	/* Moved alone, it stays the job's; a copy must not write to it. */
	if (!there && p->is == SM_PLACE_MOVED)
		there = strdup(path);
	if (there && p->is != SM_PLACE_MOVED && strcmp(there, path) == 0) {
		free(there);
		there = NULL;
	}
	*to = there;
	return there || p->is != SM_PLACE_MOVED ? 0 : sm_err_mem(err, "a path");
}

/* A path of an option or an input: elsewhere only if it is not there. */
static int
place_path(const char **path, struct place *p, struct sm_err *err)
{
	bool directory = place_is_directory(*path);
	bool own = p->is == SM_PLACE_MOVED || !directory;
	char *there;
	int ret;

	if (own && !place_is_gone(*path))
		return 0;
	ret = place_follow(&there, p, *path, err);
	if (ret < 0)
		return ret;
	if (there && !place_is_gone(there)) {
		*path = sm_spec_strdup(p->spec, there);
		if (!*path)
			ret = sm_err_mem(err, "the specification");
	} else if (!own) {
		p->is = SM_PLACE_COPY_ALONE;
	}
	free(there);
	return ret;
}

static int
place_options(struct place *p, struct sm_err *err)
{
	const struct sm_option *o;
	const char **value;
	size_t i;
	int ret = 0;

	for (o = p->spec->kind->options; o->name && ret == 0; o++) {
		if (!(o->flags & SM_OPTION_PLACE))
			continue;
		value = sm_option_slot(o, p->spec->opts);
		if (o->type == SM_OPTION_FILE && *value && **value == '/')
			ret = place_path(value, p, err);
		if (o->type != SM_OPTION_FILES)
			continue;
		value = *(const char ***)value;
		for (; value && *value && ret == 0; value++)
			if (**value == '/')
				ret = place_path(value, p, err);
	}
	for (i = 0; i < p->spec->inputs && ret == 0; i++)
		if (*p->spec->input[i].path == '/')
			ret = place_path(&p->spec->input[i].path, p, err);
	return ret;
}

static int
place_outputs(struct place *p, char **final_path, struct sm_err *err)
{
	char *to = NULL;
	int ret = 0;

	if (p->spec->output) {
		ret = place_final(&to, p, p->spec->output, err);
		if (ret == 0)
			ret = sm_spec_set_output(p->spec, to, err);
		free(to);
	}
	if (ret == 0 && final_path && *final_path) {
		ret = place_final(&to, p, *final_path, err);
		if (ret == 0) {
			free(*final_path);
			*final_path = to;
		}
	}
	return ret;
}

int
sm_place_settle(enum sm_place *place, const struct sm_jobdir *dir,
		struct sm_spec *spec, char **final_path, struct sm_err *err)
{
	struct place p = { .home = spec->home, .now = dir->path, .spec = spec };
	int ret = place_look(&p.is, dir, spec, err);

	if (ret == 0 && p.is != SM_PLACE_HOME) {
		ret = place_part_ways(&p, err);
		if (ret == 0)
			ret = place_outputs(&p, final_path, err);
		if (ret == 0)
			ret = place_options(&p, err);
	}
	*place = p.is;
	free(p.from);
	free(p.to);
	return ret;
}

int
sm_place_refuse_alone(enum sm_place place, const struct sm_jobdir *dir,
		      const char *home, struct sm_err *err)
{
	if (place != SM_PLACE_COPY_ALONE)
		return 0;
	return sm_err_set(err, SM_EREFUSED,
			  "the job '%s' is a copy of '%s', and its commands "
			  "would run in the original's directory; give the "
			  "job's command again in the directory that is meant, "
			  "with 'shardmill plan %s exec'",
			  dir->path, home, dir->path);
}
