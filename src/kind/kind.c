/*
 * kind.c - the kinds of job that there are
 *
 * This list is the one place, beside the folder of a kind, that knows of it.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "kind.h"
#include "producers.h"

/* A kind is one line.  The last one has no command, and is named by nobody. */
#define KINDS(KIND)                                                            \
	KIND(candidates)                                                       \
	KIND(exec)                                                             \
	KIND(producer)

#define KIND_DECLARE(name) extern const struct sm_kind sm_kind_##name;
#define KIND_ENTRY(name)   &sm_kind_##name,

KINDS(KIND_DECLARE)

static const struct sm_kind *const kinds[] = { KINDS(KIND_ENTRY) NULL };

#define KIND_COUNT (sizeof(kinds) / sizeof(*kinds) - 1)
#define KIND_TYPED (KIND_COUNT - 1)

const struct sm_kind_info *
sm_kind_info(size_t i)
{
	if (i >= KIND_TYPED)
		return NULL;
	return kinds[i]->info;
}

const struct sm_kind_info *
sm_kind_any(size_t i)
{
	if (i >= KIND_COUNT)
		return NULL;
	return kinds[i]->info;
}

const struct sm_option *
sm_kind_limits(const struct sm_kind_info *kind)
{
	const struct sm_option *o = kind->options;

	while (o->name && !(o->flags & SM_OPTION_LIMIT))
		o++;
	return o;
}

const struct sm_kind *
sm_kind_of(const struct sm_spec *spec)
{
	size_t i;

	for (i = 0; i < KIND_COUNT; i++)
		if (kinds[i]->info == spec->kind)
			return kinds[i];
	return NULL;
}

const char *
sm_kind_run_by(struct sm_run_by *room, const struct sm_spec *spec,
	       const char *job)
{
	const struct sm_kind *kind = sm_kind_of(spec);
	const char *name = NULL, *program;
	size_t size = sizeof(room->text);

	if (kind->producer)
		name = kind->producer(spec->opts);
	if (name && !sm_producers_find(name)) {
		program = kind->program(spec->opts);
		if (program)
			snprintf(room->text, size,
				 "the program of its producer '%s', '%s',",
				 name, program);
		else
			snprintf(room->text, size,
				 "the program that has its producer '%s'",
				 name);
	} else if (!sm_err_is_typed()) {
		strcpy(room->text, "sm_run()");
	} else if (job) {
		snprintf(room->text, size, "'shardmill run %s'", job);
	} else {
		strcpy(room->text, "'shardmill run'");
	}
	return room->text;
}

size_t
sm_kind_count_inputs(const struct sm_spec *spec)
{
	const struct sm_kind *kind = sm_kind_of(spec);
	struct sm_kind_input in;
	size_t n = 0;

	while (kind->input(&in, n, spec->opts))
		n++;
	return n;
}

const struct sm_kind *
sm_kind_find(const char *name)
{
	size_t i;

	for (i = 0; i < KIND_TYPED; i++)
		if (strcmp(kinds[i]->info->name, name) == 0)
			return kinds[i];
	return NULL;
}
