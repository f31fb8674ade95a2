/*
 * jobdir.h - the job directory
 *
 *	job.db            the job table (store/); beside it -wal and -shm,
 *	                  or -journal with --network-fs
 *	spec.json         the planned options, for people and recover
 *	tables/<fp>/      inputs compiled for the fingerprint <fp>, mapped
 *	                  by all workers (table.h, items.h)
 *	shards/000017.gz  a done batch; names sort as batches do (shard.h)
 *	shards/000017.<token>.tmp
 *	                  one that is being written; no reader opens it
 *	logs/000017.2.log standard error of an attempt, --keep-logs (log.h)
 *	pipes/            --serve of exec (pipes.h)
 *	pace              --delay of exec: when the next command may begin
 *	log, log.1        what runs said, with date and time (joblog.h)
 *	workers           lock bytes and heartbeats (live.h)
 *	run.lock          one planner or supervisor; marks of those who may
 *	                  write to job.db (reach.h)
 *	final.lock        one finalize
 *	write.lock        the writers' queue (lock.h)
 *	consumed          with --consume: the path of the file that has what
 *	                  removed shards had (consumed.h)
 *	growing           which F.part is the job's own (growing.h)
 *	reserve           with --consume, while it joins: space to free more in
 *	replaces          while --restart plans anew: the old final file's path
 *	cleaning          a clean has begun: what is there may go
 *	part-0003/        of a job in parts (parts.h): a job directory; the
 *	                  whole has spec.json, tables/ and `final`, what was
 *	                  joined last (published.h)
 *	slurm*            the program's own (tools/slurm.h)
 *
 * Everything in it is opened relative to its descriptor, O_NOFOLLOW and
 * O_CLOEXEC, under names that the program makes.
 */
#ifndef SM_JOBDIR_H
#define SM_JOBDIR_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "event.h"

/* Of a job that is being removed (tend/clean.c). */
#define SM_JOBDIR_CLEANING "cleaning"

#define SM_JOBDIR_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

struct sm_jobdir {
	char *path; /* real path */
	int fd;
	int shards_fd;
};

/* A closed one, for jobdir_close() to take. */
#define SM_JOBDIR_NONE                                                         \
	{                                                                      \
		.path = NULL, .fd = -1, .shards_fd = -1                        \
	}

/*
 * Open an existing one.  SM_EINPUT: there is none; SM_EREFUSED: somebody
 * else's and not `trust`: a job can hold a command.
 */
int sm_jobdir_open(struct sm_jobdir *dir, const char *job, bool trust,
		   struct sm_err *err);
int sm_jobdir_check_owner(const struct sm_jobdir *dir, struct sm_err *err);
/* The same for one whose job.db is lost: it must have a spec.json. */
int sm_jobdir_open_lost(struct sm_jobdir *dir, const char *job, bool trust,
			struct sm_err *err);
/* The same for one in parts, or to find out: nothing need be in it. */
int sm_jobdir_open_whole(struct sm_jobdir *dir, const char *job, bool trust,
			 struct sm_err *err);
/*
 * Open, or make it with its folders.  `*made` says that it was not there.
 * SM_EREFUSED on a network file system unless `network_fs`, and on one that
 * sm_jobdir_probe() finds unfit.
 */
int sm_jobdir_create(struct sm_jobdir *dir, const char *job, bool trust,
		     bool network_fs, bool *made, struct sm_err *err);
int sm_jobdir_refuse_network(const struct sm_jobdir *dir, struct sm_err *err);
/*
 * Where files are kept by another program or host: does its file system do what
 * a job needs?  It is tried (probe.h); SM_EREFUSED gives the reason.
 */
int sm_jobdir_probe(const struct sm_jobdir *dir, struct sm_err *err);
/* What there is to know of a job on FUSE. */
void sm_jobdir_notice_mount(const struct sm_jobdir *dir,
			    const struct sm_events *ev);
void sm_jobdir_close(struct sm_jobdir *dir);

/* Is there such a name in it?  An error: it cannot be looked for. */
int sm_jobdir_has(bool *has, const struct sm_jobdir *dir, const char *name,
		  struct sm_err *err);
/*
 * Has it a spec.json and shards?  Then a missing database, or one without a
 * job, is no plan that was killed: recover is for it.
 */
int sm_jobdir_has_shards(bool *has, const struct sm_jobdir *dir,
			 struct sm_err *err);

/*
 * Bytes of a file in the directory `dirfd`, whose path is for messages; -1 if
 * there is none.  One that cannot be looked at is not lost: what is done must
 * not be made again for it.
 */
int sm_jobdir_size(int64_t *size, int dirfd, const char *path, const char *name,
		   struct sm_err *err);

/* tables/<16 hex digits>, of a part or of the job that it is a part of */
int sm_jobdir_tables(int *fd, const struct sm_jobdir *dir, uint64_t fingerprint,
		     struct sm_err *err);
/*
 * Tables are compiled in tables/new, empty at first, and get their name when
 * the fingerprint is known.
 */
int sm_jobdir_tables_new(int *fd, const struct sm_jobdir *dir,
			 struct sm_err *err);
/* tables/new again, of a part or of the job that it is a part of */
int sm_jobdir_tables_kept(int *fd, const struct sm_jobdir *dir,
			  struct sm_err *err);
int sm_jobdir_tables_name(const struct sm_jobdir *dir, uint64_t fingerprint,
			  struct sm_err *err);
void sm_jobdir_tables_path(char name[32], uint64_t fingerprint);
/* Remove the compiled tables of every other fingerprint, if that can be. */
void sm_jobdir_prune_tables(const struct sm_jobdir *dir, uint64_t keep);

/* Read a small file: free() the text. */
int sm_jobdir_read(char **text, const struct sm_jobdir *dir, const char *name,
		   struct sm_err *err);
/*
 * Write a small file whole or not at all, synced; one that says the same
 * already stays.
 */
int sm_jobdir_write(const struct sm_jobdir *dir, const char *name,
		    const char *text, struct sm_err *err);

/* Make its names, and its own in its parent, durable. */
int sm_jobdir_sync(const struct sm_jobdir *dir, struct sm_err *err);

/* Delete job.db, and then what SQLite has beside it. */
int sm_jobdir_remove_database(const struct sm_jobdir *dir, struct sm_err *err);
/*
 * Delete what one job consists of.  Files that the library did not make stay,
 * and with them the directory.  The locks go last, since the caller holds one.
 */
int sm_jobdir_remove(const struct sm_jobdir *dir, struct sm_err *err);

#endif /* SM_JOBDIR_H */
