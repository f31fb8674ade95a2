/*
 * check.c - verify a final file, or a shard, by nothing but its bytes
 *
 * The end note vouches for the index, the index for each body, and header and
 * tail follow from what was read: so every byte is compared with something.
 * Where the index cannot be followed, what is found of it from the start on is
 * compared all the same, and gaps between are findings.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#include "crc32.h"
#include "pad.h"

#include "chain.h"

#define CHECK_NONE (-1) /* no batch in particular */

struct check {
	struct sm_final_report *report;
	struct sm_body_reader *r;
	struct sm_chain chain;
	struct sm_gzip_end end;
	bool has_end;
	bool whole_text; /* of all bodies so far */
	bool gaps;       /* somewhere in the index */
	uint64_t first;  /* batch */
	/* What the next group must begin with; only its `back` is not known. */
	struct sm_group next;
	uint64_t last_at; /* the index note before; 0: none */
	uint64_t missing;
	uint64_t raw_bytes;
	uint32_t raw_crc32;
};

static void SM_PRINTF(4, 5)
	check_found(struct check *c, int64_t batch, const char *damage,
		    const char *fmt, ...)
{
	struct sm_final_report *r = c->report;
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->findings++;
	if (r->found)
		r->found(batch, damage, text, r->arg);
}

/* ----------------------------------------------------------------- groups --
 */

/* One batch that has text, whose body is at `at`. */
static int
check_body(struct check *c, uint64_t batch, uint64_t at,
	   const struct sm_entry *e, struct sm_err *err)
{
	struct sm_final_report *report = c->report;
	struct sm_body b;
	int ret = sm_body_read(&b, c->r, at, at + e->sizes.gz_bytes, err);

	if (ret < 0)
		return ret;
	if (b.inflates && b.gz_crc32 == e->sizes.gz_crc32 &&
	    b.raw_bytes == e->sizes.raw_bytes) {
		report->batches++;
		report->records += e->counts.records;
		report->raw_bytes += e->sizes.raw_bytes;
		report->gz_bytes += e->sizes.gz_bytes;
		c->raw_bytes += b.raw_bytes;
		c->raw_crc32 = sm_crc32_combine(c->raw_crc32, b.raw_crc32,
						b.raw_bytes);
		return 0;
	}
	c->whole_text = false;
	if (b.inflates)
		check_found(c, (int64_t)batch, "crc",
			    "batch %" PRIu64 " at byte %" PRIu64
			    " holds other bytes than were written",
			    batch, at);
	else
		check_found(c, (int64_t)batch, "deflate",
			    "batch %" PRIu64 " at byte %" PRIu64
			    " does not inflate",
			    batch, at);
	return 0;
}

/* Bytes between what was read and the group at `to` that nothing speaks of. */
static void
check_gap(struct check *c, uint64_t to, uint64_t batch)
{
	c->whole_text = false;
	c->gaps = true;
	if (batch > c->next.batch)
		check_found(c, (int64_t)c->next.batch, "index",
			    "the index of batch %" PRIu64 " to %" PRIu64
			    ", between the bytes %" PRIu64 " and %" PRIu64
			    ", is not as it was written",
			    c->next.batch, batch - 1, c->next.at, to);
	else
		check_found(
			c, CHECK_NONE, "index",
			"the index, or what pads, between the bytes %" PRIu64
			" and %" PRIu64 " is not as it was written",
			c->next.at, to);
}

/* Is what is before the group at `to`, a large body's, padding? */
static int
check_padding(bool *padding, const struct check *c, const struct sm_group *g,
	      struct sm_err *err)
{
	uint64_t len = g->at - c->next.at;
	unsigned char must[SM_PAD_BLOCK];

	*padding = g->at > c->next.at && g->entries == 1 &&
		   sm_pad_may_be(g->at, len, g->run[0].e.sizes.gz_bytes);
	if (!*padding)
		return 0;
	sm_pad_put(must, (size_t)len);
	return sm_body_same(padding, c->r, c->next.at, must, (size_t)len, err);
}

