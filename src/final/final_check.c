#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "file.h"

#include "final_walk.h"
#include "member.h"

#include "final.h"

/* The file ends, at w->size, in the intact end member w->end. */
static int
check_with_end(struct sm_walk *w, struct sm_err *err)
{
	uint64_t before;
	int ret;

	w->has_end = true;
	w->data_end = w->size - SM_GZIP_END_BYTES;
	before = w->report->findings;
	ret = sm_walk_index(w, err);
	if (ret < 0)
		return ret;
	ret = sm_walk_members(w, err);
	if (ret == 0)
		ret = sm_walk_missing(w, err);
	if (ret < 0)
		return ret;
	/* Damage that was named explains a wrong size; nothing else may. */
	if (w->report->findings == before &&
	    (w->end.file_bytes != w->size || w->end.index_at != w->index_at))
		sm_walk_found(w, SM_WALK_NONE, "end",
			      "the file has %" PRIu64
			      " bytes, its end speaks of %" PRIu64,
			      w->size, w->end.file_bytes);
	return 0;
}

/*
 * What stands behind the shards of a file that does not end in an end member:
 * nothing, or a whole end and bytes that were appended.
 */
static int
check_behind(struct sm_walk *w, struct sm_err *err)
{
	const unsigned char *p;
	uint64_t before = w->report->findings;
	ssize_t n;
	int ret;

	ret = sm_walk_skip_index(w, err);
	if (ret < 0)
		return ret;
	n = sm_member_peek(w->r, &p, w->at, SM_GZIP_END_BYTES, err);
	if (n < 0)
		return (int)n;
	ret = n < SM_GZIP_END_BYTES ? 0 : sm_gzip_get_end(&w->end, p);
	if (ret == 0) {
		sm_walk_found_cut(w);
		return 0;
	}
	w->at += SM_GZIP_END_BYTES;
	sm_walk_found(w, SM_WALK_NONE, "trailing",
		      "%" PRIu64 " bytes stand behind the end at byte %" PRIu64,
		      w->size - w->at, w->at);
	if (ret < 0 || before > 0)
		return 0;
	/* So far so good: once more, as a file that ends here. */
	w->report->batches = w->report->records = 0;
	w->report->raw_bytes = w->report->gz_bytes = w->report->missing = 0;
	w->size = w->at;
	w->at = 0;
	w->want = 0;
	return check_with_end(w, err);
}

/* `damaged`: there is an end member, but what it says cannot be believed. */
static int
check_without_end(struct sm_walk *w, bool damaged, struct sm_err *err)
{
	int ret;

	w->data_end = w->size;
	if (damaged) {
		w->data_end -= SM_GZIP_END_BYTES;
		sm_walk_found(w, SM_WALK_NONE, "end",
			      "the end member at byte %" PRIu64
			      " is not as it was written",
			      w->data_end);
	}
	ret = sm_walk_members(w, err);
	if (ret < 0 || damaged || w->cut)
		return ret;
	return check_behind(w, err);
}

static int
check_file(struct sm_walk *w, const char *path, struct sm_err *err)
{
	const unsigned char *p;
	ssize_t n;
	int state = 0, kind;

	if (w->size >= SM_GZIP_END_BYTES) {
		n = sm_member_peek(w->r, &p, w->size - SM_GZIP_END_BYTES,
				   SM_GZIP_END_BYTES, err);
		if (n < 0)
			return (int)n;
		if (n >= SM_GZIP_END_BYTES)
			state = sm_gzip_get_end(&w->end, p);
	}
	if (state == 1)
		return check_with_end(w, err);
	n = sm_member_peek(w->r, &p, 0, SM_GZIP_SHARD_HEADER, err);
	if (n < 0)
		return (int)n;
	kind = sm_gzip_guess(p, (size_t)n);
	if (kind == SM_GZIP_SINGLE)
		return sm_walk_single(w, err);
	if (state == 0 && kind == 0)
		return sm_err_set(err, SM_EINPUT,
				  "'%s' is no final file of shardmill; "
				  "'gzip -t' checks an ordinary gzip file",
				  path);
	return check_without_end(w, state < 0, err);
}

