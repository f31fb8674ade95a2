/*
 * settings.c - refuse settings that make no sense, by name
 *
 * The program's options have their ranges; this is for callers of the library,
 * who would otherwise hear of it from a CHECK of the schema, or not at all.
 */
#include <math.h>

#include "option.h"

#include "settings.h"

static int
settings_check_range(const char *name, int value, int max, struct sm_err *err)
{
	if (value >= 0 && value <= max)
		return 0;
	return sm_err_set(err, SM_EUSAGE,
			  "%s is %d: 1 to %d, or 0 for the default", name,
			  value, max);
}

int
sm_settings_check_switch(const char *name, int value, struct sm_err *err)
{
	if (value >= -1 && value <= 1)
		return 0;
	return sm_err_set(err, SM_EUSAGE,
			  "%s is %d: 1 is yes, -1 no, 0 as it is", name, value);
}

int
sm_settings_check(const struct sm_settings *s, struct sm_err *err)
{
	int ret = settings_check_range("workers", s->workers, SM_WORKERS_MAX,
				       err);

	if (ret == 0)
		ret = settings_check_range("max_attempts", s->max_attempts,
					   SM_ATTEMPTS_MAX, err);
	if (ret == 0 && !(isfinite(s->lease_s) && s->lease_s >= 0))
		ret = sm_err_set(err, SM_EUSAGE,
				 "lease_s is %g: seconds, or 0 for the default",
				 s->lease_s);
	if (ret == 0 && (s->sync < 0 || s->sync > SM_SYNC_END))
		ret = sm_err_set(err, SM_EUSAGE,
				 "sync is %d: an enum sm_sync, or 0 for the "
				 "default",
				 s->sync);
	if (ret == 0)
		ret = sm_settings_check_switch("fail_fast", s->fail_fast, err);
	if (ret == 0)
		ret = sm_settings_check_switch("consume", s->consume, err);
	return ret;
}

int
sm_settings_limit(struct sm_handle *h, const struct sm_value *limits,
		  struct sm_err *err)
{
	const struct sm_value *v;
	const struct sm_option *o;
	int ret = sm_spec_set_values(h->spec, limits, err);

	for (v = limits; ret == 0 && v && v->name; v++) {
		o = sm_option_find(h->spec->kind->options, v->name);
		if (o && !(o->flags & SM_OPTION_LIMIT))
			ret = sm_err_set(
				err, SM_EUSAGE,
				"--%s decides about the content of the "
				"job '%s'; give it to the job's own "
				"command",
				v->name, h->dir.path);
	}
	return ret;
}
