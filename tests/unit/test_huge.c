/* Copies in huge pages, and when there are none; by folders made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "huge.h"

#define PAGE ((size_t)2 << 20)
#define SIZE (SM_HUGE_LEAST + 12345)

static char folder[] = "/tmp/shardmill-huge-XXXXXX";
static char proc[64], sys[64];
static unsigned char *data;

static void
put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* What /proc says of the mapping at `at`, between two others. */
static void
put_smaps(const void *at, size_t huge)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "1000-2000 r--p 00000000 08:01 17 /lib/a-b\n"
		 "Size: 4 kB\nFilePmdMapped:  4096 kB\nVmFlags: rd mr\n"
		 "%llx-%llx r--s 00000000 08:01 18 /vocab\n"
		 "Size: 4 kB\nFilePmdMapped:  %zu kB\nVmFlags: rd mr\n"
		 "fffffff000-fffffff000 r--p 00000000 00:00 0 [vdso]\n"
		 "FilePmdMapped:  4096 kB\n",
		 (unsigned long long)(uintptr_t)at,
		 (unsigned long long)(uintptr_t)at + SIZE, huge / 1024);
	put("self/smaps", text);
}

static void
put_usual(void)
{
	put("enabled", "always [madvise] never\n");
	put("hpage_pmd_size", "2097152\n");
	put("meminfo", "MemTotal: 9 kB\nMemAvailable: 1048576 kB\n");
	put_smaps(data, 0);
}

static int
begin(void **state)
{
	size_t i;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(proc, sizeof(proc), "%s/self", folder);
	snprintf(sys, sizeof(sys), "%s", folder);
	assert_int_equal(mkdir(proc, 0777), 0);
	data = malloc(SIZE);
	assert_non_null(data);
	for (i = 0; i < SIZE; i++)
		data[i] = (unsigned char)(i * 7 + i / 1000);
	return 0;
}

static int
end(void **state)
{
	static const char *const name[] = { "self/smaps", "enabled",
					    "meminfo",    "hpage_pmd_size",
					    "self",       "" };
	char path[256];
	size_t i;

	(void)state;
	free(data);
	for (i = 0; i < sizeof(name) / sizeof(*name); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, name[i]);
		if (remove(path) != 0)
			return -1;
	}
	return 0;
}

static bool
copies(struct sm_huge *h, unsigned n)
{
	return sm_huge_copy(h, data, SIZE, n, proc, sys);
}

static void
test_copy(void **state)
{
	struct sm_huge h;

	(void)state;
	put_usual();
	assert_true(copies(&h, 1));
	assert_int_equal((uintptr_t)h.data % PAGE, 0);
	assert_int_equal(h.bytes, 3 * PAGE);
	assert_memory_equal(h.data, data, SIZE);
	sm_huge_release(&h);
	assert_null(h.data);
	sm_huge_release(&h);
	/* Beginnings at any place. */
	put_smaps(data + 4096, 0);
	assert_true(sm_huge_copy(&h, data + 4096, SM_HUGE_LEAST, 1, proc, sys));
	assert_memory_equal(h.data, data + 4096, SM_HUGE_LEAST);
	sm_huge_release(&h);
}

static void
test_none(void **state)
{
	struct sm_huge h;

	(void)state;
	put_usual();
	assert_false(sm_huge_copy(&h, data, SM_HUGE_LEAST - 1, 1, proc, sys));
	/* Most of it is in huge pages; half of it is. */
	put_smaps(data, SM_HUGE_LEAST);
	assert_false(copies(&h, 1));
	put_smaps(data, PAGE);
	assert_true(copies(&h, 1));
	sm_huge_release(&h);
	/* It cannot be found. */
	put_smaps(data + 4096, 0);
	assert_false(copies(&h, 1));
	put_usual();

	put("enabled", "always madvise [never]\n");
	assert_false(copies(&h, 1));
	put("enabled", "[always] madvise never\n");
	assert_true(copies(&h, 1));
	sm_huge_release(&h);
	put("hpage_pmd_size", "0\n");
	assert_false(copies(&h, 1));
	/* Huge pages of arm64 with pages of 64 KiB: larger than the table. */
	put("hpage_pmd_size", "536870912\n");
	assert_false(copies(&h, 1));
	put("hpage_pmd_size", "");
	assert_false(copies(&h, 1));
}

static void
test_short_of_memory(void **state)
{
	struct sm_huge h;
	char text[64];

	(void)state;
	put_usual();
	snprintf(text, sizeof(text), "MemAvailable: %zu kB\n",
		 3 * PAGE * SM_HUGE_SHARE / 1024);
	put("meminfo", text);
	assert_true(copies(&h, 1));
	sm_huge_release(&h);
	assert_false(copies(&h, 2));
	snprintf(text, sizeof(text), "MemAvailable: %zu kB\n",
		 3 * PAGE * SM_HUGE_SHARE / 1024 - 1);
	put("meminfo", text);
	assert_false(copies(&h, 1));
	put("meminfo", "MemFree: 100000000 kB\n");
	assert_false(copies(&h, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_short_of_memory),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
