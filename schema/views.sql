-- views.sql - questions that people ask of a job
--
-- Derived from tables.sql, and created with them; their columns are only ever
-- added.  Views that a person added are kept.

-- How long did the latest batches take?  Of the last 1,000 attempts those that
-- came to an end of their own with the job's present options: read from the
-- end of `attempt`, so that it costs the same beside ten million of them.
DROP VIEW IF EXISTS recent;
CREATE VIEW recent AS
SELECT batch, outcome, max(ended - started, 0.0) AS seconds
FROM (SELECT * FROM attempt ORDER BY id DESC LIMIT 1000)
WHERE fingerprint = (SELECT fingerprint FROM job)
      AND outcome IN ('done', 'error', 'signal', 'timeout', 'stalled');

-- How long do batches take, as a rule?  One row, of those.  cost_s is what a
-- done batch takes together with the tries that failed before it.  trend_s is
-- by how much it grows from one batch to the next: the slope of a straight
-- line, less what may be chance (nothing is left below three standard errors),
-- or the machine's load (nor where the line explains less than 0.3 of it).
-- It is of batches around mean_batch, which span_batches lie apart.  What
-- runs for longer than straggler_s is a straggler: three times as long as 99
-- of 100 take, and five seconds longer than usual, so that a pause of the disk
-- makes none of a short one.  It is NULL below 20 done ones.
DROP VIEW IF EXISTS usual;
CREATE VIEW usual AS
WITH
d AS MATERIALIZED (
	SELECT batch, seconds AS s FROM recent
	WHERE outcome = 'done' ORDER BY s),
n AS MATERIALIZED (
	SELECT count(*) AS n, avg(batch) AS x, avg(s) AS y,
	       max(batch) - min(batch) AS span FROM d),
v AS MATERIALIZED (
	SELECT sum((batch - x) * (batch - x)) AS xx, sum((s - y) * (s - y)) AS yy,
	       sum((batch - x) * (s - y)) AS xy FROM d, n),
q AS MATERIALIZED (
	SELECT n, x, y, span,
	       (SELECT s FROM d LIMIT 1 OFFSET (SELECT (n - 1) / 2 FROM n))
	       AS median_s,
	       (SELECT s FROM d LIMIT 1
	        OFFSET (SELECT (99 * n + 99) / 100 - 1 FROM n)) AS p99_s
	FROM n WHERE n > 0)
SELECT q.n AS done, q.median_s, q.p99_s,
       (SELECT sum(seconds) FROM recent) / q.n AS cost_s,
       q.y AS mean_s, q.x AS mean_batch, q.span AS span_batches,
       CASE WHEN q.n > 2 AND xx > 0 AND xy <> 0
            THEN xy / xx * max(0.0, 1.0 - 9.0 * (yy * xx / (xy * xy) - 1.0)
                                    / (q.n - 2))
                 * min(1.0, max(0.0, (xy * xy / (xx * yy) - 0.3) / 0.3))
            ELSE 0.0 END AS trend_s,
       CASE WHEN q.n >= 20 THEN max(3 * q.p99_s, q.median_s + 5.0) END
       AS straggler_s
FROM q, v;

-- What is the row of `total` to be?  Computed from all rows, which takes a second
-- or two for each ten million of them.
DROP VIEW IF EXISTS sums;
CREATE VIEW sums AS
SELECT 1 AS id, (SELECT count(*) FROM batch) AS batches,
       count(*) AS done, coalesce(sum(joined IS token), 0) AS joined,
       coalesce(sum(rows), 0) AS rows, coalesce(sum(records), 0) AS records,
       coalesce(sum(entries), 0) AS entries,
       coalesce(sum(low_score), 0) AS low_score,
       coalesce(sum(too_few), 0) AS too_few,
       coalesce(sum(of_too_few), 0) AS of_too_few,
       coalesce(sum(padding), 0) AS padding,
       coalesce(sum(skipped), 0) AS skipped,
       coalesce(sum(nan), 0) AS nan,
       coalesce(sum(over_maximum), 0) AS over_maximum,
       coalesce(sum(raw_bytes), 0) AS raw_bytes,
       coalesce(sum(gz_bytes), 0) AS gz_bytes,
       coalesce(sum(rows) FILTER (WHERE finished >=
                (SELECT started FROM job)), 0) AS run_rows,
       coalesce(max(finished), 0.0) AS latest
