/*
 * chain.c - find index notes, from the end of a file or from its start, and the
 * end note itself
 *
 * All who read a file of ours begin here: verify, recover, cat, index.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

#include "chain.h"

void
sm_chain_release(struct sm_chain *c)
{
	free(c->link);
	*c = (struct sm_chain){ 0 };
}

static int
chain_push(struct sm_chain *c, uint64_t at, uint32_t crc32, struct sm_err *err)
{
	size_t cap = 2 * c->cap + 64;
	struct sm_link *p;

	if (c->links == c->cap) {
		p = realloc(c->link, cap * sizeof(*p));
		if (!p)
			return sm_err_mem(err, "an index");
		c->link = p;
		c->cap = cap;
	}
	c->link[c->links++] = (struct sm_link){ at, crc32 };
	return 0;
}

/* The note at `at`, and no more of the file than it can have. */
static int
chain_note(bool *found, struct sm_note *n, int fd, const char *name,
	   uint64_t at, struct sm_err *err)
{
	unsigned char buf[SM_GROUP_BYTES_MAX];
	ssize_t len = sm_pread_full(fd, buf, sizeof(buf), at);

	*found = false;
	if (len < 0)
		return sm_err_sys(err, "cannot read '%s'", name);
	*found = sm_note_get(n, buf, (size_t)len);
	return 0;
}

/* Does the group's index note, which is at `at`, say that it is there? */
static bool
chain_is_located(const struct sm_group *g, uint64_t at)
{
	uint64_t left = at - g->at;
	unsigned i;

	if (g->at < SM_GZIP_HEADER_BYTES || g->at > at)
		return false;
	for (i = 0; i < g->entries; i++) {
		if (g->run[i].e.sizes.gz_bytes > left)
			return false;
		left -= g->run[i].e.sizes.gz_bytes;
	}
	return left == 0;
}

int
sm_chain_group(struct sm_group *g, size_t *bytes, const struct sm_link *l,
	       int fd, const char *name, struct sm_err *err)
{
	struct sm_note n;
	bool found;
	int ret = chain_note(&found, &n, fd, name, l->at, err);

	if (ret < 0)
		return ret;
	if (!found || n.crc32 != l->crc32 || !sm_group_get(g, &n))
		return sm_err_set(err, SM_EVERIFY,
				  "'%s' changed while it was read", name);
	*bytes = n.bytes;
	return 0;
}

int
sm_chain_follow(bool *whole, struct sm_chain *c, const struct sm_gzip_end *end,
		int fd, const char *name, struct sm_err *err)
{
	uint64_t at = end->last_at;
	uint32_t crc32 = end->last_crc32;
	struct sm_group g;
	struct sm_note n;
	struct sm_link l;
	bool found;
	size_t i;
	int ret;

	*whole = false;
	while (at > 0) {
		ret = chain_note(&found, &n, fd, name, at, err);
		if (ret == 0 &&
		    (!found || n.crc32 != crc32 || !sm_group_get(&g, &n) ||
		     !chain_is_located(&g, at) || g.back > at))
			return 0;
		if (ret == 0)
			ret = chain_push(c, at, crc32, err);
		if (ret < 0)
			return ret;
		crc32 = g.before_crc32;
		at = g.back > 0 ? at - g.back : 0;
	}
	for (i = 0; i < c->links / 2; i++) {
		l = c->link[i];
		c->link[i] = c->link[c->links - 1 - i];
		c->link[c->links - 1 - i] = l;
	}
	*whole = true;
	return 0;
}

int
sm_chain_scan(struct sm_chain *c, struct sm_body_reader *r, struct sm_err *err)
{
	struct sm_group g;
	struct sm_note n;
	uint64_t at;
	bool found;
	int ret = 0;

	c->links = 0;
	for (at = SM_GZIP_HEADER_BYTES; ret == 0; at += n.bytes) {
		ret = sm_body_find_note(&found, &n, &at, r, err);
		if (ret < 0 || !found)
			break;
		if (n.version != SM_NOTE_VERSION)
			return sm_err_set(err, SM_EINPUT,
					  "'%s' is of version %u of the form; "
					  "this shardmill reads version %u",
					  r->name, n.version, SM_NOTE_VERSION);
		if (sm_group_get(&g, &n) && chain_is_located(&g, at))
			ret = chain_push(c, at, n.crc32, err);
	}
	return ret;
}

/* -------------------------------------------------------------------- end --
 */

int
sm_final_read_end(enum sm_final_state *state, struct sm_gzip_end *e, int fd,
		  const char *name, uint64_t size, struct sm_err *err)
{
	const size_t around = SM_GZIP_HEADER_BYTES + SM_GZIP_LAST_BYTES;
	unsigned char buf[SM_GZIP_LAST_BYTES];
	uint64_t at = size - sizeof(buf);
	struct sm_note n;
	ssize_t len;

	*state = SM_FINAL_NONE;
	*e = (struct sm_gzip_end){ 0 };
	if (size < around)
		return 0;
	len = sm_pread_full(fd, buf, sizeof(buf), at);
	if (len < 0)
		return sm_err_sys(err, "cannot read '%s'", name);
	if (len != sizeof(buf) || !sm_note_get(&n, buf, SM_GZIP_END_BYTES) ||
	    !sm_gzip_get_end(e, &n))
		return 0;
	*state = SM_FINAL_DAMAGED;
	if (e->last_at < at && (e->last_at > 0) == (e->batches > 0) &&
	    e->missing <= e->batches && buf[SM_GZIP_END_BYTES] == 3 &&
	    buf[SM_GZIP_END_BYTES + 1] == 0)
		*state = SM_FINAL_WHOLE;
	return 0;
}

int
sm_final_owner(bool *known, struct sm_group *first, int fd, const char *name,
	       uint64_t size, struct sm_err *err)
{
	struct sm_body_reader *r = NULL;
	uint64_t at = SM_GZIP_HEADER_BYTES;
	bool found = true;
	struct sm_note n;
	int ret = sm_body_reader_new(&r, fd, name, size, err);

	*known = false;
	while (ret == 0 && found && !*known) {
		ret = sm_body_find_note(&found, &n, &at, r, err);
		*known = ret == 0 && found && sm_group_get(first, &n) &&
			 chain_is_located(first, at);
		at += n.bytes;
	}
	sm_body_reader_free(r);
	return ret;
}
