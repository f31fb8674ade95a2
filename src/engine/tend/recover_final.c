/*
 * recover_final.c - what the final file of a lost database has, batch by batch
 *
 * A file that grows has no end, so its index notes are looked for from its
 * start; what they say of a body is compared with the body.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dir.h"
#include "file.h"

#include "consumed.h"

#include "recover_final.h"

#define PATH_BYTES_MAX 8192
/* Files that rewriting left: one, and two if it was cut short. */
#define FILES_MAX 16

/* ---------------------------------------------------------------- walk -- */

static void
final_rewind(struct sm_recover_final *f)
{
	f->link = 0;
	f->run = f->group.entries = 0;
}

/* Is the group of the job, as far as the batch goes? */
static bool
final_is_own(const struct sm_recover_final *f, uint64_t batch)
{
	if (f->spec)
		return sm_spec_made(f->spec, f->group.fingerprint, batch);
	return f->group.fingerprint == f->fingerprint;
}

/* The job's entry at the cursor; NULL: there is none. */
static int
final_peek(const struct sm_span **run, struct sm_recover_final *f,
	   struct sm_err *err)
{
	size_t bytes;
	int ret;

	*run = NULL;
	while (f->run == f->group.entries) {
		if (f->link == f->chain.links)
			return 0;
		ret = sm_chain_group(&f->group, &bytes,
				     &f->chain.link[f->link++], f->fd, f->path,
				     err);
		if (ret < 0)
			return ret;
		f->run = 0;
		f->batch = f->group.batch;
		f->at = f->group.at;
		if (!final_is_own(f, f->group.batch))
			f->group.entries = 0;
	}
	*run = &f->group.run[f->run];
	return 0;
}

/* Go on after it. */
static void
final_pass(struct sm_recover_final *f)
{
	const struct sm_span *run = &f->group.run[f->run++];

	f->batch += run->batches;
	f->at += run->e.sizes.gz_bytes;
}

/*
 * Is the entry that of a whole batch?  Of a run the counts are known of all its
 * batches together alone: rows follow from the plan, where it has numbers.
 * Without a `piece` it is asked of the run.
 */
static int
final_judge(bool *whole, struct sm_entry *e, struct sm_recover_final *f,
	    const struct sm_piece *piece, struct sm_err *err)
{
	const struct sm_span *run = &f->group.run[f->run];
	struct sm_body b;
	unsigned i;
	int ret;

	*whole = false;
	*e = run->e;
	e->fingerprint = f->group.fingerprint;
	if (run->missing)
		return 0;
	for (i = 0; i < SM_TALLIES; i++)
		if (run->batches > 1 && e->counts.tally[i] > 0)
			return 0;
	if (run->batches > 1 && piece && piece->first < 0)
		return 0;
	if (run->batches > 1 && piece)
		e->counts.rows = (uint64_t)(piece->end - piece->first);
	ret = sm_body_read(&b, f->r, f->at, f->at + e->sizes.gz_bytes, err);
	if (ret < 0)
		return ret;
	*whole = b.inflates && b.gz_crc32 == e->sizes.gz_crc32 &&
		 b.raw_bytes == e->sizes.raw_bytes;
	e->sizes.raw_crc32 = b.raw_crc32;
	return 0;
}

int
sm_recover_final_find(bool *found, struct sm_entry *e, uint64_t *at,
		      struct sm_recover_final *f, const struct sm_piece *piece,
		      struct sm_err *err)
{
	uint64_t id = piece->id;
	const struct sm_span *run;
	int ret;

	*found = false;
	while (f->fd >= 0) {
		ret = final_peek(&run, f, err);
		if (ret < 0 || !run || f->batch > id)
			return ret;
		if (id - f->batch < run->batches) {
			*at = f->at;
			if (!final_is_own(f, id))
				return 0;
			return final_judge(found, e, f, piece, err);
		}
		final_pass(f);
	}
	return 0;
}

/* How many whole batches of the job has it? */
static int
final_count(uint64_t *count, struct sm_recover_final *f, struct sm_err *err)
{
	const struct sm_span *run;
	struct sm_entry e;
	bool whole;
	int ret = sm_chain_scan(&f->chain, f->r, err);

	*count = 0;
	/* Of another version: nothing that is known here. */
	if (ret == SM_EINPUT)
		ret = 0;
	final_rewind(f);
	while (ret == 0) {
		ret = final_peek(&run, f, err);
		if (ret < 0 || !run)
			break;
		ret = final_judge(&whole, &e, f, NULL, err);
		if (whole)
			*count += run->batches;
		final_pass(f);
	}
	final_rewind(f);
	return ret;
}

/* ---------------------------------------------------------------- open -- */

static int
final_read_note(struct sm_recover_final *f, const struct sm_jobdir *dir,
		struct sm_err *err)
{
	struct sm_map map = { 0 };
	bool has;
	int ret = sm_jobdir_has(&has, dir, SM_CONSUMED_NOTE, err);