FROM batch
WHERE state = 'done';

-- How far is the job?  One row.  Rates are of the latest run alone, and of the
-- time in which it was not paused, so that no night counts.
DROP VIEW IF EXISTS progress;
CREATE VIEW progress AS
-- MATERIALIZED, so that each of these is made once.  The states that are not
-- done are counted by their indices.
WITH
x AS MATERIALIZED (
	SELECT (SELECT count(*) FROM batch WHERE state = 'running') AS running,
	       (SELECT count(*) FROM batch WHERE state = 'failed') AS failed,
	       EXISTS (SELECT 1 FROM batch WHERE state = 'pending'
	               AND not_before = 0)
	       OR EXISTS (SELECT 1 FROM batch WHERE state = 'pending'
	                  AND not_before <> 0) AS any_pending,
	       (SELECT max(not_before) FROM batch
	        WHERE state = 'pending' AND not_before <> 0) AS last_due),
-- A row of totals that contradicts the indices is not believed: then all rows
-- are read.
r AS MATERIALIZED (
	SELECT EXISTS (SELECT 1 FROM total, x
	               WHERE batches - done - running - failed >= any_pending
	               AND (any_pending OR batches = done + running + failed))
	       AS is_right),
d AS MATERIALIZED (
	SELECT CASE WHEN (SELECT is_right FROM r) THEN (SELECT batches FROM total)
	            ELSE (SELECT count(*) FROM batch) END AS total,
	       coalesce(sum(done), 0) AS done, coalesce(sum(rows), 0) AS rows,
	       coalesce(sum(records), 0) AS records,
	       coalesce(sum(entries), 0) AS entries,
	       coalesce(sum(low_score), 0) AS low_score,
	       coalesce(sum(too_few), 0) AS too_few,
	       coalesce(sum(of_too_few), 0) AS of_too_few,
	       coalesce(sum(padding), 0) AS padding,
	       coalesce(sum(skipped), 0) AS skipped,
	       coalesce(sum(nan), 0) AS nan,
	       coalesce(sum(over_maximum), 0) AS over_maximum,
	       coalesce(sum(raw_bytes), 0) AS raw_bytes,
	       coalesce(sum(gz_bytes), 0) AS gz_bytes,
	       coalesce(sum(joined), 0) AS joined,
	       coalesce(sum(run_rows), 0) AS run_rows
	FROM (SELECT done, rows, records, entries, low_score, too_few,
	             of_too_few, padding, skipped, nan, over_maximum, raw_bytes,
	             gz_bytes, joined, run_rows
	      FROM r CROSS JOIN total WHERE is_right
	      UNION ALL
	      SELECT 1, rows, records, entries, low_score, too_few, of_too_few,
	             padding, skipped, nan, over_maximum, raw_bytes, gz_bytes,
	             joined IS token,
	             iif(finished >= (SELECT started FROM job), rows, 0)
	      FROM r CROSS JOIN batch NOT INDEXED
	      WHERE NOT is_right AND state = 'done')),
c AS MATERIALIZED (
	SELECT d.*, running, failed, last_due,
	       total - done - running - failed AS pending
	FROM d, x),
t AS MATERIALIZED (
	SELECT now, now - started AS s,
	       coalesce((SELECT sum(max(0.0, min(coalesce(p.ended, now), now)
	                                     - max(p.started, j.started)))
	                 FROM pause AS p), 0.0) AS paused_s,
	       (SELECT count(*) FROM worker WHERE ended IS NULL) AS alive,
	       workers AS wanted,
	       -- Without workers, or paused, no time is left that could pass.
	       ended IS NULL AND paused = 0 AND (workers > 0 OR EXISTS
	       (SELECT 1 FROM worker WHERE ended IS NULL)) AS goes_on
	FROM (SELECT *, coalesce(ended, (julianday('now') - 2440587.5) * 86400)
	             AS now FROM job) AS j),
