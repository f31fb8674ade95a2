/*
 * candidates_input.c - the files of a candidates job, and its two arrays
 *
 * Which files there are, and the arrays opened and held against each other:
 * planning and each worker do the same.
 */
#include <inttypes.h>
#include <string.h>

#include "err.h"

#include "kind.h"

#include "candidates.h"

/* In the job's tables, what was unpacked. */
#define INPUT_CANDS  "cands.npy"
#define INPUT_SCORES "scores.npy"

bool
sm_candidates_file(struct sm_kind_input *in, size_t i, const void *opts)
{
	const struct sm_candidates_opts *o = opts;
	const struct sm_kind_input all[] = {
		{ .name = "cands", .path = o->cands },
		{ .name = "scores", .path = o->scores },
		{ .name = "keys", .path = o->keys },
		{ .name = "vocab", .path = o->vocab },
	};

	if (i >= sizeof(all) / sizeof(*all))
		return false;
	*in = all[i];
	return true;
}

const char *
sm_candidates_path(const struct sm_spec *spec, const char *name)
{
	struct sm_kind_input in;
	size_t i;

	for (i = 0; i < spec->inputs; i++)
		if (strcmp(spec->input[i].name, name) == 0)
			return spec->input[i].path;
	for (i = 0; sm_candidates_file(&in, i, spec->opts); i++)
		if (strcmp(in.name, name) == 0)
			return in.path;
	return "";
}

int
sm_candidates_unpack(const struct sm_spec *spec, int tables_dirfd,
		     const struct sm_npz *step, struct sm_err *err)
{
	bool unpacked;
	int ret;

	ret = sm_npy_unpack(&unpacked, step, sm_candidates_path(spec, "cands"),
			    tables_dirfd, INPUT_CANDS, err);
	if (ret == 0)
		ret = sm_npy_unpack(&unpacked, step,
				    sm_candidates_path(spec, "scores"),
				    tables_dirfd, INPUT_SCORES, err);
	return ret;
}

/* A pad that the array's type cannot hold is met nowhere. */
static void
input_set_pad(struct sm_candidates_input *in,
	      const struct sm_candidates_opts *o)
{
	in->is_signed = in->ids.type == SM_NPY_I4 || in->ids.type == SM_NPY_I8;
	in->has_pad = o->has_pad && (in->is_signed || o->pad >= 0);
	in->pad = (uint64_t)o->pad;
}

int
sm_candidates_input_open(struct sm_candidates_input *in,
			 const struct sm_spec *spec, int tables_dirfd,
			 struct sm_err *err)
{
	const char *cands = sm_candidates_path(spec, "cands");
	const char *scores = sm_candidates_path(spec, "scores");
	int ret;

	*in = (struct sm_candidates_input){ 0 };
	ret = sm_npy_open(&in->cands, cands, tables_dirfd, INPUT_CANDS, err);
	if (ret == 0)
		ret = sm_npy_open(&in->scores, scores, tables_dirfd,
				  INPUT_SCORES, err);
	if (ret == 0)
		ret = sm_npy_require(&in->cands, 2, SM_NPY_INTEGERS,
				     "an array of integers", err);
	if (ret == 0)
		ret = sm_npy_require(&in->scores, 2,
				     1u << SM_NPY_F2 | 1u << SM_NPY_F4 |
					     1u << SM_NPY_F8,
				     "an array of float16, float32 or "
				     "float64",
				     err);
	if (ret < 0)
		goto fail;
	in->rows = in->cands.shape[0];
	in->width = in->cands.shape[1];
	if (in->rows != in->scores.shape[0] ||
	    in->width != in->scores.shape[1]) {
		ret = sm_err_set(err, SM_EINPUT,
				 "'%s' has %" PRIu64 " rows of %" PRIu64
				 " columns, but '%s' has %" PRIu64
				 " rows of %" PRIu64 "; they must agree",
				 cands, in->rows, in->width, scores,
				 in->scores.shape[0], in->scores.shape[1]);
		goto fail;
	}
	ret = sm_npy_rows_init(&in->ids, &in->cands, SM_NPY_HOST_BIG_ENDIAN,
			       err);
	if (ret == 0)
		ret = sm_npy_rows_init(&in->values, &in->scores,
				       SM_NPY_HOST_BIG_ENDIAN, err);
	if (ret < 0)
		goto fail;
	input_set_pad(in, spec->opts);
	return 0;

fail:
	sm_candidates_input_close(in);
	return ret;
}

int
sm_candidates_input_get(struct sm_candidates_input *in, uint64_t first,
			uint64_t end, struct sm_err *err)
{
	uint64_t n = end - first;
	int ret;

	if (n > in->ids.most)
		n = in->ids.most;
	if (n > in->values.most)
		n = in->values.most;
	ret = sm_npy_rows_get(&in->ids, first, n, err);
	if (ret == 0)
		ret = sm_npy_rows_get(&in->values, first, n, err);
	if (ret < 0)
		return ret;
	in->first = first;
	in->end = first + n;
	return 0;
}

void
sm_candidates_input_close(struct sm_candidates_input *in)
{
	sm_npy_rows_release(&in->ids);
	sm_npy_rows_release(&in->values);
	sm_npy_close(&in->cands);
	sm_npy_close(&in->scores);
	*in = (struct sm_candidates_input){ 0 };
}
