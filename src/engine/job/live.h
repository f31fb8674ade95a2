/*
 * live.h - who is alive: the file `workers`
 *
 * Worker N holds an open-file-description lock on byte N while it lives, and
 * a thread of its own that never touches SQLite adds 1 to its counter every 2
 * seconds.  The lock dies with the process, though commands that it exec'd may
 * live on, and testing it takes nothing; the counter tells a process that runs
 * from one that is stopped.
 *
 * File: SM_LIVE_SLOTS lock bytes, then per slot 32 bytes, mapped shared:
 * heartbeat counter, process group of the command in hand (0: none), the
 * holder's process and when that began.  The last two name a holder who has no
 * worker row: not yet, or no longer.  Beyond the mapping, and only as far as
 * some command has written to its standard error: per slot SM_LIVE_SAID_BYTES,
 * the claim's token, a length, and the end of what was written.
 */
#ifndef SM_LIVE_H
#define SM_LIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define SM_LIVE_SLOTS    4096
#define SM_LIVE_BEAT_MS  2000
#define SM_LIVE_SAID_MAX 4096

struct sm_live_slot {
	_Atomic uint64_t beats;
	_Atomic int64_t command;
	_Atomic int64_t pid; /* 0: nobody's, or not yet written */
	_Atomic uint64_t pid_start;
};

struct sm_live {
	int fd;
	int slot; /* mine, -1: none */
	struct sm_live_slot *slots;
};

#define SM_LIVE_NONE                                                           \
	{                                                                      \
		.fd = -1, .slot = -1, .slots = NULL                            \
	}

/* Open or make the file in the job directory `dirfd`. */
int sm_live_open(struct sm_live *l, int dirfd, struct sm_err *err);
void sm_live_close(struct sm_live *l); /* gives the slot up */

/*
 * Lock the first free slot and clear it; SM_ENOMEM if all are taken.  Those in
 * `avoid` (SM_LIVE_SLOTS of them, or NULL) come last: their holders died, and
 * whoever is to bury them still looks at the slot.
 */
int sm_live_take(struct sm_live *l, const bool *avoid, struct sm_err *err);
void sm_live_beat(struct sm_live *l);

bool sm_live_held(const struct sm_live *l, int slot); /* is its holder alive? */
uint64_t sm_live_beats(const struct sm_live *l, int slot);
int64_t sm_live_command(const struct sm_live *l, int slot);
/* How many living workers but the caller have a command in hand? */
int sm_live_commands(const struct sm_live *l);
void sm_live_forget_command(const struct sm_live *l, int slot);
/* Who holds a slot, if anybody does: 1 with pid and start, 0. */
int sm_live_holder(const struct sm_live *l, int slot, int64_t *pid,
		   uint64_t *pid_start);
/* Does some worker, alive or not, have this process's group in hand? */
bool sm_live_is_command(const struct sm_live *l, int64_t pid);

/* As sm_live_held() and sm_live_command(), by a look at the file alone: for
 * readers. */
bool sm_live_is_held(int dirfd, int slot);
int64_t sm_live_look_command(int dirfd, int slot);

/*
 * What the command of the claim `token` has said so far, at most the last
 * SM_LIVE_SAID_MAX bytes.  It is for people who look: what cannot be written
 * is not.  The other end returns a string to free, NULL if there is none.
 */
void sm_live_say(const struct sm_live *l, int64_t token, const char *text,
		 size_t len);
char *sm_live_look_said(int dirfd, int slot, int64_t token);
/* Is any worker alive?  1, 0; <0 -errno: nobody can tell. */
int sm_live_any_held(int dirfd);

/* When a process began, in clock ticks after boot; 0 if there is none. */
uint64_t sm_live_pid_start(int64_t pid);
/* Is it the process that began then, and stopped by a signal, as by Ctrl-Z? */
bool sm_live_is_stopped(int64_t pid, uint64_t pid_start);
/* SIGKILL, if `pid` is still the process that began then. */
void sm_live_kill(int64_t pid, uint64_t pid_start);

#endif /* SM_LIVE_H */
