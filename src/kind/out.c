/*
 * out.c - where the text of a batch goes
 *
 * The one way from whoever makes a batch to its shard.  It is apart from the
 * encoders, which know of no batch, and from the kinds, none of which has an
 * encoder of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "err.h"

#include "jsontext.h"
#include "scan.h"

#include "out.h"

enum out_mode { OUT_NOTHING, OUT_TEXT, OUT_RECORDS };

#define OUT_FIELDS 4

struct sm_out {
	const atomic_bool *stop;
	struct sm_shard *shard; /* of this batch, like `made` */
	struct sm_made *made;

	enum sm_encoder_how how;
	int level;
	struct sm_encoder *encoder; /* NULL: no text came yet */

	struct sm_record_writer *writer; /* NULL: no records came yet */
	char *field[OUT_FIELDS];         /* its names */
	int writer_encoding, writer_level;

	enum out_mode mode; /* whose stream is open */
	uint64_t records;   /* lines so far */
	uint64_t limit;     /* bytes of text; 0: none */
	bool in_line;       /* the text lacks its last newline */
	bool refuses_text;
	struct sm_err failed; /* the first failure; code 0: none */
	struct sm_buf json;
};

int
sm_out_new(struct sm_out **out, const atomic_bool *stop, struct sm_err *err)
{
	struct sm_out *o = calloc(1, sizeof(*o));

	if (!o)
		return sm_err_mem(err, "a batch's text");
	o->stop = stop;
	o->how = SM_ENCODER_BY_TEXT;
	o->level = 1;
	*out = o;
	return 0;
}

static void
out_free_writer(struct sm_out *o)
{
	size_t i;

	sm_record_writer_free(o->writer);
	o->writer = NULL;
	for (i = 0; i < OUT_FIELDS; i++) {
		free(o->field[i]);
		o->field[i] = NULL;
	}
}

void
sm_out_free(struct sm_out *o)
{
	if (!o)
		return;
	out_free_writer(o);
	sm_encoder_free(o->encoder);
	sm_buf_release(&o->json);
	free(o);
}

void
sm_out_encode(struct sm_out *o, enum sm_encoder_how how, int level)
{
	if (o->encoder && (how != o->how || level != o->level)) {
		sm_encoder_free(o->encoder);
		o->encoder = NULL;
	}
	o->how = how;
	o->level = level;
}

void
sm_out_begin(struct sm_out *o, struct sm_shard *shard, struct sm_made *made)
{
	o->shard = shard;
	o->made = made;
	o->mode = OUT_NOTHING;
	o->records = 0;
	o->limit = 0;
	o->in_line = false;
	o->refuses_text = false;
	o->failed.code = 0;
}

/* The first failure stays: all that follows is of a batch that is lost. */
static int
out_fail(struct sm_out *o, int ret, struct sm_err *err)
{
	if (o->failed.code != 0)
		return ret;
	o->failed = *err;
	o->failed.code = ret;
	return ret;
}

int
sm_out_failure(const struct sm_out *o, struct sm_err *err)
{
	if (o->failed.code != 0)
		*err = o->failed;
	return o->failed.code;
}

/* To a byte boundary, after which another stream may follow. */
static int
out_align(struct sm_out *o, struct sm_err *err)
{
	switch (o->mode) {
	case OUT_TEXT:
		return sm_encoder_align(o->encoder, err);
	case OUT_RECORDS:
		return sm_record_writer_align(o->writer, err);
	default:
		return 0;
	}
}

static int
out_close_stream(struct sm_out *o, struct sm_err *err)
{
	int ret;

	if (o->mode == OUT_RECORDS)
		ret = sm_record_writer_end(o->writer, err);
	else
		ret = out_align(o, err);
	o->mode = OUT_NOTHING;
	return ret;
}

int
sm_out_end(struct sm_out *o, struct sm_err *err)
{
	int ret = sm_out_failure(o, err);

	if (ret == 0)
		ret = out_close_stream(o, err);
	if (ret == 0 && sm_shard_note_is_due(o->shard))
		ret = sm_shard_note(o->shard, err);
	o->made->counts.records = o->records + o->in_line;
	o->made->open_line = o->in_line;
	return ret;
}

struct sm_shard *
sm_out_shard(const struct sm_out *o)
{
	return o->shard;
}

struct sm_made *
sm_out_made(const struct sm_out *o)
{
	return o->made;
}

bool
sm_out_in_line(const struct sm_out *o)
{
	return o->in_line;
}

void
sm_out_limit(struct sm_out *o, uint64_t bytes)
{
	o->limit = bytes;
}

void
sm_out_refuse_text(struct sm_out *o, bool refuse)
{
	o->refuses_text = refuse;
}

