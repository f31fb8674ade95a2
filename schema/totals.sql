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

DROP TRIGGER IF EXISTS total_insert;
DROP TRIGGER IF EXISTS total_delete;
DROP TRIGGER IF EXISTS total_update;
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
	run_rows     INTEGER NOT NULL  -- of those done since the latest run began
) STRICT;

INSERT INTO total SELECT * FROM sums;

CREATE TRIGGER total_insert AFTER INSERT ON batch
BEGIN
	UPDATE total SET
	batches = batches + 1,
	done = done + (NEW.state = 'done'),
	joined = joined + (NEW.state = 'done' AND NEW.joined IS NEW.token),
	rows = rows + iif(NEW.state = 'done', NEW.rows, 0),
	records = records + iif(NEW.state = 'done', NEW.records, 0),
	entries = entries + iif(NEW.state = 'done', NEW.entries, 0),
	low_score = low_score + iif(NEW.state = 'done', NEW.low_score, 0),
	too_few = too_few + iif(NEW.state = 'done', NEW.too_few, 0),
	of_too_few = of_too_few + iif(NEW.state = 'done', NEW.of_too_few, 0),
	padding = padding + iif(NEW.state = 'done', NEW.padding, 0),
	skipped = skipped + iif(NEW.state = 'done', NEW.skipped, 0),
	nan = nan + iif(NEW.state = 'done', NEW.nan, 0),
	over_maximum = over_maximum
	               + iif(NEW.state = 'done', NEW.over_maximum, 0),
	raw_bytes = raw_bytes + iif(NEW.state = 'done', NEW.raw_bytes, 0),
	gz_bytes = gz_bytes + iif(NEW.state = 'done', NEW.gz_bytes, 0),
	run_rows = run_rows + iif(NEW.state = 'done' AND NEW.finished >=
	                          (SELECT started FROM job), NEW.rows, 0);
END;

CREATE TRIGGER total_delete AFTER DELETE ON batch
BEGIN
	UPDATE total SET
	batches = batches - 1,
	done = done - (OLD.state = 'done'),
	joined = joined - (OLD.state = 'done' AND OLD.joined IS OLD.token),
	rows = rows - iif(OLD.state = 'done', OLD.rows, 0),
	records = records - iif(OLD.state = 'done', OLD.records, 0),
	entries = entries - iif(OLD.state = 'done', OLD.entries, 0),
	low_score = low_score - iif(OLD.state = 'done', OLD.low_score, 0),
	too_few = too_few - iif(OLD.state = 'done', OLD.too_few, 0),
	of_too_few = of_too_few - iif(OLD.state = 'done', OLD.of_too_few, 0),
	padding = padding - iif(OLD.state = 'done', OLD.padding, 0),
	skipped = skipped - iif(OLD.state = 'done', OLD.skipped, 0),
	nan = nan - iif(OLD.state = 'done', OLD.nan, 0),
	over_maximum = over_maximum
	               - iif(OLD.state = 'done', OLD.over_maximum, 0),
	raw_bytes = raw_bytes - iif(OLD.state = 'done', OLD.raw_bytes, 0),
	gz_bytes = gz_bytes - iif(OLD.state = 'done', OLD.gz_bytes, 0),
	run_rows = run_rows - iif(OLD.state = 'done' AND OLD.finished >=
	                          (SELECT started FROM job), OLD.rows, 0);
END;

-- One for becoming done, for being done no longer, and for a done row of which
-- a value changes, as `joined` does: less what it was, and what it is.
CREATE TRIGGER total_update AFTER UPDATE ON batch
WHEN NEW.state = 'done' OR OLD.state = 'done'
BEGIN
	UPDATE total SET
	done = done + (NEW.state = 'done') - (OLD.state = 'done'),
	joined = joined + (NEW.state = 'done' AND NEW.joined IS NEW.token)
	         - (OLD.state = 'done' AND OLD.joined IS OLD.token),
	rows = rows + iif(NEW.state = 'done', NEW.rows, 0)
	       - iif(OLD.state = 'done', OLD.rows, 0),
	records = records + iif(NEW.state = 'done', NEW.records, 0)
	          - iif(OLD.state = 'done', OLD.records, 0),
	entries = entries + iif(NEW.state = 'done', NEW.entries, 0)
	          - iif(OLD.state = 'done', OLD.entries, 0),
	low_score = low_score + iif(NEW.state = 'done', NEW.low_score, 0)
	            - iif(OLD.state = 'done', OLD.low_score, 0),
	too_few = too_few + iif(NEW.state = 'done', NEW.too_few, 0)
	          - iif(OLD.state = 'done', OLD.too_few, 0),
	of_too_few = of_too_few + iif(NEW.state = 'done', NEW.of_too_few, 0)
	             - iif(OLD.state = 'done', OLD.of_too_few, 0),
	padding = padding + iif(NEW.state = 'done', NEW.padding, 0)
	          - iif(OLD.state = 'done', OLD.padding, 0),
	skipped = skipped + iif(NEW.state = 'done', NEW.skipped, 0)
	          - iif(OLD.state = 'done', OLD.skipped, 0),
	nan = nan + iif(NEW.state = 'done', NEW.nan, 0)
	      - iif(OLD.state = 'done', OLD.nan, 0),
	over_maximum = over_maximum
	               + iif(NEW.state = 'done', NEW.over_maximum, 0)
	               - iif(OLD.state = 'done', OLD.over_maximum, 0),
	raw_bytes = raw_bytes + iif(NEW.state = 'done', NEW.raw_bytes, 0)
	            - iif(OLD.state = 'done', OLD.raw_bytes, 0),
	gz_bytes = gz_bytes + iif(NEW.state = 'done', NEW.gz_bytes, 0)
	           - iif(OLD.state = 'done', OLD.gz_bytes, 0),
	run_rows = run_rows
	           + iif(NEW.state = 'done' AND NEW.finished >=
	                 (SELECT started FROM job), NEW.rows, 0)
	           - iif(OLD.state = 'done' AND OLD.finished >=
	                 (SELECT started FROM job), OLD.rows, 0);
END;

-- Nothing was done yet since a run began that begins now.
CREATE TRIGGER total_run AFTER UPDATE OF started ON job
BEGIN
	UPDATE total SET run_rows = 0;
END;
