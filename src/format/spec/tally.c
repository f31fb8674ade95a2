/*
 * tally.c - what is counted of rows and entries, by name
 *
 * The one table of it: columns of the job table, counters of an index note and
 * the words of a run's last lines follow its order.  Which of them a batch has
 * is its kind's affair.
 */
#include <shardmill.h>

static const struct sm_tally tallies[] = {
	[SM_TALLY_ENTRIES] = { .name = "entries" },
	[SM_TALLY_LOW_SCORE] = { .name = "low_score",
				 .why = "by a score below {min-score}" },
	[SM_TALLY_TOO_FEW] = { .name = "too_few",
			       .rows = true,
			       .why = "had fewer than {min-candidates} "
				      "candidates" },
	[SM_TALLY_OF_TOO_FEW] = { .name = "of_too_few",
				  .asked = true,
				  .why = "with their row, which had too few" },
	[SM_TALLY_PADDING] = { .name = "padding",
			       .why = "as padding (negative, or --pad)" },
	[SM_TALLY_SKIPPED] = { .name = "skipped",
			       .why = "that the vocabulary lacks" },
	[SM_TALLY_NAN] = { .name = "nan", .why = "by a score that is NaN" },
	[SM_TALLY_OVER_MAXIMUM] = { .name = "over_maximum",
				    .asked = true,
				    .why = "beyond the {max-candidates} that a "
					   "row may have" },
};

_Static_assert(sizeof(tallies) / sizeof(*tallies) == SM_TALLIES,
	       "each tally has a name");

const struct sm_tally *
sm_tally(size_t i)
{
	return i < SM_TALLIES ? &tallies[i] : NULL;
}
