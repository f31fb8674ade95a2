/*
 * Sorts the records of a sparse table where they are.  qsort() may take as much
 * memory again as it sorts, and these records fill a file's mapping that may be
 * larger than memory.
 */
#include <string.h>

#include "table_sort.h"

/* Below this many records insertion is faster than counting 256 buckets. */
#define SORT_SMALL 48

/* Insertion sort: most buckets of the last levels are this small. */
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
	/*
	 * Bucket b is whole up to next[b].  Take the record there; as long as
	 * it belongs elsewhere, swap it with the next one of its own bucket:
	 * each swap puts one record into its place for good.
	 */
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

	/*
	 * The highest byte in use: levels above it would have one bucket only.
	 */
	while (shift < 56 && largest >> shift >> 8)
		shift += 8;
	sort_by_byte(r, n, shift);
}
