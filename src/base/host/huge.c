/*
 * Copies of mappings in huge pages, and whether they are worth it.  It is apart
 * from file.c, which maps: here the kernel is asked what came of that. Formats:
 * the kernel's admin-guide/mm/transhuge.rst and filesystems/proc.rst.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "memory.h"

#include "huge.h"

#define HUGE_LINE_MAX 512
#define HUGE_NAME_MAX 4096

/*
 * The number after `key` in the first line of a file that begins with it; with
 * `from`, after the line of that mapping.  False: there is none.
 */
static bool
huge_find(uint64_t *n, const char *dir, const char *file, const char *key,
	  const void *from)
{
	char name[HUGE_NAME_MAX], line[HUGE_LINE_MAX];
	bool within = !from, found = false;
	uint64_t start, end;
	FILE *f;

	snprintf(name, sizeof(name), "%s/%s", dir, file);
	f = fopen(name, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		if (from &&
		    sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &start, &end) == 2)
			within = start == (uintptr_t)from;
		else if (within && strncmp(line, key, strlen(key)) == 0)
			found = sscanf(line + strlen(key), "%" SCNu64, n) == 1;
	}
	if (f)
		fclose(f);
	return found;
}

/* "always [madvise] never": is the last one chosen? */
static bool
huge_is_off(const char *sys)
{
	char name[HUGE_NAME_MAX], line[HUGE_LINE_MAX] = "[never]";
	FILE *f;

	snprintf(name, sizeof(name), "%s/enabled", sys);
	f = fopen(name, "re");
	if (f) {
		if (!fgets(line, sizeof(line), f))
			line[0] = '\0';
		fclose(f);
	}
	return strstr(line, "[never]") != NULL;
}

/*
 * Is most of it in huge pages?  A mapping that cannot be found is taken for
 * one: what is not known is left as it is.
 */
static bool
huge_is_so(const void *data, size_t size, const char *proc)
{
	uint64_t kib;

	return !huge_find(&kib, proc, "smaps", "FilePmdMapped:", data) ||
	       kib * 1024 >= size / 2;
}

static bool
huge_has_room(size_t size, unsigned copies, const char *proc)
{
	uint64_t kib, limit = sm_memory_limit(proc);

	if (!huge_find(&kib, proc, "../meminfo", "MemAvailable:", NULL))
		return false;
	if (kib * 1024 < limit)
		limit = kib * 1024;
	return size <= limit / SM_HUGE_SHARE / (copies ? copies : 1);
}

/* `n` bytes, a multiple of `page`, that begin at one; NULL: no memory. */
static unsigned char *
huge_map(size_t n, size_t page)
{
	unsigned char *p, *at;
	size_t skip;

	p = mmap(NULL, n + page, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	skip = page - (uintptr_t)p % page; /* 1 to `page` */
	at = p + skip;
	munmap(p, skip);
	if (skip < page)
		munmap(at + n, page - skip);
	return at;
}

bool
sm_huge_copy(struct sm_huge *h, const void *data, size_t size, unsigned copies,
	     const char *proc, const char *sys)
{
	uint64_t page, bytes;
	unsigned char *copy;

	*h = (struct sm_huge){ 0 };
	if (size < SM_HUGE_LEAST || huge_is_off(sys) ||
	    !huge_find(&page, sys, "hpage_pmd_size", "", NULL) || page == 0 ||
	    page > size)
		return false;
	bytes = (size + page - 1) / page * page;
	if (bytes > SIZE_MAX - page || huge_is_so(data, size, proc) ||
	    !huge_has_room((size_t)bytes, copies, proc))
		return false;
	copy = huge_map((size_t)bytes, (size_t)page);
	if (!copy)
		return false;
	h->data = copy;
	h->bytes = (size_t)bytes;
	/* Asked before it is touched. */
	if (madvise(copy, (size_t)bytes, MADV_HUGEPAGE) < 0) {
		sm_huge_release(h);
		return false;
	}
	memcpy(copy, data, size);
	return true;
}

void
sm_huge_release(struct sm_huge *h)
{
	if (h->data)
		munmap(h->data, h->bytes);
	*h = (struct sm_huge){ 0 };
}
