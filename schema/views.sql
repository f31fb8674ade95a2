-- views.sql - questions that people ask of a job
--
-- Derived from tables.sql, and created with them; their columns are only ever
-- added.  Views that a person added are kept.

-- How far is the job?  One row.  Rates and the estimate are of the latest run
-- alone, so that a pause between two runs does not count.
DROP VIEW IF EXISTS progress;
CREATE VIEW progress AS
-- MATERIALIZED, so that a million rows are read twice and no more often.
WITH
d AS MATERIALIZED (
	SELECT count(*) AS done, sum(rows) AS rows, sum(records) AS records,
	       sum(entries) AS entries, sum(low_score) AS low_score,
	       sum(too_few) AS too_few, sum(of_too_few) AS of_too_few,
	       sum(padding) AS padding, sum(skipped) AS skipped,
	       sum(nan) AS nan, sum(over_maximum) AS over_maximum,
	       sum(raw_bytes) AS raw_bytes,
	       sum(gz_bytes) AS gz_bytes, sum(joined = token) AS joined
	FROM batch WHERE state = 'done'),
r AS MATERIALIZED (
	SELECT count(*) AS run_done, sum(rows) AS run_rows,
	       avg(finished - started) AS usual
	FROM batch
	WHERE state = 'done' AND finished >= (SELECT started FROM job)),
-- The other states are counted by their indices: only done rows are read.
c AS MATERIALIZED (
	SELECT d.*, r.*,
	       (SELECT count(*) FROM batch) AS total,
	       (SELECT count(*) FROM batch
	        WHERE state = 'pending' AND not_before = 0)
	       + (SELECT count(*) FROM batch
	          WHERE state = 'pending' AND not_before <> 0) AS pending,
	       (SELECT count(*) FROM batch WHERE state = 'running') AS running,
	       (SELECT min(started) FROM batch WHERE state = 'running')
	       AS longest_since,
	       (SELECT count(*) FROM batch WHERE state = 'failed') AS failed
	FROM d, r),
t AS MATERIALIZED (
	SELECT coalesce(ended, (julianday('now') - 2440587.5) * 86400) AS now,
	       coalesce(ended, (julianday('now') - 2440587.5) * 86400)
	       - started AS s,
	       -- Without workers, or paused, no time is left that could pass.
	       ended IS NULL AND paused = 0 AND (workers > 0 OR EXISTS
	       (SELECT 1 FROM worker WHERE ended IS NULL)) AS goes_on
	FROM job),
p AS MATERIALIZED (
	SELECT c.total, c.pending, c.running, c.done, c.failed,
	       CASE WHEN c.total = 0 THEN 100.0
	            ELSE round(100.0 * c.done / c.total, 2) END AS percent,
	       coalesce(c.rows, 0) AS rows,
	       coalesce(c.records, 0) AS records,
	       coalesce(c.raw_bytes, 0) AS raw_bytes,
	       coalesce(c.gz_bytes, 0) AS gz_bytes,
	       CASE WHEN t.s > 0 THEN round(c.run_rows / t.s, 1) END
	       AS rows_per_s,
	       round(max(t.s, 0), 1) AS elapsed_s,
	       CASE WHEN c.pending + c.running = 0 THEN 0.0
	            WHEN t.goes_on AND c.run_done > 0
	            -- No less than the longest batch has already overrun.
	            THEN round(max((c.pending + c.running) * t.s / c.run_done,
	                 coalesce(t.now - c.longest_since - c.usual, 0)), 1)
	       END AS eta_s,
	       coalesce(c.entries, 0) AS entries,
	       coalesce(c.low_score, 0) AS low_score,
	       coalesce(c.too_few, 0) AS too_few,
	       coalesce(c.of_too_few, 0) AS of_too_few,
	       coalesce(c.padding, 0) AS padding,
	       coalesce(c.skipped, 0) AS skipped,
	       coalesce(c.nan, 0) AS nan,
	       coalesce(c.over_maximum, 0) AS over_maximum,
	       coalesce(c.joined, 0) AS joined
	FROM c, t)
SELECT total, pending, running, done, failed, percent, rows, records,
       raw_bytes, gz_bytes, rows_per_s, elapsed_s, eta_s,
       printf('%d:%02d:%02d', elapsed_s / 3600, elapsed_s / 60 % 60,
              elapsed_s % 60) AS elapsed,
       CASE WHEN eta_s IS NOT NULL THEN
            printf('%d:%02d:%02d', eta_s / 3600, eta_s / 60 % 60, eta_s % 60)
       END AS eta,
       skipped, joined, entries, low_score, too_few, of_too_few, padding, nan,
       over_maximum
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

-- What is being worked on, by whom, for how long?
DROP VIEW IF EXISTS running;
CREATE VIEW running AS
SELECT b.id AS batch, b.first, b.end, b.item, b.attempts, b.worker, w.pid,
       w.host, round((julianday('now') - 2440587.5) * 86400 - b.started, 1)
       AS seconds
FROM batch AS b LEFT JOIN worker AS w ON w.id = b.worker
WHERE b.state = 'running'
ORDER BY b.started;

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
