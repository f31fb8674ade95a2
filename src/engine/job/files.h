/*
 * files.h - the files that the batches of a job make, beside their shards
 *
 * Their directory is the user's, and the job's alone: a mark in it, the file
 * ".shardmill", has the job's id, so that neither another job's files are
 * replaced nor an empty mount point is taken for a place where all are lost.
 * A file is there if it has the size that its row says; whether it is whole
 * only reading it says.
 */
#ifndef SM_FILES_H
#define SM_FILES_H

#include "batch.h"
#include "jobdir.h"
#include "kind.h"

/*
 * While planning a new job: make the directory if it is missing, and mark it.
 * Refused (SM_EREFUSED) without `force`, with which such files are removed: one
 * that another job has marked, or that has files by names of this job's.
 */
int sm_files_make(const struct sm_spec *spec, const struct sm_jobdir *dir,
		  bool force, struct sm_err *err);
/* Before an old job goes: would that be refused for another's sake? */
int sm_files_refuse(const struct sm_spec *spec, const struct sm_jobdir *dir,
		    bool force, struct sm_err *err);
/* Remove what a job has made, and its mark: it begins again. */
int sm_files_clear(const struct sm_spec *spec, const struct sm_jobdir *dir,
		   struct sm_err *err);
/* Another directory is refused, unless what it was is there by now. */
int sm_files_refuse_change(const struct sm_spec *old, const struct sm_spec *now,
			   const struct sm_jobdir *dir, struct sm_err *err);

struct sm_files {
	struct sm_kind_files kind; /* dir NULL: the batches make none */
	int fd;                    /* of the directory; -1: it has none, */
	int error;                 /* for this reason (errno) */
	unsigned digits;
};

#define SM_FILES_NONE                                                          \
	{                                                                      \
		.kind.dir = NULL, .fd = -1                                     \
	}

/*
 * Open the directory, if there is one; what was open before is closed.  One
 * that cannot be opened fails the calls that ask what is in it.
 */
void sm_files_open(struct sm_files *f, const struct sm_spec *spec);
void sm_files_close(struct sm_files *f);
/*
 * Is it there, and still marked as this job's?  SM_EREFUSED.  A mark that is
 * out of date, since the job was moved, is written anew.
 */
int sm_files_require(const struct sm_files *f, const struct sm_spec *spec,
		     const struct sm_jobdir *dir, struct sm_err *err);

/* The names that files got are on the disk. */
int sm_files_sync(const struct sm_files *f, struct sm_err *err);

/* Has the row's file the size that the row says?  True where it makes none. */
int sm_files_is(bool *is, const struct sm_files *f,
		const struct sm_batch_row *row, struct sm_err *err);
/* The same of all done rows from `first` on. */
int sm_files_all(bool *all, const struct sm_files *f, struct sm_db *db,
		 uint64_t first, struct sm_err *err);
/* Read it: SM_EVERIFY with the damage ("file missing", "file size", …). */
int sm_files_check(const char **damage, const struct sm_files *f,
		   const struct sm_batch_row *row, struct sm_err *err);
/*
 * Its shard is a receipt: is the file the one that this is about?  Then its
 * size and CRC-32 go into `e`.
 */
int sm_files_adopt(bool *is, struct sm_entry *e, const struct sm_files *f,
		   uint64_t batch, struct sm_err *err);

/* What an attempt that is over has left. */
void sm_files_remove_tmp(const struct sm_files *f, uint64_t batch,
			 int64_t token);

#endif /* SM_FILES_H */