-- A trend is trusted for ten times as far as it was seen, and up to twenty
-- times the duration that it began from.
u AS MATERIALIZED (
	SELECT median_s, p99_s, coalesce(straggler_s, 9e99) AS limit_s,
	       cost_s * CASE WHEN mean_s > 0 THEN
	       min(20.0, max(0.05, 1.0 + trend_s / mean_s * min(10 * span_batches,
	       max(0, (SELECT max(id) FROM batch) - pending / 2 - mean_batch))))
	       ELSE 1.0 END AS cost_s
	FROM usual, c),
e AS MATERIALIZED (
	SELECT seconds AS s FROM recent WHERE outcome = 'done'),
-- Each running batch, by its index, of which SQLite would make one of its own
-- from all rows otherwise: for how long, how much longer than 99 of 100 take, and
-- what those that took longer still had before them at this point.
b AS MATERIALIZED (
	SELECT t.now - batch.started > u.limit_s AS stuck,
	       max(t.now - batch.started - u.p99_s, 0.0) AS over_s,
	       (SELECT avg(e.s) - max(t.now - batch.started, 0.0) FROM e
	        WHERE e.s > t.now - batch.started) AS left_s
	FROM batch INDEXED BY batch_running CROSS JOIN t CROSS JOIN u
	WHERE batch.state = 'running'),
-- What is to be done, by the workers that no straggler holds.
k AS MATERIALIZED (
	SELECT count(*) FILTER (WHERE stuck) AS stuck,
	       count(*) FILTER (WHERE NOT stuck) AS well,
	       coalesce(max(over_s), 0.0) AS over_s,
	       coalesce(max(max(over_s, coalesce(left_s, 0.0)))
	                FILTER (WHERE NOT stuck), 0.0) AS longest_s,
	       coalesce(sum(max(over_s, coalesce(left_s, 0.0)))
	                FILTER (WHERE NOT stuck), 0.0) AS begun_s
	FROM b),
f AS MATERIALIZED (
	SELECT k.*, c.pending,
	       min(max(CASE WHEN t.alive > 0 THEN t.alive ELSE t.wanted END,
	               c.running) - k.stuck, c.pending + k.well) AS hands,
	       c.pending * u.cost_s + k.begun_s AS work_s, u.cost_s,
	       CASE WHEN c.last_due BETWEEN t.now AND t.now + 3600
	            THEN c.last_due - t.now + u.median_s ELSE 0.0 END AS due_s
	FROM k, c, t, u),
-- The last ones do not end together: half a batch more, as a rule.
l AS MATERIALIZED (
	SELECT max(work_s / hands + CASE WHEN pending > 0
	           THEN cost_s * (hands - 1) / (2 * hands) ELSE 0.0 END,
	           longest_s, over_s, due_s) AS eta_s
	FROM f WHERE hands > 0),
p AS MATERIALIZED (
	SELECT c.total, c.pending, c.running, c.done, c.failed,
	       CASE WHEN c.total = 0 THEN 100.0
	            ELSE round(100.0 * c.done / c.total, 2) END AS percent,
	       c.rows, c.records, c.raw_bytes, c.gz_bytes,
	       CASE WHEN t.s > t.paused_s
	            THEN round(max(c.run_rows, 0) / (t.s - t.paused_s), 1)
	       END AS rows_per_s,
	       round(max(t.s, 0), 1) AS elapsed_s,
	       CASE WHEN c.pending + c.running = 0 THEN 0.0
	            WHEN t.goes_on THEN (SELECT round(eta_s, 1) FROM l)
	       END AS eta_s,
	       coalesce((SELECT stuck FROM k), 0) AS stragglers,
	       c.entries, c.low_score, c.too_few, c.of_too_few, c.padding,
	       c.skipped, c.nan, c.over_maximum, c.joined
	FROM c, t)
