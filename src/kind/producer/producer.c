/*
 * producer.c - a job whose batches are made by code of another program
 *
 * What such a job is planned with: the producer's name and options, and how its
 * input is cut.  The table of options is in producer_options.c, cutting in
 * producer_cut.c, making in producer_make.c.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "err.h"
#include "file.h"

#include "producers.h"

#include "producer.h"

#define PRODUCER_NAME_MAX    40
#define PRODUCER_PROGRAM_MAX 4096
/* spec.json is read by each worker. */
#define PRODUCER_OPTIONS_MAX ((size_t)1 << 20)

static int
producer_check_name(const char *name, struct sm_err *err)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "0123456789-";

	if (!name)
		return sm_err_set(err, SM_EUSAGE, "the producer has no name");
	if (*name < 'a' || *name > 'z' ||
	    strspn(name, letters) != strlen(name) ||
	    strlen(name) > PRODUCER_NAME_MAX)
		return sm_err_set(err, SM_EUSAGE,
				  "the producer's name '%.60s' must be small "
				  "letters, digits and '-', the first one a "
				  "letter, at most %d of them",
				  name, PRODUCER_NAME_MAX);
	return 0;
}

/* With the keys sorted, so that their order is no change. */
static int
producer_take_options(struct sm_producer_opts *o, struct sm_spec *spec,
		      const char *text, struct sm_err *err)
{
	json_error_t e;
	json_t *root;
	char *canonical;
	int ret = 0;

	if (!text)
		text = "{}";
	if (strlen(text) > PRODUCER_OPTIONS_MAX)
		return sm_err_set(
			err, SM_EUSAGE,
			"sm_plan_opts.producer_options is longer than 1 MiB; put "
			"what is large into an input");
	root = json_loads(text, JSON_REJECT_DUPLICATES, &e);
	if (!root && json_error_code(&e) == json_error_out_of_memory)
		return sm_err_mem(err, "the producer's options");
	if (!root)
		return sm_err_set(err, SM_EUSAGE,
				  "sm_plan_opts.producer_options is no JSON: "
				  "line %d, column %d of '%.200s': %s; it is "
				  "an object, such as {\"name\": 1}",
				  e.line, e.column, text, e.text);
	if (!json_is_object(root)) {
		json_decref(root);
		return sm_err_set(err, SM_EUSAGE,
				  "sm_plan_opts.producer_options must be a "
				  "JSON object, such as {\"name\": 1}, and is "
				  "'%.200s'",
				  text);
	}
	canonical = json_dumps(root, JSON_SORT_KEYS | JSON_COMPACT |
					     JSON_REAL_PRECISION(17));
	json_decref(root);
	if (canonical)
		o->options = sm_spec_strdup(spec, canonical);
	if (!canonical || !o->options)
		ret = sm_err_mem(err, "the producer's options");
	free(canonical);
	return ret;
}

/* For whoever meets the job without it. */
static int
producer_note_program(struct sm_producer_opts *o, struct sm_spec *spec,
		      struct sm_err *err)
{
	char path[PRODUCER_PROGRAM_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return 0;
	path[n] = '\0';
	o->program = sm_spec_strdup(spec, path);
	return o->program ? 0 : sm_err_mem(err, "the specification");
}

static int
producer_take(struct sm_spec *spec, const struct sm_plan_opts *opts,
	      struct sm_err *err)
{
	const struct sm_producer *p = opts->producer;
	struct sm_producer_opts *o = spec->opts;
	int ret = producer_check_name(p->name, err);

	if (ret == 0 && !p->produce)
		ret = sm_err_set(err, SM_EUSAGE,
				 "the producer '%s' has no produce()", p->name);
	if (ret == 0 && !sm_producers_are_set())
		ret = sm_err_set(err, SM_EUSAGE,
				 "sm_worker_main() was not called, so that no "
				 "worker would find the producer '%s': make it "
				 "the first line of main(), with a list of "
				 "producers that has this one",
				 p->name);
	if (ret == 0 && sm_producers_find(p->name) != p)
		ret = sm_err_set(err, SM_EUSAGE,
				 "the producer '%s' is not among those that "
				 "sm_worker_main() was given, and no worker "
				 "would find it",
				 p->name);
	if (ret < 0)
		return ret;
	o->producer = p;
	o->name = sm_spec_strdup(spec, p->name);
	if (!o->name)
		return sm_err_mem(err, "the specification");
	ret = producer_take_options(o, spec, opts->producer_options, err);
	if (ret == 0)
		ret = producer_note_program(o, spec, err);
	return ret;
}

static int
producer_settle(struct sm_spec *spec, struct sm_err *err)
{
	struct sm_producer_opts *o = spec->opts;
	struct sm_exec_opts *in = &o->in;
	char *cwd = sm_path_real(".", err);

	if (!cwd)
		return SM_EINPUT;
	in->cwd = sm_spec_strdup(spec, cwd);
	free(cwd);
	if (!in->cwd)
		return sm_err_mem(err, "the specification");
	if (in->items && in->size > 1)
		in->columns = in->size;
	o->own_cut = !in->lines && !in->bytes && !in->has_range && !in->items &&
		     o->producer && o->producer->cut;
	return 0;
}

static int
producer_check(const void *opts, struct sm_err *err)
{
	const struct sm_producer_opts *o = opts;
	const struct sm_exec_opts *in = &o->in;
	int sources = (in->lines > 0) + (in->bytes > 0) + in->has_range +
		      (in->items != NULL);
	size_t i;

	if (sources > 1 || (sources == 0 && !o->own_cut))
		return sm_err_set(err, SM_EUSAGE,
				  "give one of the options range, lines, "
				  "bytes and items, or the producer a cut(): "
				  "%s is there",
				  sources ? "more than one" : "none");
	if ((in->lines || in->bytes) != (in->input != NULL))
		return sm_err_set(err, SM_EUSAGE,
				  "the option input goes with lines or bytes, "
				  "and these with it");
	if (in->header && !in->input)
		return sm_err_set(err, SM_EUSAGE,
				  "the option header goes with input");
	if (in->nul && !in->items)
		return sm_err_set(err, SM_EUSAGE,
				  "the option null goes with items");
	for (i = 0; in->input && in->input[i]; i++)
		if (strcmp(in->input[i], "-") == 0 && i > 0)
			return sm_err_set(err, SM_EUSAGE,
					  "standard input (-) can be the first "
					  "input alone");
	return sm_exec_check_result(in, err);
}

static const char *
producer_name(const void *opts)
{
	const struct sm_producer_opts *o = opts;

	return o->name;
}

static const char *
producer_program(const void *opts)
{
	const struct sm_producer_opts *o = opts;

	return o->program;
}

static struct sm_kind_files
producer_files(const void *opts)
{
	const struct sm_producer_opts *o = opts;

	return sm_exec_files(&o->in);
}

const struct sm_kind sm_kind_producer = {
	.info = &sm_producer_info,
	.foreign = true,
	.take = producer_take,
	.settle = producer_settle,
	.check = producer_check,
	.producer = producer_name,
	.program = producer_program,
	.input = sm_producer_input,
	.files = producer_files,
	.keep = sm_producer_keep,
	.digest = sm_exec_digest,
	.differ = sm_exec_differ,
	.check_kept = sm_exec_check_kept,
	.cut = sm_producer_cut,
	.open = sm_producer_open,
	.produce = sm_producer_produce,
	.close = sm_producer_close,
};
