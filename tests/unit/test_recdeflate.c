#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rand.h"

#include "record_impl.h"

#include "rectwin.h"

/* A writer, its shard in memory, and the text put together by hand. */
struct fixture {
	struct sm_record_writer *w;
	struct rectwin twin; /* the same, by groups of items */
	struct sm_shard shard;
	struct sm_buf text, names;
	unsigned items;
};

static struct sm_record_piece
piece(const char *text, size_t len)
{
	return (struct sm_record_piece){ text, len };
}

static void
set_up(struct fixture *f, const struct sm_record_template *tpl)
{
	assert_int_equal(sm_recdeflate_new(&f->w, tpl, NULL), 0);
	assert_int_equal(f->w->ops->begin(f->w, &f->shard, NULL), 0);
	rectwin_open(&f->twin, tpl);
}

static void
begin_again(struct fixture *f)
{
	memshard_clear(&f->shard);
	f->w->ops->begin(f->w, &f->shard, NULL);
	rectwin_begin(&f->twin);
}

/* The usual template, with `n` bytes of `fill` added to each field's name. */
static void
set_up_named(struct fixture *f, char fill, size_t n)
{
	static const char *const part[7][2] = {
		{ "{\"key", "\": " },
		{ ", \"value", "\": [" },
		{ "{\"track_id", "\": " },
		{ ", \"score", "\": " },
		{ "}, {\"track_id", "\": " },
		{ "}]}\n", NULL },
		{ "]}\n", NULL },
	};
	struct sm_record_template tpl;
	struct sm_record_piece *p = &tpl.head;
	size_t at[8] = { 0 }, i, k;

	for (i = 0; i < 7; i++) {
		sm_buf_puts(&f->names, part[i][0]);
		for (k = 0; part[i][1] && k < n; k++)
			sm_buf_putc(&f->names, fill);
		sm_buf_puts(&f->names, part[i][1] ? part[i][1] : "");
		at[i + 1] = f->names.len;
	}
	for (i = 0; i < 7; i++)
		p[i] = piece(f->names.data + at[i], at[i + 1] - at[i]);
	set_up(f, &tpl);
}

static void
add(struct fixture *f, struct sm_record_piece p)
{
	sm_buf_put(&f->text, p.text, p.len);
}

static void
begin(struct fixture *f, const char *key, size_t len)
{
	f->w->ops->key(f->w, key, len);
	rectwin_key(&f->twin, key, len);
	add(f, f->w->tpl.head);
	add(f, piece(key, len));
	add(f, f->w->tpl.list);
	f->items = 0;
}

static void
item(struct fixture *f, const char *id, size_t id_len, const char *num)
{
	f->w->ops->item(f->w, id, id_len, num, strlen(num));
	rectwin_item(&f->twin, id, id_len, num, strlen(num));
	add(f, f->items++ > 0 ? f->w->tpl.next : f->w->tpl.item);
	add(f, piece(id, id_len));
	add(f, f->w->tpl.mid);
	add(f, piece(num, strlen(num)));
}

static void
end(struct fixture *f)
{
	assert_int_equal(f->w->ops->end_record(f->w, NULL), 0);
	rectwin_end_record(&f->twin);
	add(f, f->items > 0 ? f->w->tpl.last : f->w->tpl.none);
}

static void
check(struct fixture *f)
{
	const char *wrong;

	assert_int_equal(f->w->ops->end(f->w, NULL), 0);
	assert_true(rectwin_end(&f->twin, &f->shard));
	wrong = memshard_check(&f->shard, f->text.data, f->text.len);
	if (wrong)
		fail_msg("%s", wrong);
}

static void
tear_down(struct fixture *f)
{
	f->w->ops->free(f->w);
	rectwin_close(&f->twin);
	memshard_release(&f->shard);
	sm_buf_release(&f->text);
	sm_buf_release(&f->names);
}