	if (ret < 0 || !has)
		return ret;
	ret = sm_map_openat(&map, dir->fd, SM_CONSUMED_NOTE, err);
	if (ret < 0)
		return ret;
	if (map.size > 0 && map.size < PATH_BYTES_MAX && map.data[0] == '/') {
		f->path = strndup((const char *)map.data, map.size);
		if (!f->path)
			ret = sm_err_mem(err, "a path");
	}
	sm_map_close(&map);
	return ret;
}

/* The generation that a file of this name is of, or 0. */
static int64_t
final_generation(const char *name, const char *first)
{
	size_t n = strlen(first);
	char *end;
	long long g;

	if (strncmp(name, first, n) != 0)
		return 0;
	if (name[n] == '\0')
		return 1;
	if (name[n] != '.')
		return 0;
	g = strtoll(name + n + 1, &end, 10);
	return *end == '\0' && g > 1 ? g : 0;
}

/* Generations of growing files beside `path`; returns their number. */
static int
final_list(int64_t generation[FILES_MAX], const char *path, struct sm_err *err)
{
	char *part = sm_consumed_part_name(path, 1), *folder = NULL;
	const char *name, *first;
	struct sm_dir d;
	int64_t g;
	int more = 0, n = 0;

	if (!part)
		return sm_err_mem(err, "a path");
	first = strrchr(part, '/') + 1;
	/* With its slash, since the folder may be a symbolic link. */
	folder = strndup(part, (size_t)(first - part));
	if (!folder) {
		free(part);
		return sm_err_mem(err, "a path");
	}
	sm_dir_open(&d, AT_FDCWD, folder);
	while (n < FILES_MAX && (more = sm_dir_next(&name, &d)) > 0) {
		g = final_generation(name, first);
		if (g > 0)
			generation[n++] = g;
	}
	if (n < FILES_MAX && more < 0 && errno != ENOENT)
		n = sm_err_sys(err, "cannot list '%s'", folder);
	sm_dir_close(&d);
	free(folder);
	free(part);
	return n;
}

/* 1; 0: there is no such file; <0: one that cannot be read is not lost. */
static int
final_open_file(int *fd, uint64_t *size, const char *name, struct sm_err *err)
{
	struct stat st;
	int ret;

	*fd = open(name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0)
		return errno == ENOENT || errno == ELOOP || errno == ENXIO
			       ? 0
			       : sm_err_sys(err, "cannot open '%s'", name);
	ret = fstat(*fd, &st) < 0 ? sm_err_sys(err, "cannot examine '%s'", name)
				  : S_ISREG(st.st_mode);
	if (ret > 0) {
		*size = (uint64_t)st.st_size;
		return 1;
	}
	close(*fd);
	*fd = -1;
	return ret;
}

/* Open the file of that generation, `name`, if it has more than `*most`. */
static int
final_try(struct sm_recover_final *best, uint64_t *most, const char *name,
	  int64_t generation, struct sm_err *err)
{
	struct sm_recover_final f = { .generation = generation,
				      .fingerprint = best->fingerprint,
				      .spec = best->spec,
				      .path = best->path };
	uint64_t count = 0;
	int ret = final_open_file(&f.fd, &f.size, name, err);

	if (ret <= 0)
		return ret;
	ret = sm_body_reader_new(&f.r, f.fd, best->path, f.size, err);
	if (ret == 0)
		ret = final_count(&count, &f, err);
	if (ret < 0 || count <= *most) {
		f.path = NULL;
		sm_recover_final_close(&f);
		return ret;
	}
	*most = count;
	best->path = NULL;
	sm_recover_final_close(best);
	*best = f;
	return 0;
}

int
sm_recover_final_open(struct sm_recover_final *f, const struct sm_jobdir *dir,
		      uint64_t fingerprint, struct sm_err *err)
{
	int64_t generation[FILES_MAX], last = 0;
	uint64_t most = 0;
	char *name;
	int ret, n, i;

	*f = (struct sm_recover_final){ .fd = -1,
					.fingerprint = fingerprint,
					.spec = f->spec };
	ret = final_read_note(f, dir, err);
	if (ret < 0 || !f->path)
		return ret;
	n = ret = final_list(generation, f->path, err);
	for (i = 0; ret >= 0 && i < n; i++) {
		last = generation[i] > last ? generation[i] : last;
		name = sm_consumed_part_name(f->path, generation[i]);
		ret = name ? final_try(f, &most, name, generation[i], err)
			   : sm_err_mem(err, "a path");
		free(name);
	}
	/* One that is published is found if no F.part has its generation. */
	if (ret >= 0)
		ret = final_try(f, &most, f->path, last + 1, err);
	return ret < 0 ? ret : 0;
}

void
sm_recover_final_close(struct sm_recover_final *f)
{
	sm_body_reader_free(f->r);
	sm_chain_release(&f->chain);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	*f = (struct sm_recover_final){ .fd = -1 };
}
