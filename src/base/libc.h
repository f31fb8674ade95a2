/*
 * libc.h - what C libraries have in different forms, or not at all
 */
#ifndef SM_LIBC_H
#define SM_LIBC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What the system says of an errno; `buf` may be where it is. */
const char *sm_reason(char *buf, size_t size, int sys);

/* "TERM", "KILL"; NULL for signals without a name, as the real-time ones. */
const char *sm_signal_name(int sig);

bool sm_in_group(gid_t gid); /* as a supplementary group of this process */

/*
 * Close the descriptors from `first` on, or have exec do it.  A child that
 * shares memory or locks with its parent may call it.
 */
void sm_close_from(int first, bool at_exec);

#endif /* SM_LIBC_H */
