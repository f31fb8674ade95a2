-- totals.sql - what the rows of batches add up to, kept by triggers
--
-- Run in the transaction that inserts the job row, after the batches, and again
-- where one of these triggers, or the row, is missing.
--
-- The sums that `progress` shows are those of all done batches.  Ten million
-- rows take seconds to read, so one row has the sums, and the triggers below
-- change it in the transaction that changes a batch, whoever writes: the
-- program, or a person in the sqlite3 shell.  A claim changes none of them; a
-- batch that becomes done, or is no longer, changes one page.  Whether the row
-- is right can be seen any time: `sums` computes it from the rows, and
-- `shardmill verify` compares the two.
--
-- A trigger with another text than here is taken for somebody else's, and a job
-- with one is refused: who changes a text raises user_version, and has
-- sm_db_refuse_triggers() take the one before.

DROP TRIGGER IF EXISTS total_insert;
DROP TRIGGER IF EXISTS total_insert_done;
DROP TRIGGER IF EXISTS total_delete;
DROP TRIGGER IF EXISTS total_delete_done;
DROP TRIGGER IF EXISTS total_done;
DROP TRIGGER IF EXISTS total_undone;
DROP TRIGGER IF EXISTS total_run;
DROP TABLE IF EXISTS total;

-- The totals: one row.  No column is written by hand.
CREATE TABLE total (
	id           INTEGER PRIMARY KEY CHECK (id = 1),
	batches      INTEGER NOT NULL, -- rows of `batch`
	done         INTEGER NOT NULL, -- of these
	joined       INTEGER NOT NULL, -- done ones that the final file has
	rows         INTEGER NOT NULL, -- this and the rest: sums of done ones
	records      INTEGER NOT NULL,
	entries      INTEGER NOT NULL,
	low_score    INTEGER NOT NULL,
	too_few      INTEGER NOT NULL,
	of_too_few   INTEGER NOT NULL,
	padding      INTEGER NOT NULL,
	skipped      INTEGER NOT NULL,
	nan          INTEGER NOT NULL,
	over_maximum INTEGER NOT NULL,
	raw_bytes    INTEGER NOT NULL,
	gz_bytes     INTEGER NOT NULL,
	run_rows     INTEGER NOT NULL, -- of those done since the latest run began
	latest       REAL NOT NULL     -- none was done later; time
) STRICT;

INSERT INTO total SELECT * FROM sums;

CREATE TRIGGER total_insert AFTER INSERT ON batch
BEGIN
	UPDATE total SET batches = batches + 1;
END;

CREATE TRIGGER total_insert_done AFTER INSERT ON batch
WHEN NEW.state = 'done'
BEGIN
	UPDATE total SET
	done = done + 1,
	joined = joined + (NEW.joined IS NEW.token),
	rows = rows + NEW.rows,
	records = records + NEW.records,
	entries = entries + NEW.entries,
	low_score = low_score + NEW.low_score,
	too_few = too_few + NEW.too_few,
	of_too_few = of_too_few + NEW.of_too_few,
	padding = padding + NEW.padding,
	skipped = skipped + NEW.skipped,
	nan = nan + NEW.nan,
	over_maximum = over_maximum + NEW.over_maximum,
	raw_bytes = raw_bytes + NEW.raw_bytes,
	gz_bytes = gz_bytes + NEW.gz_bytes,
	run_rows = run_rows
	           + iif(NEW.finished >= (SELECT started FROM job), NEW.rows, 0),
	latest = max(latest, NEW.finished);
END;

CREATE TRIGGER total_delete AFTER DELETE ON batch
BEGIN
	UPDATE total SET batches = batches - 1;
END;

CREATE TRIGGER total_delete_done AFTER DELETE ON batch
WHEN OLD.state = 'done'
BEGIN
	UPDATE total SET
	done = done - 1,
	joined = joined - (OLD.joined IS OLD.token),
	rows = rows - OLD.rows,
	records = records - OLD.records,
	entries = entries - OLD.entries,
	low_score = low_score - OLD.low_score,
	too_few = too_few - OLD.too_few,
	of_too_few = of_too_few - OLD.of_too_few,
	padding = padding - OLD.padding,
	skipped = skipped - OLD.skipped,
	nan = nan - OLD.nan,
	over_maximum = over_maximum - OLD.over_maximum,
	raw_bytes = raw_bytes - OLD.raw_bytes,
	gz_bytes = gz_bytes - OLD.gz_bytes,
	run_rows = run_rows
	           - iif(OLD.finished >= (SELECT started FROM job), OLD.rows, 0);
