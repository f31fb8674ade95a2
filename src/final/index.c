/*
 * index.c - what the index of a final file says
 *
 * It turns the reader's places into the structs of shardmill.h, which show
 * batches and bytes and not how the index is laid out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

#include "read.h"

struct sm_index {
	int fd;
	struct sm_final_reader *reader;
};

int
sm_index_open(struct sm_index **out, struct sm_index_about *about,
	      const char *file, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	const struct sm_final_about *a;
	struct sm_index *x = calloc(1, sizeof(*x));
	struct stat st;
	int ret;

	if (!x)
		return sm_err_mem(err, "an index");
	x->fd = -1;
	ret = sm_open_input(&x->fd, file, &st, err);
	if (ret == 0)
		ret = sm_final_open(&x->reader, x->fd, file,
				    (uint64_t)st.st_size, err);
	if (ret < 0) {
		sm_index_close(x);
		return ret;
	}
	a = sm_final_about(x->reader);
	*about = (struct sm_index_about){
		.first = a->first,
		.batches = a->batches,
		.missing = a->missing,
		.rows = a->rows,
		.records = a->records,
		.raw_bytes = a->raw_bytes,
		.file_bytes = a->file_bytes,
	};
	snprintf(about->fingerprint, sizeof(about->fingerprint), "%016" PRIx64,
		 a->fingerprint);
	*out = x;
	return 0;
}

int
sm_index_next(struct sm_index_entry *e, struct sm_index *x, struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	struct sm_final_batch b;
	int ret = sm_final_next(&b, x->reader, err);

	if (ret <= 0)
		return ret;
	*e = (struct sm_index_entry){
		.batch = b.batch,
		.batches = b.batches,
		.missing = b.missing,
		.row = b.row,
		.rows = b.rows,
		.record = b.record,
		.records = b.records,
		.at = b.at,
		.bytes = b.bytes,
		.raw_at = b.raw_at,
		.raw_bytes = b.raw_bytes,
		.gz_crc32 = b.gz_crc32,
	};
	memcpy(e->tally, b.tally, sizeof(e->tally));
	return 1;
}

int
sm_index_next_missing(struct sm_batch_range *run, struct sm_index *x,
		      struct sm_err *err)
{
	SM_ERR_OPTIONAL(err);
	uint64_t first, count;
	int ret = sm_final_next_missing(&first, &count, x->reader, err);

	if (ret > 0)
		*run = (struct sm_batch_range){ first, first + count - 1 };
	return ret;
}

void
sm_index_rewind(struct sm_index *x)
{
	sm_final_rewind(x->reader);
}

void
sm_index_close(struct sm_index *x)
{
	if (!x)
		return;
	sm_final_close(x->reader);
	if (x->fd >= 0)
		close(x->fd);
	free(x);
}
