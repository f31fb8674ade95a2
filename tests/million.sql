-- million.sql - a planned job of one batch becomes one of 1,000,000, of which
-- all but 1,000 are done, by two runs and four workers, with failed tries.
-- Nothing is to survive a failure, and nobody else is there.
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
BEGIN;
DELETE FROM batch;
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999999)
INSERT INTO batch (id, first, "end", state, attempts, worker, token, rows,
                   records, entries, low_score, too_few, of_too_few, padding,
                   skipped, nan, over_maximum, raw_bytes, gz_bytes, raw_crc32,
                   gz_crc32, started, finished, error)
SELECT i, i, i + 1, iif(i BETWEEN 300000 AND 300999, 'failed', 'done'), 1, 1 + i % 4, i, 1, 1,
       0, 0, 0, 0, 0, 0, 0, 0, 100 + i % 50, 60, 0, 0,
       1.7e9 + i / 400.0 + iif(i < 500000, 0, 86400),
       1.7e9 + i / 400.0 + iif(i < 500000, 0, 86400) + 0.009
       + i * 7919 % 1000 / 1e5 + iif(i % 50000 = 7, 9.0, 0.0),
       iif(i BETWEEN 300000 AND 300999, 'command exited with status 3', NULL)
FROM n;
INSERT INTO run (id, command, started, ended, host, pid, version, workers, after,
                 why, exit_status, done, failed)
VALUES (1, 'run', 1.7e9, 1.7e9 + 1250, 'host', 1, '0.2.0', 4, 0,
        'stopped by TERM', 143, 499000, 1000),
       (2, 'run', 1.7e9 + 87650, 1.7e9 + 88920, 'host', 2, '0.2.0', 4, 500000,
        'batches failed', 1, 500000, 0);
INSERT INTO worker (id, slot, pid, pid_start, host, supervised, started, ended,
                    run)
SELECT value, value - 1, value, 0, 'host', 1, 1.7e9, 1.7e9 + 88920, 2
FROM json_each('[1, 2, 3, 4]');
DROP INDEX attempt_batch;
INSERT INTO attempt (id, batch, worker, token, fingerprint, started, ended,
                     outcome, exit_status, error_class, message, stderr, reason)
SELECT id + 1, id, worker, token, (SELECT fingerprint FROM job), started,
       finished, iif(state = 'done', 'done', 'error'),
       iif(state = 'done', NULL, 3), iif(state = 'done', NULL, 'command'),
       error, iif(state = 'done', NULL, 'no such file: ' || id),
       iif(state = 'done', NULL, 'command exited with status N')
FROM batch;
CREATE INDEX attempt_batch ON attempt (batch);
UPDATE job SET batches = 1000000, rows = 1000000, started = 1.7e9 + 87650,
               ended = 1.7e9 + 88920;
COMMIT;
PRAGMA journal_mode = WAL;