/* Records of `width` candidates; `ids` different ones. */
static void
usual_records(struct fixture *f, unsigned records, unsigned width, uint64_t ids,
	      uint64_t seed)
{
	char key[32], id[32], num[32];
	unsigned i, k;
	double score;
	int n;

	for (i = 0; i < records; i++) {
		n = snprintf(key, sizeof(key), "\"user-%u\"", i);
		begin(f, key, (size_t)n);
		for (k = 0, score = 1; k < width; k++) {
			score -= 0.7 * sm_rand_unit(&seed) / width;
			n = snprintf(id, sizeof(id), "%llu",
				     (unsigned long long)(sm_rand_next(&seed) %
							  ids));
			snprintf(num, sizeof(num), "%.17g", score);
			item(f, id, (size_t)n, num);
		}
		end(f);
	}
}

static void
test_usual(void **state)
{
	static const unsigned width[] = { 0, 1, 2, 7, 300, 4000 };
	struct fixture f = { 0 };
	size_t i;

	(void)state;
	set_up_named(&f, ' ', 0);
	for (i = 0; i < sizeof(width) / sizeof(*width); i++)
		usual_records(&f, 50, width[i], i % 2 ? 100 : 1000000, i);
	check(&f);
	/* Four fifths of the text are structure; most of its digits are not. */
	assert_true(f.shard.deflated.len < f.text.len / 4);
	tear_down(&f);
}

static void
test_nothing(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	set_up_named(&f, ' ', 0);
	check(&f);
	assert_int_equal(f.shard.deflated.len, 0);
	tear_down(&f);
}

static void
test_one_record_is_small(void **state)
{
	struct fixture f = { 0 };

	(void)state;
	set_up_named(&f, ' ', 0);
	begin(&f, "\"k\"", 3);
	end(&f);
	check(&f);
	/* By the fixed codes: own ones would take 40 bytes to describe. */
	assert_true(f.shard.deflated.len < f.text.len + 8);
	tear_down(&f);
}

/* One shard's bytes do not depend on the shard before. */
static void
test_shards_are_alike(void **state)
{
	struct fixture f = { 0 };
	struct sm_buf first = { 0 };
	unsigned i;

	(void)state;
	set_up_named(&f, ' ', 0);
	for (i = 0; i < 5; i++) {
		sm_buf_clear(&f.text);
		begin_again(&f);
		usual_records(&f, 40, i % 2 ? 3 : 300, 5000, i % 2 ? i : 1);
		check(&f);
		if (i == 0)
			sm_buf_put(&first, f.shard.deflated.data,
				   f.shard.deflated.len);
		if (i % 2)
			continue;
		assert_int_equal(first.len, f.shard.deflated.len);
		assert_memory_equal(first.data, f.shard.deflated.data,
				    first.len);
	}
	sm_buf_release(&first);
	tear_down(&f);
}

/* Names around every bound: one match, one unit, the window. */
static void
test_long_names(void **state)
{
	static const size_t len[] = { 3,     200,   230,   240,   241,   242,
				      243,   244,   245,   246,   247,   248,
				      249,   250,   251,   252,   253,   254,
				      255,   256,   257,   258,   259,   260,
				      500,   1000,  2000,  4000,  4096,  5000,
				      16000, 32700, 32768, 40000, 300000 };
	struct fixture f;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(len) / sizeof(*len); i++) {
		memset(&f, 0, sizeof(f));
		set_up_named(&f, i % 2 ? '\0' : '\xff', len[i]);
		usual_records(&f, 4, len[i] > 10000 ? 4 : 20, 10, i);
		begin(&f, "", 0);
		item(&f, "", 0, "");
		item(&f, "", 0, "");
		item(&f, "", 0, "1");
		end(&f);
		check(&f);
		tear_down(&f);
	}
}

static void
test_empty_template(void **state)
{
	struct sm_record_template tpl;
	struct fixture f = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < 7; i++)
		(&tpl.head)[i] = piece("", 0);
	set_up(&f, &tpl);
	usual_records(&f, 300, 30, 20, 3);
	check(&f);
	tear_down(&f);
}

