#include <stddef.h>

#include "kind.h"

const struct sm_kind *const sm_kinds[] = {
	&sm_kind_candidates,
	&sm_kind_exec,
	NULL,
};

#define KIND_COUNT (sizeof(sm_kinds) / sizeof(*sm_kinds))

const struct sm_spec_shape *const *
sm_kind_shapes(void)
{
	static const struct sm_spec_shape *shapes[KIND_COUNT];
	size_t i;

	for (i = 0; sm_kinds[i]; i++)
		shapes[i] = sm_kinds[i]->shape;
	return shapes;
}

const struct sm_kind *
sm_kind_of(const struct sm_spec *spec)
{
	size_t i;

	for (i = 0; sm_kinds[i]; i++)
		if (sm_kinds[i]->shape == spec->shape)
			return sm_kinds[i];
	return NULL;
}
