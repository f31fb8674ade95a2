-- done.sql - of a planned job all batches but the last 1,000 are done, as after
-- a run of four workers.  Nothing is to survive a failure, and nobody else is
-- there.  Its triggers are dropped: totals.sql is to follow, which makes them.
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -400000;
BEGIN;
DROP TRIGGER total_insert;
DROP TRIGGER total_insert_done;
DROP TRIGGER total_delete;
DROP TRIGGER total_delete_done;
DROP TRIGGER total_done;
DROP TRIGGER total_undone;
DROP TRIGGER total_run;
UPDATE batch SET state = 'done', attempts = 1, worker = 1 + id % 4, token = id,
                 rows = 1, records = 1, entries = 1, low_score = 0, too_few = 0,
                 of_too_few = 0, padding = 0, skipped = 0, nan = 0,
                 over_maximum = 0, raw_bytes = 100, gz_bytes = 60,
                 raw_crc32 = 0, gz_crc32 = 0, started = 1.7e9 + id / 400.0,
                 finished = 1.7e9 + id / 400.0 + 0.01
WHERE id < (SELECT batches FROM job) - 1000;
INSERT INTO run (id, command, started, ended, host, pid, version, workers, after,
                 why, exit_status, done, failed)
VALUES (1, 'run', 1.7e9, 1.7e9 + 25000, 'host', 1, '0.2.0', 4, 0,
        'stopped by TERM', 143, (SELECT batches FROM job) - 1000, 0);
INSERT INTO worker (id, slot, pid, pid_start, host, supervised, started, ended,
                    run)
SELECT value, value - 1, value, 0, 'host', 1, 1.7e9, 1.7e9 + 25000, 1
FROM json_each('[1, 2, 3, 4]');
DROP INDEX attempt_batch;
INSERT INTO attempt (id, batch, worker, token, fingerprint, started, ended,
                     outcome)
SELECT id + 1, id, worker, token, (SELECT fingerprint FROM job), started,
       finished, 'done'
FROM batch WHERE state = 'done';
CREATE INDEX attempt_batch ON attempt (batch);
UPDATE job SET started = 1.7e9, ended = 1.7e9 + 25000;
COMMIT;
