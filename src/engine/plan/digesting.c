/*
 * digesting.c - what the inputs of a job are, into its specification
 *
 * Apart from planning.c, which says when.
 */
#include <string.h>

#include "fault.h"

#include "digests.h"

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
		ret = sm_input_digest(&d, f->path, true, 0, p->ev, err);
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

/* Of one that is still read, what is known of it. */
static int
planning_set_inputs(struct sm_planning *p, struct sm_err *err)
{
	struct sm_kind_input in;
	struct sm_digest d;
	size_t i, k = 0;
	int ret = 0;

	for (i = 0; ret == 0 && p->kind->input(&in, i, p->spec->opts); i++) {
		if (!in.path)
			continue;
		sm_digests_get(&d, p->digests, k++);
		ret = sm_spec_set_input(p->spec, i, in.name, in.path, &d, err);
	}
	return ret;
}

/*
 * The threads have the processors that the cut, which is one thread, leaves
 * free.  Nothing that is written depends on a digest until the cut is over:
 * then the fingerprint is made of them, by which tables are named.
 */
int
sm_planning_digest(struct sm_planning *p, struct sm_err *err)
{
	struct sm_kind_input in;
	size_t i;
	int ret = sm_digests_new(&p->digests, p->ev, err);

	for (i = 0; ret == 0 && p->kind->input(&in, i, p->spec->opts); i++)
		if (in.path)
			ret = sm_digests_add(p->digests, in.path, in.sampled,
					     err);
	if (ret == 0)
		ret = planning_set_inputs(p, err);
	if (ret == 0)
		ret = planning_digest_files(p, err);
	if (ret == 0 && sm_digests_left(p->digests) > 0) {
		sm_digests_start(p->digests,
				 sm_input_threads(p->opts->settings.workers));
		return 0;
	}
	sm_digests_free(p->digests);
	p->digests = NULL;
	return ret;
}

int
sm_planning_digested(struct sm_planning *p, int ret, struct sm_err *err)
{
	if (!p->digests)
		return ret;
	if (ret == 0)
		ret = sm_digests_end(p->digests, err);
	else
		ret = sm_digests_give_up(p->digests, ret, err);
	if (ret == 0)
		ret = planning_set_inputs(p, err);
	sm_fault("plan.digested");
	sm_digests_free(p->digests);
	p->digests = NULL;
	return ret;
}
