/*
 * bench_rows.c - what a worker does with a batch, from rows to shards
 *
 *	bench_rows [-b ROWS] [-n BATCHES] [-r RUNS] JOB DIR
 *
 * Makes the batches of a planned job of candidates (JOB, its directory), each
 * of ROWS rows (5000), or the first BATCHES of them, into shards in DIR, one
 * thread, without a database and without syncs: what the engine adds to it does
 * not depend on the encoder.  The user time of the fastest of RUNS (3) counts.
 * Items and the CRC of all shards are printed too, to divide by and to compare
 * one build's with another's.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <shardmill.h>

#include "buf.h"
#include "file.h"

#include "crc32.h"
#include "kind.h"
#include "out.h"
#include "shard.h"
#include "spec.h"

struct bench {
	struct sm_kind_env env;
	const struct sm_kind *kind;
	void *state;
	struct sm_out *out;
	int dirfd;
	int64_t batch_rows;
	uint64_t batches;
	/* Of the last run. */
	uint64_t items, text, deflated;
	uint32_t crc;
};

static void
die(const char *what, const struct sm_err *err)
{
	fprintf(stderr, "bench_rows: %s: %s\n", what,
		err ? err->text : strerror(errno));
	exit(1);
}

static int
open_dir(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die(path, NULL);
	return fd;
}

static void
open_job(struct bench *b, const char *job)
{
	struct sm_spec *spec;
	struct sm_map text;
	struct sm_err err;
	char *copy, name[32];

	b->env.stop_fd = b->env.files_dirfd = -1;
	b->env.job_dirfd = open_dir(AT_FDCWD, job);
	if (sm_map_openat(&text, b->env.job_dirfd, "spec.json", &err) < 0)
		die("cannot open the job", &err);
	copy = calloc(1, text.size + 1);
	if (!copy)
		die("no memory", NULL);
	memcpy(copy, text.data, text.size);
	sm_map_close(&text);
	if (sm_spec_parse(&spec, sm_kind_info, copy, "spec.json", &err) < 0)
		die("cannot read the job", &err);
	free(copy);
	b->env.spec = spec;
	snprintf(name, sizeof(name), "tables/%016" PRIx64, spec->fingerprint);
	b->env.tables_dirfd = open_dir(b->env.job_dirfd, name);
	b->kind = sm_kind_of(spec);
	if (b->kind->open(&b->state, &b->env, &err) < 0)
		die("cannot open the inputs", &err);
	if (sm_out_new(&b->out, b->env.stop, &err) < 0)
		die("no memory", &err);
}

static double
user_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_utime.tv_sec + (double)u.ru_utime.tv_usec / 1e6;
}

static void
make_batch(struct bench *b, const struct sm_piece *piece)
{
	struct sm_made made = SM_MADE_NOTHING;
	struct sm_entry e = { .fingerprint = 0 };
	struct sm_shard *shard;
	struct sm_err err;

	if (sm_shard_open(&shard, b->dirfd, piece->id, 6, 1, &err) < 0)
		die("cannot open a shard", &err);
	sm_out_begin(b->out, shard, &made);
	if (b->kind->produce(b->state, piece, b->out, &err) < 0 ||
	    sm_out_end(b->out, &err) < 0)
		die("cannot make a batch", &err);
	e.counts = made.counts;
	if (sm_shard_finish(&e, shard, false, &err) < 0)
		die("cannot finish a shard", &err);
	sm_shard_free(shard); /* not published: it is removed */
	b->items += made.counts.tally[SM_TALLY_ENTRIES];
	b->text += e.sizes.raw_bytes;
	b->deflated += e.sizes.gz_bytes;
	b->crc = sm_crc32(b->crc, &e.sizes.gz_crc32, sizeof(e.sizes.gz_crc32));
}

/* All batches once; user seconds. */
static double
make_all(struct bench *b)
{
	int64_t rows = (int64_t)b->env.spec->rows;
	struct sm_piece piece = { .first = 0 };
	double start = user_seconds();

	b->items = b->text = b->deflated = b->crc = 0;
	for (; piece.first < rows && piece.id < b->batches; piece.id++) {
		piece.end = piece.first + b->batch_rows;
		if (piece.end > rows)
			piece.end = rows;
		make_batch(b, &piece);
		piece.first = piece.end;
	}
	return user_seconds() - start;
}

int
main(int argc, char **argv)
{
	struct bench b = { .batch_rows = 5000, .batches = UINT64_MAX };
	double t, best = 1e9;
	int c, i, runs = 3;

	while ((c = getopt(argc, argv, "b:n:r:")) != -1) {
		switch (c) {
		case 'b':
			b.batch_rows = atoi(optarg);
			break;
		case 'n':
			b.batches = strtoull(optarg, NULL, 10);
			break;
		case 'r':
			runs = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (optind + 2 != argc || b.batch_rows < 1) {
		fprintf(stderr, "usage: bench_rows [-b ROWS] [-n BATCHES] "
				"[-r RUNS] JOB DIR\n");
		return 2;
	}
	open_job(&b, argv[optind]);
	b.dirfd = open_dir(AT_FDCWD, argv[optind + 1]);
	for (i = 0; i < runs; i++) {
		t = make_all(&b);
		if (t < best)
			best = t;
	}
	printf("%.3f s, %" PRIu64 " items of %.1f ns, %" PRIu64
	       " bytes of text, %" PRIu64 " of deflate, crc %08" PRIx32 "\n",
	       best, b.items, 1e9 * best / (double)b.items, b.text, b.deflated,
	       b.crc);
	sm_out_free(b.out);
	b.kind->close(b.state);
	return 0;
}
