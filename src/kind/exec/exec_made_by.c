/*
 * exec_made_by.c - the files that a command's output comes from, beside its
 * input
 *
 * Its program, the files among its words and those of --depends: what would
 * otherwise make one half of a final file in one way and the rest in another.
 * Apart from exec.c, since planning and each start ask it of the file system.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "option.h"

#include "program.h"
#include "replace.h"

#include "exec.h"

struct made_by {
	struct sm_spec *spec;
	const struct sm_spec *planned; /* with this command, or NULL */
	const struct sm_exec_opts *opts;
	struct sm_kind_file *file;
	size_t count;
};

/* Is it, or was it when the job was planned, what the command is made by? */
static bool
made_by_counts(const struct made_by *m, const char *name, bool is_file)
{
	size_t i;

	if (!m->planned)
		return is_file;
	for (i = 0; i < m->planned->inputs; i++)
		if (strcmp(m->planned->input[i].name, name) == 0)
			return true;
	return false;
}

/*
 * From errno: a path of which there is nothing, or nothing for us, is no file
 * to look at (0); a failing disk or a lack of memory does not say so.
 */
static int
made_by_none(const char *path, struct sm_err *err)
{
	struct sm_err why;
	int ret =
		sm_err_sys_as(&why, SM_ENOTFOUND, "cannot look at '%s'", path);

	if (ret == SM_ENOTFOUND)
		return 0;
	*err = why;
	return ret;
}

/* Is there a file whose content can be looked at? */
static int
made_by_is_file(bool *is, const char *path, struct sm_err *err)
{
	struct stat st;

	*is = false;
	if (stat(path, &st) < 0)
		return made_by_none(path, err);
	if (!S_ISREG(st.st_mode))
		return 0;
	*is = access(path, R_OK) == 0;
	return *is ? 0 : made_by_none(path, err);
}

static int
made_by_add(struct made_by *m, const char *name, const char *path,
	    struct sm_kind_file *f, struct sm_err *err)
{
	if (m->count == SM_KIND_FILES_MAX)
		return 0;
	snprintf(f->name, sizeof(f->name), "%s", name);
	f->path = sm_spec_strdup(m->spec, path);
	if (!f->path)
		return sm_err_mem(err, "the specification");
	m->file[m->count++] = *f;
	return 0;
}

/* `name` in the command's directory; malloc'd. */
static char *
made_by_path(const struct made_by *m, const char *name)
{
	char *path;

	if (*name == '/')
		return strdup(name);
	if (asprintf(&path, "%s/%s", m->opts->cwd, name) < 0)
		return NULL;
	return path;
}

/*
 * With its directory's real path, so that /bin/sh and /usr/bin/sh may be one.
 * Its own name stays: of a virtual environment that is a link, and its place is
 * what counts.
 */
static char *
made_by_real(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = strndup(path, (size_t)(slash - path) + 1);
	char *real = dir ? realpath(dir, NULL) : NULL, *whole = NULL;

	if (real &&
	    asprintf(&whole, "%s%s", strcmp(real, "/") ? real : "", slash) < 0)
		whole = NULL;
	free(real);
	free(dir);
	return whole;
}

/*
 * One that is named by a path from the command's directory belongs to the job,
 * and to its fingerprint; others come with the machine.
 */
static int
made_by_program(struct made_by *m, struct sm_err *err)
{
	const char *name = m->opts->argv[0], *cwd = m->opts->cwd;
	struct sm_kind_file f = { .aside = !strchr(name, '/') || *name == '/',
				  .place = !strchr(name, '/') };
	char *found = NULL, *path = NULL, *real = NULL;
	struct sm_err why;
	bool is_file;
	int ret;

	/* Where the item is the program there is one per batch. */
	if (sm_exec_replaces(m->opts) &&
	    sm_replace_has(name, sm_exec_columns(m->opts)))
		return 0;
	ret = sm_program_find(&found, name, cwd, &why);
	/* One that cannot be found is told of elsewhere. */
	if (ret == SM_ENOTFOUND)
		return 0;
	if (ret < 0) {
		*err = why;
		return ret;
	}
	path = made_by_path(m, found);
	real = path ? made_by_real(path) : NULL;
	if (!real)
		ret = made_by_none(found, err);
	else
		ret = made_by_is_file(&is_file, real, err);
	if (ret == 0 && real && made_by_counts(m, "program", is_file))
		ret = made_by_add(m, "program", real, &f, err);
	free(real);
	free(path);
	free(found);
	return ret;
}

/* Files of the command's own making are not what it is made by. */
static int
made_by_is_output(bool *is, const struct made_by *m, const char *path,
		  struct sm_err *err)
{
	struct stat a, b;

	*is = false;
	if (!m->spec->output)
		return 0;
	if (stat(path, &a) < 0)
		return made_by_none(path, err);
	if (stat(m->spec->output, &b) < 0)
		return made_by_none(m->spec->output, err);
	*is = a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	return 0;
}

static int
made_by_words(struct made_by *m, struct sm_err *err)
{
	const char *const *argv = m->opts->argv;
	bool replaces = sm_exec_replaces(m->opts);
	char name[SM_KIND_FILE_NAME_MAX], *path;
	bool is_file, is_output = false;
	size_t i;
	int ret = 0;

	for (i = 1; argv[i] && ret == 0; i++) {
		if (!*argv[i] || strlen(argv[i]) >= PATH_MAX ||
		    (replaces &&
		     sm_replace_has(argv[i], sm_exec_columns(m->opts))))
			continue;
		path = made_by_path(m, argv[i]);
		if (!path)
			return sm_err_mem(err, "a path");
		snprintf(name, sizeof(name), "word %zu", i);
		ret = made_by_is_file(&is_file, path, err);
		if (ret == 0 && is_file)
			ret = made_by_is_output(&is_output, m, path, err);
		is_file = is_file && !is_output;
		if (ret == 0 && made_by_counts(m, name, is_file))
			ret = made_by_add(m, name, path,
					  &(struct sm_kind_file){ 0 }, err);
		free(path);
	}
	return ret;
}

int
sm_exec_made_by(struct sm_kind_file *file, size_t *count, struct sm_spec *spec,
		const struct sm_spec *planned, struct sm_err *err)
{
	const struct sm_exec_opts *o = spec->opts;
	struct made_by m = { .spec = spec, .opts = o, .file = file };
	char name[SM_KIND_FILE_NAME_MAX];
	const struct sm_option *argv =
		sm_option_find(spec->kind->options, "command");
	size_t i;
	int ret = 0;

	/* Other words: what the old ones named says nothing. */
	if (planned && sm_option_same(argv, spec->opts, planned->opts))
		m.planned = planned;
	for (i = 0; o->depends && o->depends[i] && ret == 0; i++) {
		if (i == SM_EXEC_DEPENDS_MAX)
			return sm_err_set(err, SM_EUSAGE,
					  "more than %d files of --depends; "
					  "name one that lists their checksums",
					  SM_EXEC_DEPENDS_MAX);
		snprintf(name, sizeof(name), "depends %zu", i + 1);
		ret = made_by_add(&m, name, o->depends[i],
				  &(struct sm_kind_file){ .must = true }, err);
	}
	if (ret == 0 && o->watch_command >= 0)
		ret = made_by_program(&m, err);
	if (ret == 0 && o->watch_command >= 0)
		ret = made_by_words(&m, err);
	*count = m.count;
	return ret;
}