/* Ids from nothing to megabytes, with every byte there is. */
static void
test_odd_ids(void **state)
{
	static const char *const num[] = {
		"1e-05",
		"0",
		"-2.2250738585072014e-308",
		"1234567890123456789012",
		"0.30000000000000004",
		"0.3",
	};
	static const size_t long_len[] = { 4000,  4096,   4097,   32768,
					   40000, 262144, 3000000 };
	struct fixture f = { 0 };
	uint64_t seed = 9;
	size_t i, k, n;
	char *id = malloc(3000000);

	(void)state;
	assert_non_null(id);
	for (i = 0; i < 3000000; i++)
		id[i] = (char)sm_rand_next(&seed);
	set_up_named(&f, ' ', 0);
	for (i = 0; i < 200; i++) {
		n = (size_t)(sm_rand_next(&seed) % 300);
		begin(&f, id + n, (size_t)(sm_rand_next(&seed) % 40));
		for (k = 0; k < n; k++)
			item(&f, id + sm_rand_next(&seed) % 90,
			     (size_t)(sm_rand_next(&seed) %
				      (k % 50 ? 10 : 900)),
			     num[sm_rand_next(&seed) % 6]);
		end(&f);
	}
	for (i = 0; i < sizeof(long_len) / sizeof(*long_len); i++) {
		begin(&f, id, long_len[i]);
		for (k = 0; k < 3; k++) {
			item(&f, id, long_len[i], num[k]);
			item(&f, "7", 1, num[k]);
		}
		end(&f);
	}
	/* The longest matches and runs there are. */
	memset(id, '0', 1000000);
	begin(&f, "1", 1);
	for (i = 0; i < 5000; i++)
		item(&f, id, i, "0.5");
	item(&f, id, 1000000, "0.5");
	end(&f);
	check(&f);
	free(id);
	tear_down(&f);
}

/*
 * Bytes as frequent as Fibonacci's numbers have the longest codes there are,
 * the digits the longest of all; they stand side by side.
 */
static void
test_steep_digits(void **state)
{
	static const char bytes[] = "0123456789abcdefghijklmno";
	struct fixture f = { 0 };
	uint64_t seed = 1;
	char *id = malloc(200000), c;
	size_t n = 0, i, k, a = 1, b = 1, next;

	(void)state;
	assert_non_null(id);
	for (i = 0; bytes[i]; i++, next = a + b, a = b, b = next)
		for (k = 0; k < a; k++)
			id[n++] = bytes[i];
	assert_in_range(n, 150000, 200000);
	set_up_named(&f, ' ', 0);
	for (i = 0; i < 20; i++) {
		for (k = n; k > 1; k--) {
			next = (size_t)(sm_rand_next(&seed) % k);
			c = id[k - 1];
			id[k - 1] = id[next];
			id[next] = c;
		}
		for (k = next = 0; k < n; k++) {
			if (id[k] > '3')
				continue;
			c = id[next];
			id[next++] = id[k];
			id[k] = c;
		}
		begin(&f, id, n);
		end(&f);
	}
	check(&f);
	free(id);
	tear_down(&f);
}

static size_t
pick(uint64_t *seed, size_t n)
{
	return (size_t)(sm_rand_next(seed) % n);
}

/* Templates and records of random bytes from small alphabets. */
static void
test_random(void **state)
{
	static char pool[65536];
	struct sm_record_template tpl;
	struct fixture f;
	uint64_t seed = 2024;
	unsigned round, i, k, items, spread, most;
	char num[24];

	(void)state;
	for (round = 0; round < 400; round++) {
		memset(&f, 0, sizeof(f));
		spread = (unsigned)(1u << pick(&seed, 9));
		most = (unsigned)(1u << pick(&seed, 12)) + 1;
		for (i = 0; i < sizeof(pool); i++)
			pool[i] = (char)('0' + pick(&seed, spread));
		for (i = 0; i < 7; i++)
			(&tpl.head)[i] = piece(pool + pick(&seed, 1000),
					       pick(&seed, most));
		set_up(&f, &tpl);
		for (i = 0; i < 20; i++) {
			begin(&f, pool + pick(&seed, 60000), pick(&seed, most));
			items = (unsigned)pick(&seed, 60);
			for (k = 0; k < items; k++) {
				snprintf(num, sizeof(num), "%.*g",
					 (int)pick(&seed, 18),
					 sm_rand_unit(&seed));
				item(&f, pool + pick(&seed, 300),
				     pick(&seed, most), num);
			}
			end(&f);
		}
		check(&f);
		tear_down(&f);
	}
}

