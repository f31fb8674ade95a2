/*
 * final.h - write a final file: bodies of shards, and the notes about them
 *
 * Writing is a stream: sm_final_begin(), sm_final_append() of each shard in
 * batch order, sm_final_end().  Nothing is inflated.  A batch that is to be
 * left out gets sm_final_skip() in its place.
 *
 * What was appended stays whole while the file grows: nothing in it is written
 * twice.  So a file that stopped growing is taken up again by sm_final_begin()
 * as it was, sm_final_resume() for each batch that may be in it, and
 * sm_final_append() for the rest, which overwrites what else there is.
 *
 * `fingerprint` of an expected entry decides in which group a batch goes
 * (gzip.h).  Where it is 0, sm_final_append() takes what the shard says, and
 * the others take the file's own.
 */
#ifndef SM_FINAL_H
#define SM_FINAL_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "gzip.h"

struct sm_final {
	int fd;           /* the caller's; written at explicit places */
	const char *name; /* in messages; the caller's */
	uint64_t fingerprint;
	uint64_t first; /* number of the first batch: 0, or set by the caller */
	uint64_t at;    /* end of what counts */
	uint64_t body_at;  /* where the last batch's body begins */
	uint64_t behind;   /* the disk was asked to begin with these bytes */
	uint64_t appended; /* batches, skipped ones too … */
	uint64_t noted;    /* … from the first, whose index note is written */
	uint64_t missing;  /* skipped ones */
	uint64_t raw_bytes;
	uint32_t raw_crc32;    /* of the text so far */
	struct sm_group group; /* the open one */
	uint64_t last_at;      /* the last index note; 0: there is none */
	bool copies; /* blocks cannot be shared with what is appended */
};

/* `f` needs no release. */
void sm_final_begin(struct sm_final *f, int fd, const char *name,
		    uint64_t fingerprint);

/*
 * Copy the body of the shard file `name` of `dirfd`, or share its blocks where
 * that can be done, and compare every byte of it with what the next batch's
 * shard is.  `f->fd` is open for reading as well.  SM_EVERIFY if it is another,
 * SM_EIO, SM_ENOSPC: nothing of it counts.
 */
int sm_final_append(struct sm_final *f, int dirfd, const char *name,
		    const struct sm_entry *expect, struct sm_err *err);
/* The same of a body in the file `fd`, `name` in messages, from `at` on. */
int sm_final_append_from(struct sm_final *f, int fd, uint64_t at,
			 const char *name, const struct sm_entry *expect,
			 struct sm_err *err);
/* Leave out the next batch, of which `rows` alone are known. */
int sm_final_skip(struct sm_final *f, const struct sm_entry *expect,
		  struct sm_err *err);
/*
 * Are the next batch's bytes in the file already?  If so they count.  An index
 * note that is not there is written again, if the file may be written to.
 */
int sm_final_resume(bool *stands, struct sm_final *f,
		    const struct sm_entry *expect, struct sm_err *err);
/* Last index note, end note, tail; and cut what is after them. */
int sm_final_end(struct sm_final *f, struct sm_err *err);
/* Are just these in the file already, and nothing after them? */
int sm_final_resume_end(bool *stands, struct sm_final *f, struct sm_err *err);
/* Let the disk begin with what was appended: nothing follows for a while. */
void sm_final_flush(struct sm_final *f);

/* -------------------------------------------------------------- one shard --
 */

/*
 * Compare the shard file of `batch` with what it must be: its size, its CRC
 * and all around the body.  SM_EVERIFY.
 */
int sm_shard_compare(int dirfd, const char *name, uint64_t batch,
		     const struct sm_entry *expect, struct sm_err *err);
/*
 * The same, and inflate it.  SM_EVERIFY with the damage in `*damage`:
 * "missing", "size", "header", "crc", "deflate", "index".
 */
int sm_shard_check(const char **damage, int dirfd, const char *name,
		   uint64_t batch, const struct sm_entry *expect,
		   struct sm_err *err);
/* Of a body in the file `fd`, from `at` on: "size", "crc", "deflate". */
int sm_shard_check_in(const char **damage, int fd, const char *name,
		      uint64_t at, const struct sm_entry *expect,
		      struct sm_err *err);
/*
 * What a shard file says of itself, if it is whole: `*whole`.  All of `e` is
 * filled in.
 */
int sm_shard_read(bool *whole, struct sm_entry *e, uint64_t *batch, int fd,
		  const char *name, struct sm_err *err);

/* Inside: open a shard file and look at all of it but the body. */
struct sm_shard_file {
	int dirfd;
	const char *name;
	uint64_t batch;
};

int sm_shard_open_file(int *fd, const char **damage, struct sm_entry *expect,
		       const struct sm_shard_file *file, struct sm_err *err);

/* ------------------------------------------------------------- whole files --
 */

enum sm_final_state {
	SM_FINAL_NONE,    /* no mark of ours at the end of it */
	SM_FINAL_DAMAGED, /* an end note, but not where it belongs, or no tail
			   */
	SM_FINAL_WHOLE,   /* so far as the end says */
};

/* What the end of the file at `fd` says. */
int sm_final_read_end(enum sm_final_state *state, struct sm_gzip_end *e, int fd,
		      const char *name, uint64_t size, struct sm_err *err);
/*
 * Whose is the file at `fd`, growing or finished, damaged or not?  By its first
 * index note; `*known` is false where it has none: then no shard was removed
 * for it.
 */
int sm_final_owner(bool *known, struct sm_group *first, int fd,
		   const char *name, uint64_t size, struct sm_err *err);

struct sm_final_report {
	uint64_t batches, records, raw_bytes, gz_bytes; /* whole ones */
	uint64_t missing; /* batches that were left out: no findings */
	uint64_t findings;
	/* batch < 0: none in particular */
	void (*found)(int64_t batch, const char *damage, const char *text,
		      void *arg);
	/* may be NULL; nonzero return stops the check with SM_ESTOPPED */
	int (*progress)(uint64_t done, uint64_t total, void *arg);
	void *arg;
};

/*
 * Check the file `path`, final file or shard: every byte.  0 however many
 * findings there are; SM_EINPUT if it bears no mark of ours, or cannot be
 * opened; SM_EIO.
 *
 * Kinds: "header", "crc", "deflate", "index" (a note, with the batches that it
 * speaks of), "end", "truncated", "trailing".
 */
int sm_final_check(struct sm_final_report *r, const char *path,
		   struct sm_err *err);

#endif /* SM_FINAL_H */
