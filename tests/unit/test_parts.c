/* Ranges of parts, their names, what goes with a job, and the fence. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fence.h"
#include "parts.h"

#include "jobdb.h"

/* Contiguous, whole, and as equal as can be. */
static void
check_ranges(uint64_t batches, uint64_t parts)
{
	uint64_t part, first, end, next = 0, least = UINT64_MAX, most = 0;

	for (part = 0; part < parts; part++) {
		sm_spec_part_range(&first, &end, batches, part, parts);
		assert_true(first == next && end > first);
		least = end - first < least ? end - first : least;
		most = end - first > most ? end - first : most;
		assert_true(sm_spec_part_of(first, batches, parts) == part);
		assert_true(sm_spec_part_of(end - 1, batches, parts) == part);
		next = end;
	}
	assert_true(next == batches);
	assert_true(most - least <= 1);
}

static void
test_ranges(void **state)
{
	uint64_t batches, parts;

	(void)state;
	for (batches = 1; batches < 40; batches++)
		for (parts = 1; parts <= batches; parts++)
			check_ranges(batches, parts);
	check_ranges(1000003, 997);
	/* Products that 64 bits do not hold. */
	check_ranges((uint64_t)INT64_MAX, 4096);
	check_ranges((uint64_t)INT64_MAX, 3);
}

static void
test_names(void **state)
{
	char name[SM_PART_NAME_MAX];

	(void)state;
	sm_part_name(name, 3, 12);
	assert_string_equal(name, "part-0003");
	sm_part_name(name, 9999, 10000);
	assert_string_equal(name, "part-9999");
	sm_part_name(name, 3, 10001);
	assert_string_equal(name, "part-00003");
	assert_true(sm_part_is_name("part-0003"));
	assert_true(sm_part_is_name("part-00003"));
	assert_false(sm_part_is_name("part-"));
	assert_false(sm_part_is_name("part-3x"));
	assert_false(sm_part_is_name("parts"));
}

/* What ran goes back uncounted; what began under the old number is refused. */
static void
test_fence(void **state)
{
	struct sm_batch held, failed_before, late;
	bool failed = false;
	uint64_t put_back;
	int64_t a, b;

	(void)state;
	jobdb_make(3);
	a = jobdb_worker(0);
	b = jobdb_worker(1);
	assert_int_equal(jobdb_claim(&failed_before, b), 1);
	assert_int_equal(jobdb_fail(&failed_before, &jobdb_broken, &failed), 1);
	assert_int_equal(jobdb_claim(&held, a), 1);
	assert_int_equal(jobdb_answer(sm_fence_holds(&jobdb.yes, jobdb.db, 0,
						     &jobdb.err)),
			 1);

	jobdb_begin();
	assert_int_equal(sm_fence_take_over(&put_back, jobdb.db, JOBDB_NOW + 1,
					    &jobdb.err),
			 0);
	assert_int_equal(put_back, 1);
	jobdb_commit();
	assert_int_equal(jobdb_answer(sm_fence_holds(&jobdb.yes, jobdb.db, 0,
						     &jobdb.err)),
			 0);
	assert_int_equal(jobdb_answer(sm_fence_holds(&jobdb.yes, jobdb.db, 1,
						     &jobdb.err)),
			 1);
	assert_int_equal(jobdb_int("SELECT count(*) FROM worker WHERE ended "
				   "IS NULL"),
			 0);
	assert_int_equal(jobdb_int("SELECT attempts FROM batch WHERE id = 1"),
			 0);
	assert_int_equal(jobdb_int("SELECT attempts FROM batch WHERE id = 0"),
			 1);
	assert_string_equal(jobdb_text("SELECT outcome FROM attempt WHERE "
				       "batch = 1"),
			    "interrupted");

	/* Neither can the first copy commit, fail, give back, … */
	assert_int_equal(jobdb_complete(&held, 50), 0);
	assert_int_equal(jobdb_fail(&held, &jobdb_broken, NULL), 0);
	assert_int_equal(jobdb_give_back(&held), 0);
	/* … nor claim: jobdb_claim() is of run 0. */
	a = jobdb_worker(2);
	assert_int_equal(jobdb_claim(&late, a), 0);
	/* That it came late is on record. */
	jobdb_begin();
	assert_int_equal(
		sm_batch_fenced(jobdb.db, &held, JOBDB_NOW + 2, &jobdb.err), 0);
	jobdb_commit();
	assert_string_equal(jobdb_text("SELECT outcome FROM attempt WHERE "
				       "batch = 1"),
			    "fenced");
	/* The end of its run is not the next one's. */
	jobdb_begin();
	assert_int_equal(sm_job_end_run(jobdb.db, 0, JOBDB_NOW + 3, &jobdb.err),
			 0);
	jobdb_commit();
	assert_int_equal(jobdb_int("SELECT ended IS NULL FROM job"), 1);
}

/* A directory that has what the program wrote into it. */
static void
test_remove_leaves_others(void **state)
{
	char top[] = "/tmp/shardmill-parts.XXXXXX", path[64];
	struct sm_jobdir dir;
	struct sm_err err;
	bool made;

	(void)state;
	assert_non_null(mkdtemp(top));
	assert_int_equal(sm_jobdir_create(&dir, top, false, false, &made, &err),
			 0);
	assert_int_equal(sm_jobdir_write(&dir, "spec.json", "{}", &err), 0);
	assert_int_equal(sm_jobdir_write(&dir, "slurm.sh", "exit", &err), 0);
	assert_int_equal(sm_jobdir_remove(&dir, &err), 0);
	assert_int_equal(faccessat(dir.fd, "spec.json", F_OK, 0), -1);
	assert_int_equal(faccessat(dir.fd, "shards", F_OK, 0), -1);
	assert_int_equal(faccessat(dir.fd, "slurm.sh", F_OK, 0), 0);
	sm_jobdir_close(&dir);
	snprintf(path, sizeof(path), "%s/slurm.sh", top);
	unlink(path);
	assert_int_equal(rmdir(top), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_remove_leaves_others),
		cmocka_unit_test_setup_teardown(test_fence, jobdb_setup,
						jobdb_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
