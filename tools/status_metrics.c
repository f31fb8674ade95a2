/*
 * status_metrics.c - status for Prometheus
 *
 * The figures of status_json.c in the text form that the textfile collector of
 * its node_exporter reads, and OpenMetrics 1.0 as well: each is a gauge, since
 * a retry makes even the number of done batches smaller.
 */
#include <inttypes.h>
#include <stdio.h>

#include "output.h"

#include "status.h"

/* In quotes: backslash, quote and newline are escaped, as the form demands. */
static void
metrics_label(const char *s)
{
	for (; *s; s++)
		if (*s == '\n')
			fputs("\\n", stdout);
		else if (*s == '\\' || *s == '"')
			printf("\\%c", *s);
		else
			putchar(*s);
}

static void
metrics_head(const char *name, const char *help)
{
	printf("# HELP shardmill_%s %s\n# TYPE shardmill_%s gauge\n", name,
	       help, name);
}

static void
metrics_sample(const struct sm_status *s, const char *name, const char *label,
	       const char *value, double n)
{
	printf("shardmill_%s{path=\"", name);
	metrics_label(s->job);
	if (label)
		printf("\",%s=\"%s", label, value);
	printf("\"} %.15g\n", n);
}

/* What a reader looks up by name: the same names as in JSON. */
void
sm_status_metrics(const struct sm_status *s)
{
	const struct {
		const char *name, *help;
		double value;
		bool unknown;
	} one[] = {
		{ "rows", "Input rows of done batches.", (double)s->rows, 0 },
		{ "records", "Records of done batches.", (double)s->records,
		  0 },
		{ "raw_bytes", "Bytes of text of done batches.",
		  (double)s->raw_bytes, 0 },
		{ "gz_bytes", "Bytes of done batches, compressed.",
		  (double)s->gz_bytes, 0 },
		{ "joined", "Batches that the final file has so far.",
		  (double)s->joined, 0 },
		{ "stragglers",
		  "Running batches that take far longer than others did.",
		  (double)s->stragglers, 0 },
		{ "workers", "Workers alive.", s->workers, 0 },
		{ "target_workers", "Workers wanted.", s->target_workers, 0 },
		{ "rows_per_second", "Rows per second of the latest run.",
		  s->rows_per_s, 0 },
		{ "elapsed_seconds", "How long the latest run took so far.",
		  s->elapsed_s, 0 },
		{ "eta_seconds", "Time left; absent where nothing is known.",
		  s->eta_s, s->eta_s < 0 },
		{ "wal_bytes", "Size of the database's log.",
		  (double)s->wal_bytes, 0 },
		{ "active", "1: a supervisor runs it.", s->active, 0 },
		{ "paused", "1: no batch is begun.", s->paused, 0 },
		{ "stopped", "1: its workers are stopped by a signal.",
		  s->stopped, 0 },
		{ "complete", "1: the final file is complete.", s->complete,
		  0 },
	};
	const struct {
		const char *state;
		uint64_t n;
	} batches[] = {
		{ "pending", s->pending },
		{ "running", s->running },
		{ "done", s->done },
		{ "failed", s->failed },
	};
	size_t i;

	metrics_head("batches", "Batches by state.");
	for (i = 0; i < sizeof(batches) / sizeof(*batches); i++)
		metrics_sample(s, "batches", "state", batches[i].state,
			       (double)batches[i].n);
	for (i = 0; i < sizeof(one) / sizeof(*one); i++) {
		if (one[i].unknown)
			continue;
		metrics_head(one[i].name, one[i].help);
		metrics_sample(s, one[i].name, NULL, NULL, one[i].value);
	}
	metrics_head("tally", "Entries and rows of done batches by what became "
			      "of them.");
	for (i = 0; i < SM_TALLIES; i++)
		metrics_sample(s, "tally", "name", sm_tally(i)->name,
			       (double)s->tally[i]);
	puts("# EOF");
}