/* Does the group go on where the one before ended? */
static bool
check_follows(const struct check *c, const struct sm_group *g, uint64_t at)
{
	const struct sm_group *n = &c->next;

	if (g->batch != n->batch || g->row != n->row ||
	    g->record != n->record || g->raw_at != n->raw_at ||
	    g->before_crc32 != n->before_crc32)
		return false;
	return c->last_at == 0 ? g->back == 0 : g->back == at - c->last_at;
}

static int
check_group(struct check *c, const struct sm_link *l, struct sm_err *err)
{
	struct sm_group g;
	const struct sm_span *run;
	uint64_t batch, at;
	size_t bytes;
	bool padding = false;
	unsigned i;
	int ret = sm_chain_group(&g, &bytes, l, c->r->fd, c->r->name, err);

	if (ret == 0)
		ret = check_padding(&padding, c, &g, err);
	if (ret < 0)
		return ret;
	if (padding)
		c->next.at = g.at;
	if (c->last_at == 0 && g.at == c->next.at)
		c->first = c->next.batch = g.batch;
	if (g.at != c->next.at)
		check_gap(c, g.at, g.batch);
	else if (!check_follows(c, &g, l->at))
		check_found(c, (int64_t)g.batch, "index",
			    "the index at byte %" PRIu64
			    " does not go on from the one before",
			    l->at);
	batch = g.batch;
	at = g.at;
	for (i = 0; i < g.entries && ret == 0; i++) {
		run = &g.run[i];
		if (run->missing)
			c->missing += run->batches;
		else if (run->e.sizes.gz_bytes == 0)
			c->report->batches += run->batches;
		else
			ret = check_body(c, batch, at, &run->e, err);
		batch += run->batches;
		at += run->e.sizes.gz_bytes;
	}
	sm_group_next(&c->next, &g, l->at, bytes, l->crc32);
	c->last_at = l->at;
	return ret;
}

/* -------------------------------------------------------------------- end --
 */

static void
check_found_cut(struct check *c)
{
	if (c->last_at == 0)
		check_found(c, CHECK_NONE, "truncated",
			    "its end is missing, and so is the first part of "
			    "its index");
	else
		check_found(c, CHECK_NONE, "truncated",
			    "whole up to batch %" PRIu64 " (byte %" PRIu64
			    "), its end is missing",
			    c->next.batch - 1, c->next.at);
}

/* The end note that was found, and the tail after it, at c->next.at. */
static int
check_end(struct check *c, struct sm_err *err)
{
	unsigned char must[SM_GZIP_LAST_BYTES];
	struct sm_gzip_end e = { .fingerprint = c->end.fingerprint,
				 .batches = c->next.batch - c->first,
				 .missing = c->missing,
				 .last_at = c->last_at,
				 .last_crc32 = c->next.before_crc32 };
	bool same;
	int ret;

	sm_gzip_put_end(must, &e);
	ret = sm_body_same(&same, c->r, c->next.at, must, SM_GZIP_END_BYTES,
			   err);
	if (ret == 0 && !same && !c->gaps)
		check_found(c, CHECK_NONE, "end",
			    "the end note at byte %" PRIu64
			    " does not fit the index",
			    c->next.at);
	sm_gzip_put_tail(must, c->raw_crc32, c->raw_bytes);
	if (ret == 0)
		ret = sm_body_same(&same, c->r, c->next.at + SM_GZIP_END_BYTES,
				   must, c->whole_text ? SM_GZIP_TAIL_BYTES : 2,
				   err);
	if (ret == 0 && !same)
		check_found(c, CHECK_NONE, "end",
			    "the end at byte %" PRIu64
			    " is not as it was written",
			    c->next.at + SM_GZIP_END_BYTES);
	return ret;
}

