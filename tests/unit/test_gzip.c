#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "gzip.h"

static struct sm_entry
entry(unsigned i)
{
	return (struct sm_entry){
		.counts = { .rows = i / 3,
			    .records = i + 1,
			    .tally[SM_TALLY_SKIPPED] = i % 2 },
		.sizes = { .gz_bytes = UINT64_C(1) << i % 60,
			   .raw_bytes = (UINT64_C(1) << i % 62) + 1,
			   .gz_crc32 = i * 0x9e3779b9u },
	};
}

static const struct sm_entry empty = {
	.counts = { .rows = 7, .tally[SM_TALLY_SKIPPED] = 2 }
};

static struct sm_group
group(unsigned entries, uint64_t numbers)
{
	struct sm_group g = { .fingerprint = UINT64_C(0x0123456789abcdef),
			      .back = numbers,
			      .before_crc32 = 0xdeadbeef,
			      .batch = numbers,
			      .at = numbers,
			      .row = numbers,
			      .record = numbers,
			      .raw_at = numbers };
	unsigned i;

	for (i = 0; i < entries; i++) {
		struct sm_entry e = entry(i);

		sm_group_add(&g, &e, i % 5 == 4);
	}
	return g;
}

static void
assert_reads(const struct sm_group *g)
{
	unsigned char p[SM_GROUP_BYTES_MAX];
	struct sm_group back;
	struct sm_note n;
	uint32_t crc;
	size_t len = sm_group_put(p, &crc, g);
	unsigned i;

	assert_in_range(len, 1, SM_GROUP_BYTES_MAX);
	assert_true(sm_note_get(&n, p, len));
	assert_int_equal(n.crc32, crc);
	assert_true(sm_group_get(&back, &n));
	assert_true(back.fingerprint == g->fingerprint);
	assert_true(back.back == g->back && back.batch == g->batch);
	assert_true(back.at == g->at && back.row == g->row);
	assert_true(back.record == g->record && back.raw_at == g->raw_at);
	assert_int_equal(back.before_crc32, g->before_crc32);
	assert_int_equal(back.entries, g->entries);
	for (i = 0; i < g->entries; i++)
		assert_memory_equal(&back.run[i], &g->run[i],
				    sizeof(g->run[i]));
}

static void
test_groups(void **state)
{
	struct sm_group g;
	uint64_t numbers;
	unsigned n;

	(void)state;
	for (numbers = 0; numbers <= INT64_MAX; numbers += INT64_MAX / 2)
		for (n = 1; n == 1 || !sm_group_is_full(&g); n++) {
			g = group(n, numbers);
			assert_int_equal(g.entries, n);
			assert_reads(&g);
		}
}

/* As long as it can be, and a row note before it: a reader goes on. */
static void
test_bounds(void **state)
{
	struct sm_entry e = {
		.counts = { INT64_MAX, INT64_MAX, { 0 } },
		.sizes = { INT64_MAX, INT64_MAX, 0, 0xffffffff, 0, 0 },
	};
	struct sm_group g = group(0, INT64_MAX);
	unsigned char p[SM_GROUP_BYTES_MAX];
	unsigned i;

	(void)state;
	for (i = 0; i < SM_TALLIES; i++)
		e.counts.tally[i] = INT64_MAX;
	for (i = 0; !sm_group_is_full(&g); i++) {
		e.counts.rows = INT64_MAX - i;
		sm_group_add(&g, &e, false);
	}
	g.back = INT64_MAX;
	assert_in_range(g.entries, 1, SM_GROUP_ENTRIES - 1);
	assert_in_range(sm_group_put(p, NULL, &g), 1, SM_GROUP_BYTES_MAX);
	/* The row note, the stored block before it, the index note. */
	assert_in_range(SM_NOTE_ROWS_BYTES + 5 + SM_GROUP_BYTES_MAX, 1, 3600);
}

