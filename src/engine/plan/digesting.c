/*
 * digesting.c - what the inputs of a job are, into its specification
 *
 * Apart from planning.c, which says when.
 */
#include <string.h>

#include "planning.h"

int
sm_planning_digest_kept(struct sm_planning *p, int tables_fd,
			struct sm_err *err)
{
	struct sm_kind_input in;
	struct sm_digest d;
	size_t i;
	int ret = 0;

	for (i = 0; ret == 0 && p->kind->input(&in, i, p->spec->opts); i++) {
		if (in.path)
			continue;
		ret = p->kind->digest(&d, in.name, tables_fd, err);
		if (ret == 0)
			ret = sm_spec_set_input(p->spec, i, in.name, in.name,
						&d, err);
	}
	return ret;
}

/* After the inputs. */
static int
planning_digest_files(struct sm_planning *p, struct sm_err *err)
{
	const struct sm_kind_file *f = p->file;
	struct sm_digest d;
	int ret = 0;

	for (; f < p->file + p->files && ret == 0; f++) {
		ret = sm_input_digest(&d, f->path, true, p->ev, err);
		if (ret == 0)
			ret = sm_planning_set_file(p, f, &d, f->aside, err);
	}
	return ret;
}

int
sm_planning_set_file(struct sm_planning *p, const struct sm_kind_file *f,
		     const struct sm_digest *d, bool aside, struct sm_err *err)
{
	size_t at = p->inputs;
	int ret;

	/* Planned again in the same process: the same place. */
	while (at < p->spec->inputs &&
	       strcmp(p->spec->input[at].name, f->name) != 0)
		at++;
	ret = sm_spec_set_input(p->spec, at, f->name, f->path, d, err);
	if (ret == 0)
		p->spec->input[at].aside = aside;
	return ret;
}

int
sm_planning_digest(struct sm_planning *p, struct sm_err *err)
{
	struct sm_kind_input in;
	struct sm_digest d;
	size_t i;
	int ret;

	for (i = 0; p->kind->input(&in, i, p->spec->opts); i++) {
		if (!in.path)
			continue;
		ret = sm_input_digest(&d, in.path, in.sampled, p->ev, err);
		if (ret == 0)
			ret = sm_spec_set_input(p->spec, i, in.name, in.path,
						&d, err);
		if (ret < 0)
			return ret;
	}
	return planning_digest_files(p, err);
}
