/*
 * reach.h - do locks reach everybody who works on this job?
 *
 * A directory that is mounted twice (bindfs, sshfs, gocryptfs, an overlay and
 * what is below it) has locks of its own for each mount, also on one host.
 * Then two supervisors run, and SQLite damages job.db, since it relies on
 * locks.  Bytes written to a file do reach the other mount.  So whoever may
 * write to job.db leaves a mark in run.lock, before it opens job.db, and reads
 * those of the others.
 *
 * run.lock: byte 0 is the lock of the planner or supervisor.  From byte
 * SM_REACH_AT on there are SM_REACH_PLACES marks of 64 bytes.  A process locks
 * the first byte of a place, writes its mark there, and adds 1 to the mark's
 * counter from time to time.  A mark whose byte reads as free is one of a
 * process that died, or of one whose lock does not reach us, which is shown by
 * either of these alone:
 *
 *  - The process of that pid and start time lives on this host, has another
 *    run.lock open than we have, on another device, with its mark in it, and
 *    that one changed in the same nanosecond as ours, or has our mark as well.
 *  - The counter of the mark advances.
 *
 * Neither happens in a copy of a directory, whose marks stand still, nor after
 * a kill, nor for a process that got the pid of another.
 *
 * Counters advance every SM_LIVE_BEAT_MS.  Where the kernel itself has the
 * file, its time of change says when one last did: nobody waits for a counter
 * if that was SM_REACH_STILL_MS ago, as after a reboot, when all marks are
 * those of another boot.
 *
 * Not seen: programs that leave no mark, as sqlite3; what a mount's caches
 * keep from the other one for longer than SM_REACH_PATIENCE_MS.
 */
#ifndef SM_REACH_H
#define SM_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "jobdir.h"

#define SM_REACH_AT          64
#define SM_REACH_PLACES      511
#define SM_REACH_PATIENCE_MS 3500
#define SM_REACH_STILL_MS    10000
#define SM_REACH_SUSPECTS    8

/* As it is in the file, in the byte order of the machine. */
struct sm_reach_mark {
	char magic[8];
	uint64_t id;      /* random */
	uint64_t boot;    /* of the kernel, 0: not known */
	uint64_t space;   /* of pids: the inode of /proc/self/ns/pid */
	int64_t pid;      /* in that space */
	uint64_t start;   /* clock ticks after boot */
	uint64_t at_work; /* 0: it is still looking at the others' marks */
	uint64_t beats;
};

struct sm_reach_suspect {
	uint64_t id, beats;
};

struct sm_reach {
	bool marked; /* `fd` holds the lock of our place */
	bool lost;   /* a look has found somebody: job.db is to be left alone */
	int fd, place;
	const struct sm_jobdir *dir; /* the caller's */
	struct sm_reach_mark mine;
	struct sm_reach_suspect suspect[SM_REACH_SUSPECTS];
	unsigned suspects; /* ever noted; the oldest makes room */
	uint64_t looked_ms;
};

/*
 * Leave a mark, and look at those of others.  SM_EREFUSED: somebody works on
 * the job whose locks do not reach us; the mark is gone again.  A directory
 * that cannot be written, or is full, gets no mark, but is looked at.  Waits up
 * to SM_REACH_PATIENCE_MS, and only where a mark's byte is free while its
 * process may live.  `dir` must outlive the mark.
 */
int sm_reach_enter(struct sm_reach *r, const struct sm_jobdir *dir,
		   struct sm_err *err);
/* Take the mark away; all zeros, without a mark, is allowed. */
void sm_reach_leave(struct sm_reach *r);

/*
 * Add 1 to the counter, as often as every SM_LIVE_BEAT_MS.  For a second
 * thread, between _enter() and _leave().
 */
void sm_reach_beat(struct sm_reach *r);

/*
 * Look again, at most once a second, and without waiting.  SM_EREFUSED:
 * somebody has begun since whose locks do not reach us.
 */
int sm_reach_look(struct sm_reach *r, struct sm_err *err);

/*
 * For those who only read job.db: no mark.  Marks of other hosts and pid
 * namespaces are not waited for, and a file that cannot be read says nothing.
 */
int sm_reach_check(const struct sm_jobdir *dir, struct sm_err *err);

#endif /* SM_REACH_H */