int
sm_final_check(struct sm_final_report *r, const char *path, struct sm_err *err)
{
	struct sm_walk *w = NULL;
	struct stat st;
	int fd = -1, ret;

	r->batches = r->records = r->raw_bytes = r->gz_bytes = 0;
	r->missing = r->findings = 0;
	ret = sm_open_input(&fd, path, &st, err);
	if (ret < 0)
		return ret;
	w = calloc(1, sizeof(*w));
	if (!w) {
		ret = sm_err_mem(err, "checking a final file");
		goto out;
	}
	w->report = r;
	w->size = (uint64_t)st.st_size;
	w->loaded = SM_WALK_NONE;
	ret = sm_member_reader_new(&w->r, fd, path, w->size, err);
	if (ret < 0)
		goto out;
	w->r->progress = r->progress;
	w->r->arg = r->arg;
	ret = check_file(w, path, err);
out:
	if (w) {
		sm_member_reader_free(w->r);
		sm_walk_release(w);
	}
	free(w);
	close(fd);
	return ret;
}

/* ----------------------------------------------------------- one shard -- */

static int
check_shard_damaged(const char **kind, const char *what, const char *name,
		    const char *text, struct sm_err *err)
{
	*kind = what;
	return sm_err_set(err, SM_EVERIFY, "shard '%s' %s", name, text);
}

/* Does the header say what `head` says? */
static bool
check_shard_head(const struct sm_gzip_shard *is,
		 const struct sm_gzip_shard *head)
{
	return is->batch == head->batch && is->first == head->first &&
	       is->end == head->end && is->counts.rows == head->counts.rows &&
	       is->counts.records == head->counts.records &&
	       is->counts.skipped == head->counts.skipped &&
	       (head->fingerprint == 0 || is->fingerprint == head->fingerprint);
}

int
sm_shard_check_in(int fd, const char *name, uint64_t at,
		  const struct sm_gzip_entry *expect,
		  const struct sm_gzip_shard *head, const char **kind,
		  struct sm_err *err)
{
	uint64_t end = at + expect->gz_bytes;
	struct sm_member_reader *r = NULL;
	struct sm_member m;
	const char *what;
	int ret;

	ret = sm_member_reader_new(&r, fd, name, end, err);
	if (ret < 0)
		return ret;
	ret = sm_member_read(&m, r, at, end, err);
	sm_member_reader_free(r);
	if (ret < 0)
		return ret;
	what = sm_member_judge(&m, expect, head ? head->batch : m.head.batch);
	if (!what && head && !check_shard_head(&m.head, head))
		what = "header";
	if (!what)
		return 0;
	if (m.header_ok && head && m.head.batch != head->batch) {
		*kind = what;
		return sm_err_set(err, SM_EVERIFY,
				  "shard '%s' holds batch %" PRIu64
				  ", not %" PRIu64,
				  name, m.head.batch, head->batch);
	}
	return check_shard_damaged(kind, what, name, sm_member_describe(what),
				   err);
}

int
sm_shard_check(int dirfd, const char *name, const struct sm_gzip_entry *expect,
	       const struct sm_gzip_shard *head, const char **kind,
	       struct sm_err *err)
{
	struct stat st;
	int fd, ret;

	*kind = NULL;
	fd = openat(dirfd, name,
		    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ELOOP))
		return check_shard_damaged(
			kind, "missing", name,
			errno == ENOENT ? "is missing" : "is a symbolic link",
			err);
	if (fd < 0)
		return sm_err_sys(err, "cannot open shard '%s'", name);
	if (fstat(fd, &st) < 0) {
		ret = sm_err_sys(err, "cannot examine shard '%s'", name);
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = check_shard_damaged(kind, "missing", name,
					  "is no regular file", err);
		goto out;
	}
	if ((uint64_t)st.st_size != expect->gz_bytes) {
		*kind = "size";
		ret = sm_err_set(err, SM_EVERIFY,
				 "shard '%s' has %" PRIu64
				 " bytes, not %" PRIu64,
				 name, (uint64_t)st.st_size, expect->gz_bytes);
		goto out;
	}
	ret = sm_shard_check_in(fd, name, 0, expect, head, kind, err);
out:
	close(fd);
	return ret;
}
