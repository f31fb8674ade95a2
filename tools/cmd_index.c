/*
 * cmd_index.c - index: show the index of a final file
 *
 * As a table for people, or as JSON for readers in other languages.
 */
#include <inttypes.h>
#include <stddef.h>

#include "output.h"

#include "cmd.h"
#include "options.h"

struct index_args {
	bool json;
};

/* ---------------------------------------------------------------- text -- */

static int
index_show_missing(struct sm_index *x, struct sm_err *err)
{
	struct sm_batch_range run;
	const char *before = "left out: ";
	int ret;

	sm_index_rewind(x);
	while ((ret = sm_index_next_missing(&run, x, err)) > 0) {
		printf("%s%" PRIu64, before, run.first);
		if (run.last > run.first)
			printf("-%" PRIu64, run.last);
		before = ", ";
	}
	if (*before == ',')
		putchar('\n');
	return ret;
}

static int
index_show(const char *file, const struct sm_index_about *about,
	   struct sm_index *x, struct sm_err *err)
{
	struct sm_index_entry e;
	int ret;

	sm_output_line(
		stdout, "%: job %, % %, % rows, % records, % of text", file,
		about->fingerprint, sm_text_count(about->batches).s,
		sm_text_plural(about->batches, "batch", "batches"),
		sm_text_count(about->rows).s, sm_text_count(about->records).s,
		sm_text_size(about->raw_bytes).s, NULL);
	ret = about->missing > 0 ? index_show_missing(x, err) : 0;
	if (ret < 0)
		return ret;
	printf("%12s %12s %10s %12s %10s %14s %12s %14s %12s\n", "batch", "row",
	       "rows", "record", "records", "at", "bytes", "text_at",
	       "text_bytes");
	sm_index_rewind(x);
	while ((ret = sm_index_next(&e, x, err)) > 0) {
		if (e.missing)
			continue;
		printf("%12" PRIu64 " %12" PRIu64 " %10" PRIu64 " %12" PRIu64
		       " %10" PRIu64 " %14" PRIu64 " %12" PRIu64 " %14" PRIu64
		       " %12" PRIu64 "\n",
		       e.batch, e.row, e.rows, e.record, e.records, e.at,
		       e.bytes, e.raw_at, e.raw_bytes);
	}
	return ret;
}

/* ---------------------------------------------------------------- JSON -- */

/*
 * Value by value, so that an index of any size takes no memory: a comma and a
 * line's end before each but the first.
 */
static int
index_put_json(bool *first, json_t *value, struct sm_err *err)
{
	if (!value)
		return sm_output_fail(err, SM_ENOMEM, "out of memory");
	fputs(*first ? "\n" : ",\n", stdout);
	/* What cannot be written is noticed when all is flushed. */
	json_dumpf(value, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(value);
	*first = false;
	return 0;
}

static json_t *
index_entry_json(const struct sm_index_entry *e)
{
	json_t *v = json_pack(
		"{s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, "
		"s:o, s:o, s:o}",
		"batch", sm_json_count(e->batch), "batches",
		sm_json_count(e->batches), "missing", e->missing, "row",
		sm_json_count(e->row), "rows", sm_json_count(e->rows), "record",
		sm_json_count(e->record), "records", sm_json_count(e->records),
		"at", sm_json_count(e->at), "bytes", sm_json_count(e->bytes),
		"raw_at", sm_json_count(e->raw_at), "raw_bytes",
		sm_json_count(e->raw_bytes), "gz_crc32",
		sm_json_count(e->gz_crc32));
	unsigned i;
	int bad = !v;

	for (i = 0; !bad && i < SM_TALLIES; i++)
		bad = json_object_set_new(v, sm_tally(i)->name,
					  sm_json_count(e->tally[i]));
	if (!bad)
		return v;
	json_decref(v);
	return NULL;
}

static int
index_json_missing(struct sm_index *x, struct sm_err *err)
{
	struct sm_batch_range run;
	bool first = true;
	int ret;

	while ((ret = sm_index_next_missing(&run, x, err)) > 0) {
		ret = index_put_json(&first,
				     json_pack("[o, o]",
					       sm_json_count(run.first),
					       sm_json_count(run.last)),
				     err);
		if (ret < 0)
			break;
	}
	return ret;
}

static int
index_json_entries(struct sm_index *x, struct sm_err *err)
{
	struct sm_index_entry e;
	bool first = true;
	int ret;

	while ((ret = sm_index_next(&e, x, err)) > 0) {
		ret = index_put_json(&first, index_entry_json(&e), err);
		if (ret < 0)
			break;
	}
	return ret;
}

static int
index_json(const struct sm_index_about *about, struct sm_index *x,
	   struct sm_err *err)
{
	int ret;

	printf("{\"fingerprint\": \"%s\",\n"
	       "\"batches\": %" PRIu64 ", \"missing\": %" PRIu64
	       ", \"rows\": %" PRIu64 ", \"records\": %" PRIu64 ",\n"
	       "\"raw_bytes\": %" PRIu64 ", \"file_bytes\": %" PRIu64
	       ",\n\"left_out\": [",
	       about->fingerprint, about->batches, about->missing, about->rows,
	       about->records, about->raw_bytes, about->file_bytes);
	ret = index_json_missing(x, err);
	if (ret < 0)
		return ret;
	fputs("],\n\"entries\": [", stdout);
	sm_index_rewind(x);
	ret = index_json_entries(x, err);
	if (ret < 0)
		return ret;
	fputs("]}\n", stdout);
	return 0;
}

static int
index_run(struct sm_call *call, struct sm_err *err)
{
	const struct index_args *a = call->args;
	const char *file = call->words.word[0];
	struct sm_index_about about;
	struct sm_index *x = NULL;
	int ret = sm_index_open(&x, &about, file, err);

	if (ret == 0)
		ret = a->json ? index_json(&about, x, err)
			      : index_show(file, &about, x, err);
	sm_index_close(x);
	return ret;
}

static const struct sm_option index_options[] = {
	{ "json", .type = SM_OPTION_BOOL,
	  .at = offsetof(struct index_args, json),
	  .help = "one object, for programs", .more = "See INDEX IN JSON." },
	{ 0 },
};

const struct sm_cmd cmd_index = {
	.name = "index",
	.usage = "FILE [--json]",
	.summary = "show the index of a final file",
	.words = 1,
	.tables = { index_options },
	.args_bytes = sizeof(struct index_args),
	.run = index_run,
};