bool
sm_out_stopped(const struct sm_out *o)
{
	return o->stop && atomic_load_explicit(o->stop, memory_order_relaxed);
}

/* May more be written? */
static int
out_check(struct sm_out *o, size_t more, struct sm_err *err)
{
	int ret = sm_out_failure(o, err);

	if (ret < 0)
		return ret;
	if (o->refuses_text)
		return sm_err_set(err, SM_EUSAGE,
				  "the batches of this job make files, or "
				  "write elsewhere (--to, --no-output), and "
				  "text was written");
	if (o->limit && sm_shard_raw_bytes(o->shard) + more > o->limit)
		return sm_err_set(err, SM_ETOOBIG,
				  "the output is larger than %llu bytes "
				  "(--max-shard-bytes)",
				  (unsigned long long)o->limit);
	return 0;
}

/* ---------------------------------------------------------------- text -- */

static int
out_open_text(struct sm_out *o, struct sm_err *err)
{
	int ret = 0;

	if (o->mode == OUT_TEXT)
		return 0;
	ret = out_close_stream(o, err);
	if (ret == 0 && !o->encoder)
		ret = sm_encoder_new(&o->encoder, o->how, o->level, err);
	if (ret == 0)
		ret = sm_encoder_begin(o->encoder, o->shard, err);
	if (ret == 0)
		o->mode = OUT_TEXT;
	return ret;
}

int
sm_out_text(struct sm_out *o, const void *text, size_t len, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	const char *p = text;
	int ret;

	if (len == 0)
		return sm_out_failure(o, err);
	ret = out_check(o, len, err);
	if (ret == 0)
		ret = out_open_text(o, err);
	if (ret == 0)
		ret = sm_encoder_write(o->encoder, text, len, err);
	if (ret < 0)
		return out_fail(o, ret, err);
	o->records += sm_scan_newlines(p, len);
	o->in_line = p[len - 1] != '\n';
	return 0;
}

/* ------------------------------------------------------------- records -- */

static bool
out_same_fields(const struct sm_out *o, const char *const name[OUT_FIELDS])
{
	size_t i;

	for (i = 0; i < OUT_FIELDS; i++)
		if (strcmp(o->field[i], name[i]) != 0)
			return false;
	return true;
}

static int
out_new_writer(struct sm_out *o, const struct sm_record_fields *fields,
	       const char *const name[OUT_FIELDS], int encoding, int level,
	       struct sm_err *err)
{
	size_t i;
	int ret;

	out_free_writer(o);
	ret = sm_record_writer_new(&o->writer, fields, encoding, level, err);
	for (i = 0; ret == 0 && i < OUT_FIELDS; i++) {
		o->field[i] = strdup(name[i]);
		if (!o->field[i])
			ret = sm_err_mem(err, "a record's field names");
	}
	o->writer_encoding = encoding;
	o->writer_level = level;
	if (ret < 0)
		out_free_writer(o);
	return ret;
}

static int
out_open_records(struct sm_out *o, struct sm_err *err)
{
	int ret;

	if (o->mode == OUT_RECORDS)
		return 0;
	if (o->in_line)
		return sm_err_set(err, SM_EUSAGE,
				  "a record begins in the middle of a line: "
				  "the text before it has no newline at its "
				  "end");
	ret = out_close_stream(o, err);
	if (ret == 0)
		ret = sm_record_writer_begin(o->writer, o->shard, err);
	if (ret == 0)
		o->mode = OUT_RECORDS;
	return ret;
}

int
sm_out_writer(struct sm_record_writer **writer, struct sm_out *o,
	      const struct sm_record_fields *fields, int encoding, int level,
	      struct sm_err *err)
{
	const char *const name[OUT_FIELDS] = { fields->key, fields->list,
					       fields->id, fields->score };
	int ret = out_check(o, 0, err);

	if (ret == 0 &&
	    (!o->writer || encoding != o->writer_encoding ||
	     level != o->writer_level || !out_same_fields(o, name))) {
		/* The old one's stream ends before it is freed. */
		ret = out_close_stream(o, err);
		if (ret == 0)
			ret = out_new_writer(o, fields, name, encoding, level,
					     err);
	}
	if (ret == 0)
		ret = out_open_records(o, err);
	if (ret < 0)
		return out_fail(o, ret, err);
	*writer = o->writer;
	return 0;
}

void
sm_out_count(struct sm_out *o, uint64_t records)
{
	o->records += records;
}