END;

-- Each trigger costs what its text is long, whether it has anything to do or
-- not, at each UPDATE.  This one does it once for each batch.
CREATE TRIGGER total_done AFTER UPDATE ON batch
WHEN NEW.state = 'done' AND OLD.state <> 'done'
BEGIN
	UPDATE total SET
	done = done + 1,
	joined = joined + (NEW.joined IS NEW.token),
	rows = rows + NEW.rows,
	records = records + NEW.records,
	entries = entries + NEW.entries,
	low_score = low_score + NEW.low_score,
	too_few = too_few + NEW.too_few,
	of_too_few = of_too_few + NEW.of_too_few,
	padding = padding + NEW.padding,
	skipped = skipped + NEW.skipped,
	nan = nan + NEW.nan,
	over_maximum = over_maximum + NEW.over_maximum,
	raw_bytes = raw_bytes + NEW.raw_bytes,
	gz_bytes = gz_bytes + NEW.gz_bytes,
	run_rows = run_rows
	           + iif(NEW.finished >= (SELECT started FROM job), NEW.rows, 0),
	latest = max(latest, NEW.finished);
END;

-- It was done, and is no longer, or has another value, as of `joined`.
CREATE TRIGGER total_undone AFTER UPDATE ON batch
WHEN OLD.state = 'done'
BEGIN
	UPDATE total SET
	done = done - 1 + (NEW.state = 'done'),
	joined = joined - (OLD.joined IS OLD.token)
	         + (NEW.state = 'done' AND NEW.joined IS NEW.token),
	rows = rows - OLD.rows + iif(NEW.state = 'done', NEW.rows, 0),
	records = records - OLD.records + iif(NEW.state = 'done', NEW.records, 0),
	entries = entries - OLD.entries + iif(NEW.state = 'done', NEW.entries, 0),
	low_score = low_score - OLD.low_score
	            + iif(NEW.state = 'done', NEW.low_score, 0),
	too_few = too_few - OLD.too_few
	          + iif(NEW.state = 'done', NEW.too_few, 0),
	of_too_few = of_too_few - OLD.of_too_few
	             + iif(NEW.state = 'done', NEW.of_too_few, 0),
	padding = padding - OLD.padding + iif(NEW.state = 'done', NEW.padding, 0),
	skipped = skipped - OLD.skipped + iif(NEW.state = 'done', NEW.skipped, 0),
	nan = nan - OLD.nan + iif(NEW.state = 'done', NEW.nan, 0),
	over_maximum = over_maximum - OLD.over_maximum
	               + iif(NEW.state = 'done', NEW.over_maximum, 0),
	raw_bytes = raw_bytes - OLD.raw_bytes
	            + iif(NEW.state = 'done', NEW.raw_bytes, 0),
	gz_bytes = gz_bytes - OLD.gz_bytes + iif(NEW.state = 'done', NEW.gz_bytes, 0),
	run_rows = run_rows
	           - iif(OLD.finished >= (SELECT started FROM job), OLD.rows, 0)
	           + iif(NEW.state = 'done' AND NEW.finished >=
	                 (SELECT started FROM job), NEW.rows, 0),
	latest = max(latest, iif(NEW.state = 'done', NEW.finished, 0.0));
END;

-- Nothing was done yet since a run began that begins now.  All rows are read
-- only where a clock was set back.
CREATE TRIGGER total_run AFTER UPDATE OF started ON job
BEGIN
	UPDATE total SET run_rows = CASE WHEN NEW.started > latest THEN 0
	ELSE (SELECT coalesce(sum(rows), 0) FROM batch
	      WHERE state = 'done' AND finished >= NEW.started) END;
END;
