/*
 * huge.h - memory in huge pages, for what is read at random
 *
 * A table of some megabytes that is read at random misses the processor's
 * buffer of page addresses with each look.  In huge pages it does not.  Linux
 * maps files so from 6.16 on where the page cache has them in one piece, and
 * elsewhere not: then a worker's own copy is the better one.
 */
#ifndef SM_HUGE_H
#define SM_HUGE_H

#include <stdbool.h>
#include <stddef.h>

/* Less than this fits the buffer. */
#define SM_HUGE_LEAST ((size_t)4 << 20)
/* All workers together copy no more than one in so many bytes of memory. */
#define SM_HUGE_SHARE 16

struct sm_huge {
	void *data; /* NULL: no copy */
	size_t bytes;
};

/*
 * Copy the mapping `data` into huge pages; false where it is the better one: it
 * is small, or in huge pages already, there are none for the asking, or one
 * copy for each of `copies` processes were too much for the memory that is
 * left.  No error: nothing but time depends on it.  `proc` is "/proc/self",
 * `sys` "/sys/kernel/mm/transparent_hugepage", or folders made up after them.
 */
bool sm_huge_copy(struct sm_huge *h, const void *data, size_t size,
		  unsigned copies, const char *proc, const char *sys);
void sm_huge_release(struct sm_huge *h); /* a zeroed one is allowed */

#endif /* SM_HUGE_H */
