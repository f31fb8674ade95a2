/*
 * What a run says at its end beside its numbers, and the verdict that becomes
 * its exit status.  It is apart from run.c, since none of it changes the job.
 */
#include "account.h"
#include "handle.h"

#include "run_verdict.h"

/* So many batches, so short, are worth a word. */
#define TINY_BATCHES 1000
#define TINY_MS      20

void
sm_run_notice_consume(const struct sm_handle *h, const struct sm_events *ev)
{
	if (h->job.consume && h->job.final_path)
		sm_event_notice(ev,
				"--consume: shards are removed once '%s' has "
				"them; if that file is lost before the job is, "
				"its batches are made again",
				h->job.final_path);
}

/*
 * Batches so short that claims, commits and syncs are most of their time: say
 * what would help, once, by what this run did.
 */
static void
run_notice_tiny(const struct sm_handle *h, const struct sm_batch_counts *c,
		const struct sm_events *ev)
{
	double per_s, ms;

	if (c->done < TINY_BATCHES || c->counts.rows == 0 || c->rows_per_s <= 0)
		return;
	per_s = c->rows_per_s * (double)c->done / (double)c->counts.rows;
	ms = 1000 * h->job.workers / per_s;
	if (ms < TINY_MS)
		sm_event_notice(
			ev,
			h->job.sync == SM_SYNC_END
				? "the batches took %.1f ms each: larger ones "
				  "would cost less"
				: "the batches took %.1f ms each: larger ones, "
				  "or --sync end, would cost less",
			ms);
}

/* What is not in the output, and why; an output with no line is said first. */
static void
run_notice_account(const struct sm_handle *h, const struct sm_batch_counts *c,
		   const struct sm_events *ev)
{
	struct sm_buf text = { 0 };
	const char *empty = "";

	if (c->done < c->total)
		return;
	if (c->counts.records == 0)
		empty = "the output is empty: ";
	sm_account_put(&text, &c->counts, h->kind->info->options,
		       h->spec->opts);
	if (text.len > 0 && !sm_buf_failed(&text))
		sm_event_notice(ev, "%s%.*s", empty, (int)text.len, text.data);
	sm_buf_release(&text);
}

/* What a command printed is taken as it is; these two are seldom meant. */
static int
run_notice_output(struct sm_handle *h, const struct sm_batch_counts *c,
		  const struct sm_events *ev, struct sm_err *err)
{
	uint64_t empty, open;
	int ret;

	if (!h->kind->info->takes_command || c->done == 0)
		return 0;
	ret = sm_batch_odd_ends(&empty, &open, h->db, err);
	if (ret < 0)
		return ret;
	if (empty > 0)
		sm_event_notice(
			ev,
			"%llu of %llu batches have no output (raw_bytes "
			"= 0 in the table batch); with --check nonempty "
			"such a batch fails",
			(unsigned long long)empty, (unsigned long long)c->done);
	/* The last batch of all has none after it. */
	if (open > 1)
		sm_event_notice(ev,
				"the output of %llu of %llu batches ends "
				"without a newline, so that the next batch's "
				"goes on in the same line (open_line = 1 in "
				"the table batch); if it is JSON Lines, "
				"--check jsonl puts the newline there",
				(unsigned long long)open,
				(unsigned long long)c->done);
	return 0;
}

int
sm_run_verdict(struct sm_run_result *result, struct sm_handle *h,
	       const struct sm_events *ev, struct sm_err *err)
{
	char said[SM_SAID_MAX];
	struct sm_batch_counts c;
	struct sm_run_by by;
	int ret = sm_batch_counts(&c, h->db, err);

	if (ret < 0)
		return ret;
	result->done = c.done;
	result->failed = c.failed;
	result->left = c.pending + c.running;
	run_notice_tiny(h, &c, ev);
	run_notice_account(h, &c, ev);
	ret = run_notice_output(h, &c, ev, err);
	if (ret < 0)
		return ret;
	if (result->left > 0 && result->signals > 0)
		return sm_err_set(err, SM_ESTOPPED,
				  "stopped with %llu of %llu batches left; the "
				  "same command goes on",
				  (unsigned long long)result->left,
				  (unsigned long long)c.total);
	if (result->failed > 0 && h->kind->producer)
		return sm_err_set(err, SM_EWORK,
				  "%llu of %llu batches failed, and %llu are "
				  "left; 'shardmill status %s' names them, "
				  "'shardmill retry %s' (or --retry-failed) "
				  "puts them back for the next run",
				  (unsigned long long)result->failed,
				  (unsigned long long)c.total,
				  (unsigned long long)result->left, h->dir.path,
				  h->dir.path);
	if (result->failed > 0 && result->left > 0)
		return sm_err_set(err, SM_EWORK,
				  "%llu of %llu batches failed, and %llu are "
				  "left%s; %s goes on with those, "
				  "--retry-failed tries the failed ones again",
				  (unsigned long long)result->failed,
				  (unsigned long long)c.total,
				  (unsigned long long)result->left,
				  h->job.fail_fast
					  ? sm_err_said(said, " (--fail-fast)")
					  : "",
				  sm_kind_run_by(&by, h->spec, h->dir.path));
	if (result->failed > 0)
		return sm_err_set(err, SM_EWORK,
				  "%llu of %llu batches failed; 'shardmill "
				  "status %s' names them, 'shardmill run %s "
				  "--retry-failed' tries them again",
				  (unsigned long long)result->failed,
				  (unsigned long long)c.total, h->dir.path,
				  h->dir.path);
	if (result->left > 0)
		return sm_err_set(err, SM_EWORK,
				  "%llu of %llu batches are left",
				  (unsigned long long)result->left,
				  (unsigned long long)c.total);
	return 0;
}

void
sm_run_notice_place(const struct sm_handle *h, const struct sm_events *ev)
{
	const char *final = h->job.final_path;

	if (h->place == SM_PLACE_MOVED)
		sm_event_notice(ev, "the job was moved here from '%s'",
				h->home);
	if (h->place != SM_PLACE_COPY)
		return;
	if (final)
		sm_event_notice(ev,
				"this is a copy of the job '%s': its final "
				"file is '%s'",
				h->home, final);
	else
		sm_event_notice(ev,
				"this is a copy of the job '%s': it has no "
				"final file; -o names one",
				h->home);
}
