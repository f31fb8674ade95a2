/*
 * candidates.c - the candidates job: what its options must be to each other
 *
 * The table of the options is in candidates_options.c, the arrays in
 * candidates_input.c, planning in candidates_plan.c, the records in
 * candidates_make.c.
 */
#include <inttypes.h>
#include <string.h>

#include "err.h"

#include "jsontext.h"

#include "kind.h"

#include "candidates.h"

static int
check_field_name(const char *option, const char *name, struct sm_err *err)
{
	struct sm_buf text = { 0 };
	ssize_t bad;
	bool failed;

	if (!name)
		return sm_err_set(err, SM_EUSAGE, "--%s is missing", option);
	bad = sm_jsontext_put(&text, name, strlen(name));
	failed = sm_buf_failed(&text);
	sm_buf_release(&text);
	if (failed)
		return sm_err_mem(err, "field names");
	if (bad >= 0)
		return sm_err_set(err, SM_EINPUT,
				  "--%s '%s' is not UTF-8 from byte %zd on",
				  option, name, bad);
	return 0;
}

/* Two names of one JSON object. */
static int
check_field_pair(const char *option_a, const char *a, const char *option_b,
		 const char *b, struct sm_err *err)
{
	int ret = check_field_name(option_a, a, err);

	if (ret == 0)
		ret = check_field_name(option_b, b, err);
	if (ret == 0 && strcmp(a, b) == 0)
		ret = sm_err_set(
			err, SM_EUSAGE,
			"--%s and --%s are both '%s'; two fields of one "
			"object need two names",
			option_a, option_b, a);
	return ret;
}

static int
candidates_check(const void *opts, struct sm_err *err)
{
	const struct sm_candidates_opts *o = opts;
	int ret;

	if (o->max_candidates > 0 && o->max_candidates < o->min_candidates)
		return sm_err_set(err, SM_EUSAGE,
				  "--max-candidates %" PRIu64 " is below "
				  "--min-candidates %" PRIu64
				  ": no row could be written",
				  o->max_candidates, o->min_candidates);
	ret = check_field_pair("key-field", o->key_field, "list-field",
			       o->list_field, err);
	if (ret == 0)
		ret = check_field_pair("id-field", o->id_field, "score-field",
				       o->score_field, err);
	return ret;
}

const struct sm_kind sm_kind_candidates = {
	.info = &sm_candidates_info,
	.check = candidates_check,
	.input = sm_candidates_file,
	.cut = sm_candidates_cut,
	.open = sm_candidates_open,
	.produce = sm_candidates_produce,
	.close = sm_candidates_close,
};