SELECT total, pending, running, done, failed, percent, rows, records,
       raw_bytes, gz_bytes, rows_per_s, elapsed_s, eta_s,
       printf('%d:%02d:%02d', elapsed_s / 3600, elapsed_s / 60 % 60,
              elapsed_s % 60) AS elapsed,
       CASE WHEN eta_s IS NOT NULL THEN
            printf('%d:%02d:%02d', eta_s / 3600, eta_s / 60 % 60, eta_s % 60)
       END AS eta,
       skipped, joined, entries, low_score, too_few, of_too_few, padding, nan,
       over_maximum, stragglers
FROM p;

-- Which batches failed, and why?
DROP VIEW IF EXISTS failed;
CREATE VIEW failed AS
SELECT b.id AS batch, b.first, b.end, b.item, b.attempts, a.outcome,
       a.exit_status, a.signal, a.error_class, b.error, a.stderr,
       datetime(b.finished, 'unixepoch') AS failed_at
FROM batch AS b
LEFT JOIN attempt AS a ON a.id =
     (SELECT max(id) FROM attempt WHERE batch = b.id)
WHERE b.state = 'failed'
ORDER BY b.id;

-- What is being worked on, by whom, for how long?  command_pid is the command's
-- own process, written down once it has run for a second or two.
DROP VIEW IF EXISTS running;
CREATE VIEW running AS
SELECT b.id AS batch, b.first, b.end, b.item, b.attempts, b.worker, w.pid,
       w.host, round((julianday('now') - 2440587.5) * 86400 - b.started, 1)
       AS seconds,
       (SELECT command_pid FROM attempt AS a
        WHERE a.batch = b.id AND a.token = b.token) AS command_pid
FROM batch AS b LEFT JOIN worker AS w ON w.id = b.worker
WHERE b.state = 'running'
ORDER BY b.started;

-- What has been running for so long that it may be stuck?
DROP VIEW IF EXISTS stragglers;
CREATE VIEW stragglers AS
SELECT r.*, u.median_s AS usual_seconds, u.straggler_s AS straggler_seconds
FROM running AS r, usual AS u
WHERE r.seconds > u.straggler_s
ORDER BY r.seconds DESC;

-- Which done batches took longest?
DROP VIEW IF EXISTS slowest;
CREATE VIEW slowest AS
SELECT id AS batch, first, "end", item,
       round(finished - started, 3) AS seconds, rows, records, raw_bytes,
       attempts
FROM batch
WHERE state = 'done'
ORDER BY finished - started DESC
LIMIT 20;

-- Who worked, and how much of it is in the job?
DROP VIEW IF EXISTS workers;
CREATE VIEW workers AS
SELECT w.id AS worker, w.pid, w.host, w.slot, w.supervised,
       w.ended IS NULL AS alive,
       datetime(w.started, 'unixepoch') AS started,
       datetime(w.ended, 'unixepoch') AS ended,
       count(a.id) FILTER (WHERE a.outcome = 'done') AS batches,
       count(a.id) FILTER (WHERE a.outcome NOT IN ('done', 'running'))
       AS not_done
FROM worker AS w LEFT JOIN attempt AS a ON a.worker = w.id
GROUP BY w.id
ORDER BY w.id;

-- Where in the final file do a batch's bytes begin?  NULL until it has them.
DROP VIEW IF EXISTS shards;
CREATE VIEW shards AS
SELECT id AS batch, first, "end", rows, records, raw_bytes, gz_bytes,
       raw_crc32, gz_crc32, file_bytes, file_crc32,
       CASE WHEN joined = token THEN joined_at END AS offset
FROM batch
WHERE state = 'done'
ORDER BY id;

-- How fast did it go, minute by minute?
DROP VIEW IF EXISTS throughput;
CREATE VIEW throughput AS
SELECT strftime('%Y-%m-%d %H:%M', finished, 'unixepoch') AS minute,
       count(*) AS batches, sum(rows) AS rows, sum(records) AS records,
       sum(raw_bytes) AS raw_bytes, sum(gz_bytes) AS gz_bytes
