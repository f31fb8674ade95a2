/*
 * Every single bit of a final file of 64 KiB, and every length of it: headers,
 * text, CRCs, index and end.  LONG takes all of them, else it is one in many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "finalfile.h"

#define SIZE 65536
/* Odd, so that all eight bits get their turn. */
#define SHORT_STEP 997

static const char *const kinds[] = { "header", "deflate",  "crc",      "index",
				     "end",    "trailing", "truncated" };
#define KINDS (sizeof(kinds) / sizeof(*kinds))

static uint64_t seen[KINDS];

static void
on_found(int64_t batch, const char *kind, const char *text, void *arg)
{
	size_t i;

	(void)batch;
	(void)text;
	(void)arg;
	for (i = 0; i < KINDS && strcmp(kinds[i], kind) != 0; i++)
		;
	if (i == KINDS)
		fail_msg("a kind that nobody named: %s", kind);
	seen[i]++;
}

static void
tell(const char *what, uint64_t tried)
{
	size_t i;

	printf("%s: %llu, all found:", what, (unsigned long long)tried);
	for (i = 0; i < KINDS; i++) {
		if (seen[i])
			printf(" %s %llu", kinds[i],
			       (unsigned long long)seen[i]);
		seen[i] = 0;
	}
	printf("\n");
}

static uint64_t
step(void)
{
	return getenv("LONG") ? 1 : SHORT_STEP;
}

static bool
is_found(void)
{
	struct sm_final_report r = { .found = on_found };

	int ret = sm_final_check(&r, finalfile_path, NULL);

	/* Cut before its first note it bears no mark of ours. */
	if (ret == SM_EINPUT)
		return true;
	assert_int_equal(ret, 0);
	return r.findings > 0;
}

/* The first number of batches whose file is that large. */
static uint64_t
make_large(const struct finalfile *ff)
{
	uint64_t n = 100, size;

	while ((size = finalfile_make(ff, n)) < SIZE)
		n += (SIZE - size) / 400 + 1;
	return size;
}

static void
every(uint64_t size, const char *what)
{
	uint64_t i, tried = 0;
	int fd = finalfile_open(0);
	unsigned char *p = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE,
				MAP_SHARED, fd, 0);

	assert_true(p != MAP_FAILED);
	assert_false(is_found());
	for (i = 0; i < 8 * size; i += step(), tried++) {
		p[i / 8] ^= (unsigned char)(1u << i % 8);
		if (!is_found())
			fail_msg("%s: bit %u of byte %llu of %llu", what,
				 (unsigned)(i % 8), (unsigned long long)i / 8,
				 (unsigned long long)size);
		p[i / 8] ^= (unsigned char)(1u << i % 8);
	}
	assert_false(is_found());
	munmap(p, (size_t)size);
	printf("%s of %llu bytes, ", what, (unsigned long long)size);
	tell("bits", tried);

	for (i = size - 1, tried = 0;; tried++) {
		assert_int_equal(ftruncate(fd, (off_t)i), 0);
		if (!is_found())
			fail_msg("%s: cut at %llu of %llu", what,
				 (unsigned long long)i,
				 (unsigned long long)size);
		if (i < step())
			break;
		i -= step();
	}
	close(fd);
	printf("%s, ", what);
	tell("lengths", tried + 1);
}

static void
test_final(void **state)
{
	struct finalfile ff = { .notes = true, .drop = true };

	(void)state;
	every(make_large(&ff), "a final file");
}

/* A shard is one as well. */
static void
test_shard(void **state)
{
	struct finalfile ff = { .notes = true, .drop = true };
	struct sm_entry e = finalfile_shard(&ff, 50, 0);

	(void)state;
	assert_int_equal(renameat(finalfile_dirfd, "000050.gz", finalfile_dirfd,
				  "final.gz"),
			 0);
	every(sm_shard_bytes(50, &e), "a shard");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_final),
		cmocka_unit_test(test_shard),
	};

	return cmocka_run_group_tests(tests, finalfile_setup,
				      finalfile_teardown);
}
