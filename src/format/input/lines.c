/*
 * Cuts a text file into batches of whole lines, by a number of lines or of
 * bytes.  It is separate from the jobs that use it because it is one pass over
 * what may be terabytes: how it uses memory and page cache is all that it is
 * about.
 */
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "err.h"
#include "file.h"

#include "packed.h"

#include "lines.h"

/*
 * The scan reports, and unmaps what it has read, each time it has come this
 * far.  The pages stay in the page cache, but no longer count as used by this
 * process, so that a file larger than memory does not look as if it were
 * loaded.
 */
#define LINES_STEP_BYTES ((size_t)64 << 20)

struct lines_scan {
	const struct sm_lines_opts *opts;
	struct sm_map map;
	size_t page_bytes;
	size_t released; /* pages before it are given up */
	uint64_t batches;
};

/* Report, and give up the whole pages before `at`. */
static void
lines_step(struct lines_scan *s, size_t at)
{
	size_t end = at - at % s->page_bytes;

	if (end > s->released)
		madvise((void *)(s->map.data + s->released), end - s->released,
			MADV_DONTNEED);
	s->released = end;
	if (s->opts->progress)
		s->opts->progress(at, s->map.size, s->opts->arg);
}

/* Hand one batch to the caller, who makes it a row. */
static int
lines_emit(struct lines_scan *s, size_t first_byte, size_t end_byte,
	   uint64_t first, uint64_t end, struct sm_err *err)
{
	struct sm_lines_cut c = {
		.batch = s->batches,
		.first_byte = first_byte,
		.end_byte = end_byte,
		.first = first,
		.end = end,
	};
	int ret = s->opts->cut(&c, s->opts->arg, err);

	if (ret == 0)
		s->batches++;
	return ret;
}

/* The place after the first newline at or after `at`, or the file's end. */
static size_t
lines_next(const struct sm_map *map, size_t at)
{
	const unsigned char *p;

	p = memchr(map->data + at, '\n', map->size - at);
	if (!p)
		return map->size;
	return (size_t)(p - map->data) + 1;
}

/*
 * Every newline is looked at.  A batch is complete after so many lines, and at
 * the end of the file, where it may have fewer.
 */
static int
lines_by_count(struct lines_scan *s, struct sm_err *err)
{
	size_t at = 0, start = 0, report = LINES_STEP_BYTES;
	uint64_t line = 0, first = 0;
	int ret;

	while (at < s->map.size) {
		at = lines_next(&s->map, at);
		line++;
		if (at >= report) {
			lines_step(s, at);
			report = at + LINES_STEP_BYTES;
		}
		if (line - first < s->opts->lines && at < s->map.size)
			continue;
		ret = lines_emit(s, start, at, first, line, err);
		if (ret < 0)
			return ret;
		start = at;
		first = line;
	}
	return 0;
}

/*
 * Only the end of each batch is looked at: the bytes between are never read,
 * and line numbers are not known.
 */
static int
lines_by_bytes(struct lines_scan *s, struct sm_err *err)
{
	size_t start = 0, end, report = LINES_STEP_BYTES;
	int ret;

	while (start < s->map.size) {
		/* Hence - 1: the batch's last byte may be the newline. */
		end = s->map.size;
		if (s->opts->bytes < s->map.size - start)
			end = lines_next(&s->map, start + s->opts->bytes - 1);
		ret = lines_emit(s, start, end, SM_LINES_NONE, SM_LINES_NONE,
				 err);
		if (ret < 0)
			return ret;
		start = end;
		if (start >= report) {
			lines_step(s, start);
			report = start + LINES_STEP_BYTES;
		}
	}
	return 0;
}

int
sm_lines_scan(uint64_t *batches, const struct sm_lines_opts *opts,
	      struct sm_err *err)
{
	struct lines_scan s = { .opts = opts };
	int ret;

	if ((opts->lines == 0) == (opts->bytes == 0))
		return sm_err_set(err, SM_EUSAGE,
				  "cannot cut '%s': give either lines or "
				  "bytes per batch, at least 1",
				  opts->path);
	s.page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	ret = sm_map_open(&s.map, opts->path, err);
	if (ret < 0)
		return ret;
	ret = sm_packed_refuse(&s.map, SM_PACKED_TEXT, err);
	if (ret < 0)
		goto out;
	if (opts->lines) {
		/* The kernel may ignore this advice. */
		if (s.map.size > 0)
			madvise((void *)s.map.data, s.map.size,
				MADV_SEQUENTIAL);
		ret = lines_by_count(&s, err);
	} else {
		ret = lines_by_bytes(&s, err);
	}
	if (ret == 0)
		*batches = s.batches;

out:
	sm_map_close(&s.map);
	return ret;
}