/* Batches without text, and missing ones, of equally many rows: one entry. */
static void
test_runs(void **state)
{
	struct sm_group g = { 0 }, next;
	struct sm_entry text = entry(3), other = empty;
	unsigned i;

	(void)state;
	other.counts.rows = 8;
	for (i = 0; i < 1000; i++)
		sm_group_add(&g, &empty, false);
	assert_int_equal(g.entries, 1);
	sm_group_add(&g, &other, false);
	sm_group_add(&g, &other, true);
	sm_group_add(&g, &other, true);
	sm_group_add(&g, &text, true);
	sm_group_add(&g, &text, false);
	sm_group_add(&g, &text, false);
	assert_int_equal(g.entries, 4);
	assert_int_equal(g.run[0].batches, 1001);
	assert_int_equal(g.run[0].e.counts.rows, 7008);
	assert_int_equal(g.run[0].e.counts.tally[SM_TALLY_SKIPPED], 2002);
	assert_int_equal(g.run[1].batches, 3);
	assert_true(g.run[1].missing);
	assert_int_equal(g.run[1].e.counts.records, 0);
	assert_reads(&g);
	sm_group_next(&next, &g, 5000, 290, 77);
	assert_int_equal(next.batch, 1006);
	assert_int_equal(next.row, 7000 + 8 + 16 + 3 * text.counts.rows);
	assert_int_equal(next.record, 2 * text.counts.records);
	assert_int_equal(next.raw_at, 2 * text.sizes.raw_bytes);
	assert_int_equal(next.at, 5290);
	assert_int_equal(next.before_crc32, 77);
	sm_group_add(&next, &text, false);
	assert_int_equal(next.back, 290 + text.sizes.gz_bytes);
}

/* A note that is whole but no group: whatever byte of its body is another. */
static void
test_odd_bodies(void **state)
{
	unsigned char p[SM_GROUP_BYTES_MAX], q[SM_GROUP_BYTES_MAX];
	struct sm_group g = group(9, 300), back;
	struct sm_note n, odd;
	size_t i, len;
	unsigned v;

	(void)state;
	assert_true(sm_note_get(&n, p, sm_group_put(p, NULL, &g)));
	for (i = 0; i < n.len; i++)
		for (v = 0; v < 256; v++) {
			odd = n;
			odd.body[i] = (unsigned char)v;
			if (!sm_group_get(&back, &odd))
				continue;
			/* Then it stands for other numbers. */
			len = sm_group_put(q, NULL, &back);
			assert_true(sm_note_get(&odd, q, len));
			assert_int_equal(odd.body[i], v);
		}
	for (i = 0; i < n.len; i++) {
		odd = n;
		odd.len = i;
		assert_false(sm_group_get(&back, &odd));
	}
	n.version++;
	assert_false(sm_group_get(&back, &n));
}

static void
test_end(void **state)
{
	const struct sm_gzip_end in = { UINT64_MAX, 2, 1, INT64_MAX,
					0xdeadbeef };
	unsigned char p[SM_GZIP_END_BYTES];
	struct sm_gzip_end out;
	struct sm_note n;

	(void)state;
	assert_int_equal(sizeof(p), 109);
	sm_gzip_put_end(p, &in);
	assert_true(sm_note_get(&n, p, sizeof(p)));
	memset(&out, 0, sizeof(out));
	assert_true(sm_gzip_get_end(&out, &n));
	assert_true(out.fingerprint == in.fingerprint &&
		    out.batches == in.batches && out.missing == in.missing &&
		    out.last_at == in.last_at &&
		    out.last_crc32 == in.last_crc32);
	n.version++;
	assert_false(sm_gzip_get_end(&out, &n));
}

static void
test_tail(void **state)
{
	static const unsigned char want[SM_GZIP_TAIL_BYTES] = {
		3, 0, 0x78, 0x56, 0x34, 0x12, 7, 0, 0, 0
	};
	unsigned char p[SM_GZIP_TAIL_BYTES];

	(void)state;
	/* ISIZE is the length modulo 2^32. */
	sm_gzip_put_tail(p, 0x12345678, (UINT64_C(3) << 32) + 7);
	assert_memory_equal(p, want, sizeof(want));
}

/* The size of a shard is known from its row alone. */
static void
test_shard_bytes(void **state)
{
	unsigned char p[SM_SHARD_END_MAX];
	struct sm_entry e;
	unsigned i;

	(void)state;
	for (i = 0; i < 62; i++) {
		e = entry(i);
		e.fingerprint = i * UINT64_C(0x9e3779b97f4a7c15);
		assert_int_equal(
			sm_shard_bytes(UINT64_C(1) << i, &e),
			SM_GZIP_HEADER_BYTES + e.sizes.gz_bytes +
				sm_shard_put_end(p, UINT64_C(1) << i, &e));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_odd_bodies),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_tail),
		cmocka_unit_test(test_shard_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
