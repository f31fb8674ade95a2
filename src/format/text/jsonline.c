/*
 * The check of --check json: each line of a text is parsed and thrown away.
 *
 * The text comes in pieces of any size, so that a line may begin in one and end
 * in another.  Lines within a piece are parsed where they are; only the start
 * of a line whose end is yet to come is copied.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "buf.h"

#include "jsonline.h"

struct sm_jsonline {
	struct sm_buf part; /* the start of a line whose end is yet to come */
	uint64_t line;      /* lines that were complete so far */
};

int
sm_jsonline_new(struct sm_jsonline **out, struct sm_err *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return sm_err_mem(err, "the check of the output");
	return 0;
}

void
sm_jsonline_begin(struct sm_jsonline *j)
{
	/* The memory that one huge line took is not kept for the next text. */
	sm_buf_release(&j->part);
	j->line = 0;
}

/*
 * Integers are read as reals: jansson has 64 bits for an integer and refuses
 * longer ones, which are JSON all the same.
 */
static int
jsonline_parse(struct sm_jsonline *j, const char *text, size_t len,
	       struct sm_err *err)
{
	const char *nul = memchr(text, '\0', len);
	json_error_t why;
	json_t *v;

	j->line++;
	/* jansson accepts NUL bytes, which JSON does not allow. */
	if (nul)
		return sm_err_set(err, SM_EOUTPUT,
				  "line %" PRIu64 " of the output is not JSON, "
				  "column %zu: a NUL byte",
				  j->line, (size_t)(nul - text) + 1);
	v = json_loadb(text, len,
		       JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL |
			       JSON_ALLOW_NUL,
		       &why);
	if (v) {
		json_decref(v);
		return 0;
	}
	if (json_error_code(&why) == json_error_out_of_memory)
		return sm_err_mem(err, "the check of the output");
	return sm_err_set(err, SM_EOUTPUT,
			  "line %" PRIu64 " of the output is not JSON, "
			  "column %d: %s",
			  j->line, why.column, why.text);
}

/*
 * Append to the line that is yet to end.  The bound keeps a program that never
 * writes a newline from filling the memory of the worker.
 */
static int
jsonline_keep(struct sm_jsonline *j, const char *text, size_t len,
	      struct sm_err *err)
{
	if (len > SM_JSONLINE_MAX - j->part.len)
		return sm_err_set(err, SM_EOUTPUT,
				  "line %" PRIu64 " of the output is longer "
				  "than %zu bytes, too long to be checked",
				  j->line + 1, SM_JSONLINE_MAX);
	sm_buf_put(&j->part, text, len);
	if (sm_buf_failed(&j->part))
		return sm_err_mem(err, "the check of the output");
	return 0;
}

/*
 * Three cases: the line's end is not in this piece; it is, and the line began
 * in an earlier piece; the whole line is in this piece.
 */
int
sm_jsonline_feed(struct sm_jsonline *j, const void *text, size_t len,
		 struct sm_err *err)
{
	const char *p = text, *end = p + len, *nl;
	int ret;

	while (p < end) {
		nl = memchr(p, '\n', (size_t)(end - p));
		if (!nl)
			return jsonline_keep(j, p, (size_t)(end - p), err);
		if (j->part.len > 0) {
			ret = jsonline_keep(j, p, (size_t)(nl - p), err);
			if (ret < 0)
				return ret;
			ret = jsonline_parse(j, j->part.data, j->part.len, err);
			sm_buf_clear(&j->part);
		} else {
			ret = jsonline_parse(j, p, (size_t)(nl - p), err);
		}
		if (ret < 0)
			return ret;
		p = nl + 1;
	}
	return 0;
}

int
sm_jsonline_end(struct sm_jsonline *j, struct sm_err *err)
{
	if (j->part.len == 0)
		return 0;
	return jsonline_parse(j, j->part.data, j->part.len, err);
}

void
sm_jsonline_free(struct sm_jsonline *j)
{
	if (!j)
		return;
	sm_buf_release(&j->part);
	free(j);
}