int
sm_out_records(struct sm_out *o, const struct sm_record_fields *fields,
	       struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_record_writer *w;
	int encoding = SM_ENCODER_RECORD;

	if (!fields->key || !fields->list || !fields->id || !fields->score)
		return out_fail(o,
				sm_err_set(err, SM_EUSAGE,
					   "the records lack the name of a "
					   "field: key, list, id and score "
					   "are all needed"),
				err);
	if (o->how == SM_ENCODER_BY_ZLIB)
		encoding = SM_ENCODER_ZLIB;
	return sm_out_writer(&w, o, fields, encoding, o->level, err);
}

/* What fails here is kept, and told by sm_out_record_end(). */
void
sm_out_record(struct sm_out *o, const char *key, size_t len)
{
	struct sm_err err;
	int ret = out_check(o, len, &err);

	if (ret == 0 && !o->writer)
		ret = sm_err_set(&err, SM_EUSAGE,
				 "a record was begun before sm_out_records() "
				 "named its fields");
	if (ret == 0)
		ret = out_open_records(o, &err);
	if (ret < 0)
		out_fail(o, ret, &err);
	else
		sm_record_begin(o->writer, key, len);
}

void
sm_out_item(struct sm_out *o, const char *id, size_t id_len, const char *number,
	    size_t number_len)
{
	if (o->failed.code == 0 && o->mode == OUT_RECORDS)
		sm_record_item(o->writer, id, id_len, number, number_len);
}

int
sm_out_record_end(struct sm_out *o, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	int ret = sm_out_failure(o, err);

	if (ret == 0 && o->mode != OUT_RECORDS)
		ret = sm_err_set(err, SM_EUSAGE,
				 "a record was ended that was not begun");
	if (ret == 0)
		ret = sm_record_end(o->writer, err);
	if (ret < 0)
		return out_fail(o, ret, err);
	o->records++;
	return 0;
}

const char *
sm_out_json(struct sm_out *o, size_t *json_len, const char *text, size_t len,
	    struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	ssize_t bad;
	int ret = 0;

	sm_buf_clear(&o->json);
	bad = sm_jsontext_put(&o->json, text, len);
	if (bad >= 0)
		ret = sm_err_set(err, SM_EVALUE,
				 "a text is not UTF-8 from byte %zd on", bad);
	else if (sm_buf_failed(&o->json))
		ret = sm_err_mem(err, "a text");
	if (ret < 0) {
		sm_buf_release(&o->json);
		out_fail(o, ret, err);
		return NULL;
	}
	*json_len = o->json.len;
	return o->json.data;
}

/* ---------------------------------------------------------------- rows -- */

int
sm_out_row(struct sm_out *o, bool written, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	int ret = sm_out_failure(o, err);

	if (ret < 0 || !sm_shard_row(o->shard, written))
		return ret;
	ret = out_align(o, err);
	if (ret == 0)
		ret = sm_shard_note(o->shard, err);
	if (ret < 0)
		return out_fail(o, ret, err);
	return 0;
}

/* ---------------------------------------------------------------- file -- */

int
sm_out_file_begin(struct sm_out_file *f, struct sm_out *o,
		  const struct sm_piece *b, struct sm_err *err)
{
	char tmp[SM_SHARD_FILE_MAX], name[SM_SHARD_FILE_MAX];

	sm_shard_file_tmp_name(tmp, b->id, f->digits, b->token, f->suffix);
	sm_shard_file_name(name, b->id, f->digits, f->suffix);
	sm_shard_beside(o->shard, f->dirfd, tmp, name);
	sm_buf_clear(&f->path);
	sm_buf_printf(&f->path, "%s/%s", f->dir, tmp);
	return sm_buf_failed(&f->path) ? sm_err_mem(err, "a path") : 0;
}

int
sm_out_file_end(uint64_t *bytes, const struct sm_out_file *f, struct sm_out *o,
		const struct sm_piece *b, struct sm_err *err)
{
	char name[SM_SHARD_FILE_MAX], receipt[SM_SHARD_RECEIPT_MAX];
	uint64_t limit = o->limit;
	uint32_t crc32;
	int ret = sm_out_failure(o, err);

	if (ret == 0)
		ret = sm_shard_beside_end(bytes, &crc32, o->shard, err);
	if (ret == 0 && limit && *bytes > limit)
		ret = sm_err_set(err, SM_ETOOBIG,
				 "the file is larger than %llu bytes "
				 "(--max-shard-bytes)",
				 (unsigned long long)limit);
	if (ret < 0)
		return ret;
	sm_shard_file_name(name, b->id, f->digits, f->suffix);
	/* The limit is the file's, and the receipt no text of the batch's. */
	o->refuses_text = false;
	o->limit = 0;
	ret = sm_out_text(o, receipt,
			  sm_shard_receipt(receipt, b->id, name, *bytes, crc32),
			  err);
	o->limit = limit;
	return ret;
}
