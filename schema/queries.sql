-- queries.sql - examples for the sqlite3 shell; a test runs each of them
--
--	sqlite3 -box JOB/job.db < queries.sql
--
-- The shell has no busy timeout of its own: begin a session that writes with
-- ".timeout 10000".

-- How far is the job?
SELECT * FROM progress;

-- Are the totals behind it what the rows add up to?
SELECT (SELECT done || ' ' || rows || ' ' || gz_bytes FROM total)
       = (SELECT done || ' ' || rows || ' ' || gz_bytes FROM sums) AS is_right;

-- Which batches failed, and what did their command say last?
SELECT batch, item, exit_status, signal, error, stderr FROM failed;

-- Why do they fail: for how many reasons, and how often each?
SELECT reason, tries, failed, examples FROM failures;

-- Why did the run of last night end, and what had it made?
SELECT run, started, ended, done, failed, exit_status, why FROM runs;

-- When was it paused?
SELECT datetime(started, 'unixepoch') AS paused,
       datetime(ended, 'unixepoch') AS resumed
FROM pause;

-- What is running, longest first?
SELECT batch, pid, seconds FROM running ORDER BY seconds DESC;

-- How often was a batch tried, and how did each try end?
SELECT try, outcome, exit_status, error_class, message
FROM tries WHERE batch = 0;

-- Which batches needed more than one attempt?
SELECT batch, count(*) AS tries, group_concat(outcome) AS outcomes
FROM attempt GROUP BY batch HAVING tries > 1 ORDER BY tries DESC LIMIT 20;

-- Was every done batch committed exactly once since it was last put back?
SELECT count(*) AS batches,
       sum((SELECT count(*) FROM attempt AS a WHERE a.batch = b.id
            AND a.token = b.token AND a.outcome = 'done') = 1) AS once
FROM batch AS b WHERE state = 'done';

-- How fast did it go?
SELECT * FROM throughput;

-- Which batches took longest?
SELECT batch, seconds, rows FROM slowest;

-- Where in the final file is batch 0?
SELECT batch, offset, gz_bytes FROM shards WHERE batch = 0;

-- Rerun the failed batches; take some first; run with four workers; pause.
UPDATE batch SET state = 'pending' WHERE state = 'failed';
UPDATE batch SET priority = 1 WHERE id BETWEEN 0 AND 9;
UPDATE job SET workers = 4;
UPDATE job SET paused = 0;
