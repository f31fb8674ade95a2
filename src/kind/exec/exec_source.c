/*
 * exec_source.c - what follows from where an exec job's batches come from
 *
 * Whether placeholders are filled in, and which file the lines are in: asked
 * while planning and by each worker alike.
 */
#include <string.h>

#include "exec.h"

bool
sm_exec_replaces(const struct sm_exec_opts *opts)
{
	if (opts->replace)
		return opts->replace > 0;
	return opts->has_range || opts->items;
}

const char *
sm_exec_input(const struct sm_spec *spec)
{
	const struct sm_exec_opts *o = spec->opts;
	size_t i;

	for (i = 0; i < spec->inputs; i++)
		if (strcmp(spec->input[i].name, "input") == 0)
			return spec->input[i].path;
	return o->input;
}