FROM batch
WHERE state = 'done'
GROUP BY minute
ORDER BY minute;

-- Why do tries fail?  One row per reason: equal messages, but for numbers and
-- quoted names.
DROP VIEW IF EXISTS failures;
CREATE VIEW failures AS
WITH
t AS MATERIALIZED (
	SELECT a.reason, a.batch, b.state, 1 AS tried,
	       b.state = 'failed' AND a.id =
	       (SELECT max(id) FROM attempt WHERE batch = a.batch) AS final
	FROM attempt AS a JOIN batch AS b ON b.id = a.batch
	WHERE a.reason IS NOT NULL
	UNION ALL
	-- Set to failed by hand: there may be no try that says why.
	SELECT coalesce(b.error, 'set to failed by hand'), b.id, b.state, 0, 1
	FROM batch AS b
	WHERE b.state = 'failed' AND NOT EXISTS
	      (SELECT 1 FROM attempt AS a WHERE a.reason IS NOT NULL AND a.id =
	       (SELECT max(id) FROM attempt WHERE batch = b.id))),
g AS MATERIALIZED (
	SELECT reason, sum(tried) AS tries, count(DISTINCT batch) AS batches,
	       count(DISTINCT CASE WHEN final THEN batch END) AS failed,
	       count(DISTINCT CASE WHEN state IN ('pending', 'running')
	             THEN batch END) AS open
	FROM t GROUP BY reason)
SELECT g.reason, g.tries, g.batches, g.failed, g.open,
       (SELECT group_concat(batch, ', ') FROM
        (SELECT DISTINCT batch FROM t WHERE t.reason = g.reason
         ORDER BY state = 'done', batch LIMIT 3)) AS examples,
       coalesce((SELECT message FROM attempt WHERE reason = g.reason
                 ORDER BY id DESC LIMIT 1), g.reason) AS message,
       (SELECT error_class FROM attempt WHERE reason = g.reason
        ORDER BY id DESC LIMIT 1) AS error_class,
       (SELECT stderr FROM attempt WHERE reason = g.reason
        ORDER BY id DESC LIMIT 1) AS stderr,
       (SELECT datetime(ended, 'unixepoch') FROM attempt
        WHERE reason = g.reason ORDER BY id DESC LIMIT 1) AS last_at
FROM g
ORDER BY g.failed DESC, g.tries DESC, g.reason;

-- How did each try of a batch end, numbered 1, 2, 3?
DROP VIEW IF EXISTS tries;
CREATE VIEW tries AS
SELECT batch, row_number() OVER (PARTITION BY batch ORDER BY id) AS try,
       outcome, round(ended - started, 3) AS seconds, exit_status, signal,
       error_class, message, reason, worker,
       datetime(started, 'unixepoch') AS started, id AS attempt
FROM attempt
ORDER BY batch, id;

-- When was it run, and why did each run end?  One without an end runs, or was
-- killed and none came after it.
DROP VIEW IF EXISTS runs;
CREATE VIEW runs AS
SELECT r.id AS run, r.command, datetime(r.started, 'unixepoch') AS started,
       datetime(r.ended, 'unixepoch') AS ended,
       round(coalesce(r.ended, (julianday('now') - 2440587.5) * 86400)
             - r.started, 1) AS seconds,
       r.host, r.pid, r.version, r.workers,
       coalesce(r.done, (SELECT count(*) FROM attempt AS a
                         JOIN worker AS w ON w.id = a.worker
                         WHERE a.id > r.after AND a.outcome = 'done'
                         AND w.run = r.id)) AS done,
       coalesce(r.failed, (SELECT count(*) FROM batch AS b
                           WHERE b.state = 'failed' AND EXISTS
                           (SELECT 1 FROM attempt AS a
                            JOIN worker AS w ON w.id = a.worker
                            WHERE a.batch = b.id AND a.id > r.after
                            AND a.reason IS NOT NULL AND w.run = r.id)))
       AS failed,
       r.exit_status, r.signal, r.why
FROM run AS r
ORDER BY r.id;
