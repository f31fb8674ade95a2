#include <string.h>

#include "table_sort.h"

/* Below this many records insertion is faster than counting 256 buckets. */
#define SORT_SMALL 48

static void
sort_insert(struct sm_table_record *r, size_t n)
{
	struct sm_table_record t;
	size_t i, k;

	for (i = 1; i < n; i++) {
		if (r[i - 1].index <= r[i].index)
			continue;
		t = r[i];
		for (k = i; k > 0 && r[k - 1].index > t.index; k--)
			r[k] = r[k - 1];
		r[k] = t;
	}
}

/*
 * American flag sort (McIlroy, Bostic, McIlroy: Engineering Radix Sort, 1993):
 * in place, by the byte at `shift` and then, within each bucket, the ones
 * below it.  The depth is at most 8, one level per byte.
 */
static void
sort_by_byte(struct sm_table_record *r, size_t n, unsigned shift)
{
	size_t next[256], end[256], sum = 0, i;
	struct sm_table_record t, u;
	unsigned b, c;

	if (n <= SORT_SMALL) {
		sort_insert(r, n);
		return;
	}
	memset(end, 0, sizeof(end));
	for (i = 0; i < n; i++)
		end[r[i].index >> shift & 255]++;
	for (b = 0; b < 256; b++) {
		next[b] = sum;
		sum += end[b];
		end[b] = sum;
	}
	for (b = 0; b < 256; b++) {
		while (next[b] < end[b]) {
			t = r[next[b]];
			while ((c = t.index >> shift & 255) != b) {
				u = r[next[c]];
				r[next[c]++] = t;
				t = u;
			}
			r[next[b]++] = t;
		}
	}
	if (shift == 0)
		return;
	for (b = 0, i = 0; b < 256; i = end[b++])
		sort_by_byte(r + i, end[b] - i, shift - 8);
}

void
sm_table_sort(struct sm_table_record *r, size_t n, uint64_t largest)
{
	unsigned shift = 0;

	while (shift < 56 && largest >> shift >> 8)
		shift += 8;
	sort_by_byte(r, n, shift);
}
