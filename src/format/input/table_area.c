/*
 * A file that grows under its mapping.  It is apart from the builder because a
 * full disk behaves so differently here: a page that cannot be written back
 * raises a signal long after the store that made it dirty.  So blocks are
 * reserved first.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fault.h"

#include "table_area.h"

/* Areas double up to this step: a large one holds little that is unused. */
#define AREA_START    (1024 * 1024)
#define AREA_STEP_MAX (64 * 1024 * 1024)

/* No object is larger; a step beyond it does not overflow. */
#define AREA_MAX ((uint64_t)PTRDIFF_MAX - AREA_STEP_MAX)

/*
 * Grow the file by posix_fallocate(), which gives real blocks and zeros, then
 * the mapping.  The mapping may move: callers keep offsets, not pointers.
 */
int
sm_table_area_reserve(struct sm_table_area *a, uint64_t want,
		      struct sm_err *err)
{
	size_t size = a->size;
	void *p;
	int e;

	if (want <= a->size)
		return 0;
	if (want > AREA_MAX) {
		errno = ENOMEM;
		return sm_err_sys(err, "cannot map %" PRIu64 " bytes of %s",
				  want, a->what);
	}
	if (size == 0)
		size = AREA_START;
	while (size < want) {
		if (size < AREA_STEP_MAX)
			size *= 2;
		else
			size += AREA_STEP_MAX;
	}
	do {
		e = sm_fault_errno("table.reserve");
		if (e == 0)
			e = posix_fallocate(a->fd, (off_t)a->size,
					    (off_t)(size - a->size));
	} while (e == EINTR);
	if (e != 0) {
		errno = e;
		return sm_err_sys(err, "cannot reserve %zu bytes for %s", size,
				  a->what);
	}
	if (a->data)
		p = mremap(a->data, a->size, size, MREMAP_MAYMOVE);
	else
		p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, a->fd,
			 0);
	if (p == MAP_FAILED)
		return sm_err_sys(err, "cannot map %zu bytes of %s", size,
				  a->what);
	a->data = p;
	a->size = size;
	return 0;
}

void
sm_table_area_release(struct sm_table_area *a)
{
	if (a->data)
		munmap(a->data, a->size);
	a->data = NULL;
	a->size = 0;
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
}