/* Records of ids that random bytes of one kind make, `bytes` or more. */
static void
records_of_kind(struct fixture *f, char first, unsigned kinds, size_t bytes,
		uint64_t *seed)
{
	size_t stop = f->text.len + bytes, i, k;
	char id[40];

	while (f->text.len < stop) {
		begin(f, "1", 1);
		for (k = 0; k < 100; k++) {
			for (i = 0; i < sizeof(id); i++)
				id[i] = (char)(first + (char)pick(seed, kinds));
			item(f, id, sizeof(id), "0.5");
		}
		end(f);
	}
}

/*
 * Codes stay from one run of text to the next while these are alike.  Where
 * they are not, new ones are made: a megabyte of random digits and one of
 * random letters together take about what they take apart, in any order.
 */
static void
test_change_of_kind(void **state)
{
	static const struct {
		char first;
		unsigned kinds;
	} kind[] = { { '0', 10 }, { 'A', 16 }, { ' ', 1 }, { '0', 10 } };
	const size_t bytes = (size_t)1 << 20;
	size_t apart = 0, i;
	struct fixture f;
	uint64_t seed = 9;

	(void)state;
	for (i = 0; i < 4; i++) {
		f = (struct fixture){ 0 };
		set_up_named(&f, '_', 0);
		records_of_kind(&f, kind[i].first, kind[i].kinds, bytes, &seed);
		check(&f);
		apart += f.shard.deflated.len;
		tear_down(&f);
	}
	f = (struct fixture){ 0 };
	set_up_named(&f, '_', 0);
	for (i = 0; i < 4; i++)
		records_of_kind(&f, kind[i].first, kind[i].kinds, bytes, &seed);
	check(&f);
	assert_in_range(f.shard.deflated.len, apart / 2, apart + apart / 10);
	tear_down(&f);
}

/*
 * A match may reach back over all text that has no sequence yet, and is cut
 * into many: here at the end of a window whose sequences are all but used up.
 */
static void
test_many_sequences(void **state)
{
	static char key[12000];
	struct sm_record_template tpl = {
		piece("H", 1),    piece("wxyz", 4), piece("I", 1),
		piece("efgh", 4), piece("abcd", 4), piece("L", 1),
		piece("N", 1),
	};
	unsigned items, i, k;
	uint64_t seed = 3;
	struct fixture f;
	char id[2];

	(void)state;
	for (i = 0; i < sizeof(key); i++)
		key[i] = (char)sm_rand_next(&seed);
	for (items = 16300; items < 16400; items++) {
		f = (struct fixture){ 0 };
		set_up(&f, &tpl);
		begin(&f, "k", 1);
		for (i = 0; i < items; i++) {
			id[0] = (char)(i & 255);
			id[1] = (char)(i >> 8);
			item(&f, id, 2, (const char[]){ '5', 0 });
		}
		end(&f);
		for (k = 0; k < 2; k++) {
			begin(&f, key, sizeof(key));
			end(&f);
		}
		check(&f);
		tear_down(&f);
	}
}

/* A failure is reported at each record's end, and gone at the next begin. */
static void
test_failure_sticks(void **state)
{
	struct fixture f = { 0 };
	struct sm_err err = { 0 };
	unsigned i;

	(void)state;
	set_up_named(&f, ' ', 0);
	f.shard.fail_at = 1;
	for (i = 0; i < 100000 && err.code == 0; i++) {
		f.w->ops->key(f.w, "1", 1);
		f.w->ops->end_record(f.w, &err);
	}
	assert_int_equal(err.code, SM_ENOSPC);
	for (i = 0; i < 100000; i++) {
		f.w->ops->key(f.w, "1", 1);
		assert_int_equal(f.w->ops->end_record(f.w, NULL), SM_ENOSPC);
	}
	err.code = 0;
	assert_int_equal(f.w->ops->end(f.w, &err), SM_ENOSPC);
	assert_int_equal(err.code, SM_ENOSPC);

	f.shard.fail_at = 0;
	begin_again(&f);
	usual_records(&f, 10, 100, 1000, 1);
	check(&f);
	tear_down(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_one_record_is_small),
		cmocka_unit_test(test_shards_are_alike),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_empty_template),
		cmocka_unit_test(test_odd_ids),
		cmocka_unit_test(test_steep_digits),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_change_of_kind),
		cmocka_unit_test(test_many_sequences),
		cmocka_unit_test(test_failure_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