/* Without an end note where it must be: is there one before? */
static int
check_without_end(struct check *c, struct sm_err *err)
{
	uint64_t left = c->r->size - c->next.at;
	unsigned char tail[SM_GZIP_TAIL_BYTES];
	struct sm_note n;
	bool found;
	int ret = sm_body_note(&found, &n, c->r, c->next.at, err);

	sm_gzip_put_tail(tail, 0, 0);
	if (ret < 0)
		return ret;
	if (found && sm_gzip_get_end(&c->end, &n) &&
	    left >= SM_GZIP_LAST_BYTES) {
		check_found(c, CHECK_NONE, "trailing",
			    "%" PRIu64
			    " bytes are after the end at byte %" PRIu64,
			    left - SM_GZIP_LAST_BYTES,
			    c->next.at + SM_GZIP_LAST_BYTES);
		return check_end(c, err);
	}
	ret = sm_body_same(&found, c->r, c->next.at + SM_GZIP_END_BYTES, tail,
			   2, err);
	if (ret < 0)
		return ret;
	if (left == SM_GZIP_LAST_BYTES && found)
		check_found(c, CHECK_NONE, "end",
			    "the end note at byte %" PRIu64
			    " is not as it was written",
			    c->next.at);
	else
		check_found_cut(c);
	return 0;
}

/*
 * A file of no batches has one mark.  Where that is damaged, its size and half
 * of the mark still tell whose it is.
 */
static int
check_is_empty(bool *ours, struct check *c, struct sm_err *err)
{
	const size_t half = SM_NOTE_MARK_BYTES / 2;
	uint64_t at = SM_GZIP_HEADER_BYTES;
	int ret;

	*ours = false;
	if (c->r->size != at + SM_GZIP_LAST_BYTES)
		return 0;
	ret = sm_body_same(ours, c->r, at, sm_note_mark, half, err);
	if (ret == 0 && !*ours)
		ret = sm_body_same(ours, c->r, at + half, sm_note_mark + half,
				   SM_NOTE_MARK_BYTES - half, err);
	return ret;
}

static int
check_file(struct check *c, struct sm_err *err)
{
	enum sm_final_state state;
	bool whole = false, same;
	size_t i;
	int ret = sm_final_read_end(&state, &c->end, c->r->fd, c->r->name,
				    c->r->size, err);

	c->has_end = state != SM_FINAL_NONE;
	if (ret == 0 && c->has_end)
		ret = sm_chain_follow(&whole, &c->chain, &c->end, c->r->fd,
				      c->r->name, err);
	if (ret == 0 && !whole)
		ret = sm_chain_scan(&c->chain, c->r, err);
	if (ret == 0 && !c->has_end && !c->r->marked)
		ret = check_is_empty(&c->r->marked, c, err);
	if (ret < 0)
		return ret;
	if (!c->has_end && !c->r->marked)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' bears no mark of shardmill: it is no "
				  "final file, or cut at its start; 'gzip -t' "
				  "checks an ordinary gzip file",
				  c->r->name);
	ret = sm_body_same(&same, c->r, 0, sm_gzip_header, SM_GZIP_HEADER_BYTES,
			   err);
	if (ret == 0 && !same)
		check_found(c, CHECK_NONE, "header",
			    "the first bytes are not as they were written");
	for (i = 0; i < c->chain.links && ret == 0; i++)
		ret = check_group(c, &c->chain.link[i], err);
	if (ret < 0)
		return ret;
	c->report->missing = c->missing;
	if (!c->has_end)
		return check_without_end(c, err);
	if (c->next.at != c->r->size - SM_GZIP_LAST_BYTES) {
		check_gap(c, c->r->size - SM_GZIP_LAST_BYTES,
			  c->first + c->end.batches);
		return 0;
	}
	return check_end(c, err);
}

int
sm_final_check(struct sm_final_report *r, const char *path, struct sm_err *err)
{
	struct check c = { .report = r,
			   .whole_text = true,
			   .next.at = SM_GZIP_HEADER_BYTES };
	struct stat st;
	int fd = -1, ret;

	r->batches = r->records = r->raw_bytes = r->gz_bytes = 0;
	r->missing = r->findings = 0;
	ret = sm_open_input(&fd, path, &st, err);
	if (ret < 0)
		return ret;
	ret = sm_body_reader_new(&c.r, fd, path, (uint64_t)st.st_size, err);
	if (ret == 0) {
		c.r->progress = r->progress;
		c.r->arg = r->arg;
		ret = check_file(&c, err);
	}
	sm_chain_release(&c.chain);
	sm_body_reader_free(c.r);
	close(fd);
	return ret;
}
