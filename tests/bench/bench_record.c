/*
 * bench_record.c - how fast records become deflate, and how small
 *
 *	bench_record [-n ROWS] [-w WIDTH] [-s] [-z LEVEL] [-t TEXT] [-r RUNS]
 *		DIR
 *
 * Makes ROWS lists of WIDTH candidates: ids drawn from a million by Zipf's law,
 * scores falling from about 1 to 0.3, written with the digits of a double or
 * (-s) of the float they came from.  All parts are made before the clock
 * starts.  The shard is written to DIR RUNS times (3), of which the fastest
 * counts, and what zlib inflates is compared with the text, which -t keeps for
 * other compressors.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <zlib.h>

#include <shardmill.h>

#include "buf.h"
#include "rand.h"

#include "numtext.h"
#include "record.h"
#include "shard.h"

#define VOCAB 1000000
#define BATCH 7

struct item {
	char id[8], num[24];
	unsigned char id_len, num_len;
};

struct bench {
	int rows, width, level, runs;
	bool source;
	const char *text_name, *dir;
	int dirfd;
	struct item *item;
	int *items; /* of each row */
};

static void
die(const char *what, const struct sm_err *err)
{
	fprintf(stderr, "bench_record: %s: %s\n", what, err ? err->text : "");
	exit(1);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Zipf's law by inversion: rank about VOCAB^u, popular ids anywhere. */
static uint32_t
draw_id(uint64_t *seed)
{
	double rank = pow(VOCAB, sm_rand_unit(seed));

	return (uint32_t)((uint64_t)rank * 7368787 % 9999991);
}

static int
falling(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? 1 : x > y ? -1 : 0;
}

static void
make_rows(struct bench *b)
{
	float *score = malloc((size_t)b->width * sizeof(*score));
	uint64_t seed = 1;
	struct item *it;
	double low;
	int r, i;

	b->items = calloc((size_t)b->rows, sizeof(*b->items));
	b->item = calloc((size_t)b->rows * (size_t)b->width, sizeof(*b->item));
	if (!score || !b->items || !b->item)
		die("no memory", NULL);
	for (r = 0; r < b->rows; r++) {
		low = 0.4 * sm_rand_unit(&seed);
		for (i = 0; i < b->width; i++)
			score[i] = (float)(low +
					   (0.98 - low) * sm_rand_unit(&seed));
		qsort(score, (size_t)b->width, sizeof(*score), falling);
		it = &b->item[(size_t)r * (size_t)b->width];
		for (i = 0; i < b->width && score[i] >= 0.3F; i++, it++) {
			char num[SM_NUMTEXT_MAX];

			it->id_len = (unsigned char)snprintf(
				it->id, sizeof(it->id), "%" PRIu32,
				draw_id(&seed));
			it->num_len =
				(unsigned char)(b->source
							? sm_numtext_f32(
								  num, score[i])
							: sm_numtext_f64(
								  num,
								  (double)score
									  [i]));
			memcpy(it->num, num, sizeof(it->num));
		}
		b->items[r] = i;
	}
	free(score);
}

static void
write_records(struct bench *b, struct sm_record_writer *w)
{
	const struct item *it;
	struct sm_err err;
	char key[32];
	int r, i, n;

	for (r = 0; r < b->rows; r++) {
		n = snprintf(key, sizeof(key), "\"user-%d\"", r);
		sm_record_begin(w, key, (size_t)n);
		it = &b->item[(size_t)r * (size_t)b->width];
		for (i = 0; i < b->items[r]; i++, it++)
			sm_record_item(w, it->id, it->id_len, it->num,
				       it->num_len);
		if (sm_record_end(w, &err) < 0)
			die("cannot write", &err);
	}
}

/* One shard, timed without opening and closing its file; seconds. */
static double
write_shard(struct bench *b, struct sm_record_writer *w, struct sm_sizes *info)
{
	struct sm_entry e = { .fingerprint = 0 };
	struct sm_shard *shard;
	struct sm_err err;
	double t;

	if (sm_shard_open(&shard, b->dirfd, BATCH, 6, 1, &err) < 0)
		die("cannot open", &err);
	t = now();
	if (sm_record_writer_begin(w, shard, &err) < 0)
		die("cannot begin", &err);
	write_records(b, w);
	if (sm_record_writer_end(w, &err) < 0)
		die("cannot end", &err);
	t = now() - t;
	if (sm_shard_finish(&e, shard, false, &err) < 0 ||
	    sm_shard_publish(shard, &err) < 0)
		die("cannot finish", &err);
	*info = e.sizes;
	sm_shard_free(shard);
	return t;
}

static void
text_of(const struct bench *b, struct sm_buf *text)
{
	const struct item *it;
	int r, i;

	for (r = 0; r < b->rows; r++) {
		sm_buf_printf(text, "{\"key\": \"user-%d\", \"value\": [", r);
		it = &b->item[(size_t)r * (size_t)b->width];
		for (i = 0; i < b->items[r]; i++, it++)
			sm_buf_printf(text,
				      "%s{\"track_id\": %.*s, \"score\": %.*s}",
				      i > 0 ? ", " : "", it->id_len, it->id,
				      it->num_len, it->num);
		sm_buf_puts(text, "]}\n");
	}
	if (sm_buf_failed(text))
		die("no memory for the text", NULL);
}

static void
check(const struct bench *b, const struct sm_sizes *info)
{
	struct sm_buf text = { 0 };
	char name[4096], chunk[65536];
	size_t at = 0;
	gzFile gz;
	FILE *f;
	int n;

	text_of(b, &text);
	snprintf(name, sizeof(name), "%s/000007.gz", b->dir);
	gz = gzopen(name, "rb");
	if (!gz)
		die("cannot reopen", NULL);
	while ((n = gzread(gz, chunk, sizeof(chunk))) > 0) {
		if ((size_t)n > text.len - at ||
		    memcmp(text.data + at, chunk, (size_t)n) != 0)
			die("what was inflated differs", NULL);
		at += (size_t)n;
	}
	if (n < 0 || at != text.len || info->raw_bytes != text.len)
		die("what was inflated ends early", NULL);
	gzclose(gz);
	if (b->text_name) {
		f = fopen(b->text_name, "wb");
		if (!f || fwrite(text.data, 1, text.len, f) != text.len ||
		    fclose(f) != 0)
			die("cannot keep the text", NULL);
	}
	sm_buf_release(&text);
}

int
main(int argc, char **argv)
{
	struct bench b = { .rows = 5000, .width = 300, .runs = 3 };
	struct sm_record_fields fields = { "key", "value", "track_id",
					   "score" };
	struct sm_record_writer *w;
	struct sm_sizes info;
	struct sm_err err;
	double t, best = 1e9;
	int c, i;

	while ((c = getopt(argc, argv, "n:w:sz:t:r:")) != -1) {
		switch (c) {
		case 'n':
			b.rows = atoi(optarg);
			break;
		case 'w':
			b.width = atoi(optarg);
			break;
		case 's':
			b.source = true;
			break;
		case 'z':
			b.level = atoi(optarg);
			break;
		case 't':
			b.text_name = optarg;
			break;
		case 'r':
			b.runs = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: bench_record [-n ROWS] [-w WIDTH] [-s] "
				"[-z LEVEL] [-t TEXT] [-r RUNS] DIR\n");
		return 2;
	}
	b.dir = argv[optind];
	b.dirfd = open(b.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (b.dirfd < 0)
		die("cannot open the directory", NULL);
	make_rows(&b);
	if (sm_record_writer_new(&w, &fields,
				 b.level ? SM_ENCODER_ZLIB : SM_ENCODER_RECORD,
				 b.level, &err) < 0)
		die("cannot make the writer", &err);
	for (i = 0; i < b.runs; i++) {
		t = write_shard(&b, w, &info);
		best = t < best ? t : best;
	}
	check(&b, &info);
	printf("%" PRIu64 " bytes of text, %" PRIu64 " of gzip (%.2f %%), "
	       "%.3f s, %.0f MB/s\n",
	       info.raw_bytes, info.gz_bytes,
	       100.0 * (double)info.gz_bytes / (double)info.raw_bytes, best,
	       (double)info.raw_bytes / best / 1e6);
	sm_record_writer_free(w);
	close(b.dirfd);
	free(b.item);
	free(b.items);
	return 0;
}
