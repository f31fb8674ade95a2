/*
 * memory.h - the memory that this process may use, and who was killed for want
 * of it
 */
#ifndef SM_MEMORY_H
#define SM_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The smallest memory limit of the control groups that the process is in, in
 * bytes; UINT64_MAX where there is none or it cannot be read.  `proc` is
 * "/proc/self", or a folder made up after it.
 */
uint64_t sm_memory_limit(const char *proc);

/*
 * How many processes the kernel's OOM killer has killed in this process's
 * control group and those below, or, where no group counts them, on this
 * machine.  -1: nobody counts.
 */
int64_t sm_memory_oom_kills(const char *proc);

/* Whether that number has risen. */
struct sm_memory_watch {
	const char *proc; /* the caller's */
	int64_t seen;
};

enum sm_memory_verdict {
	SM_MEMORY_UNKNOWN, /* nobody counts */
	SM_MEMORY_SPARED,  /* the OOM killer has killed nobody since */
	SM_MEMORY_KILLED,  /* it has: somebody, and as a rule who is missed */
};

void sm_memory_watch_begin(struct sm_memory_watch *w, const char *proc);
/* Since the last call, or the beginning. */
enum sm_memory_verdict sm_memory_watch_look(struct sm_memory_watch *w);

#endif /* SM_MEMORY_H */
