-- tables.sql - the state of record of one job
--
-- Everything that must survive a crash is in these seven tables; what can be
-- derived from them is a view (views.sql), or the table `total` (totals.sql).  Columns and tables are only ever
-- added; user_version counts the additions, and a program refuses a job of a
-- newer version than its own.
--
-- Times are Unix seconds (REAL), durations seconds, sizes bytes.  Half-open
-- ranges, as in Python: first <= n < end.  No integer of ours reaches 2^53, from
-- where on many a client rounds it or fails.
--
-- The state machine of a batch:
--
--                claim                    complete
--     pending ----------->  running  ----------------->  done
--        ^  ^                  |                           |
--        |  |  rescue, return, |  fail with tries left     |
--        |  +------------------+                           |
--        |                     |  fail, no tries left      |
--        |                     +------------->  failed     |
--        |                                        |        |
--        +----------------------------------------+--------+
--              retry; UPDATE batch SET state = 'pending' …; shard missing
--
-- Invariants, numbered as in src/store/batch.h:
--
--   1. running: `token` and `worker` name the one claim that may write the row.
--   2. done: the shard of that `token` is whole, with these sizes and CRCs.
--   3. Only the holder of the token changes the state of a running batch, or a
--      rescue, which names the token as well.
--   4. Columns that a state does not need keep the values of an earlier
--      attempt, and are not read in that state.

PRAGMA application_id = 0x534d696c; -- "SMil"
PRAGMA user_version = 5;

-- The job: one row, inserted in the same transaction as the batches, so that a
-- database without it is a plan that was killed.  `workers` and `paused` may be
-- changed by hand while the job runs.
CREATE TABLE job (
	id           INTEGER PRIMARY KEY CHECK (id = 1),
	kind         TEXT NOT NULL,     -- 'candidates', 'exec', 'producer'
	spec         TEXT NOT NULL,     -- the planned options, JSON, as spec.json
	fingerprint  TEXT NOT NULL,     -- 16 hex digits: options and input digests
	batches      INTEGER NOT NULL,  -- planned; rows of `batch`
	rows         INTEGER NOT NULL,  -- planned input rows, lines or numbers
	workers      INTEGER NOT NULL CHECK (workers >= 0), -- wanted processes
	paused       INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
	                                -- 1: claim nothing new
	at_once      INTEGER CHECK (at_once >= 1),
	                                -- so many batches at once, since one beside
	                                -- others was killed, as for want of memory;
	                                -- NULL: as many as there are workers
	at_once_rounds INTEGER NOT NULL DEFAULT 2,
	                                -- so many of each before it is doubled
	at_once_left INTEGER NOT NULL DEFAULT 0,
	                                -- batches to be done before that
	run          INTEGER NOT NULL DEFAULT 0,
	                                -- fence: claims of an older run are void
	max_attempts INTEGER NOT NULL CHECK (max_attempts >= 1),
	lease_s      REAL NOT NULL CHECK (lease_s > 0),
	                                -- a worker this long without a heartbeat is dead
	sync         TEXT NOT NULL CHECK (sync IN ('shard', 'end')),
	fail_fast    INTEGER NOT NULL CHECK (fail_fast IN (0, 1)),
	network_fs   INTEGER NOT NULL CHECK (network_fs IN (0, 1)),
	                                -- 1: rollback journal, one host at a time
	final_path   TEXT,              -- where the final file goes or went
	final_size   INTEGER,           -- its bytes, once finalized
	final_digest TEXT,              -- 16 hex digits over (id, token) of its shards
	final_force  INTEGER NOT NULL DEFAULT 0 CHECK (final_force IN (0, 1)),
	                                -- 1: may replace a file that is not ours
	consume      INTEGER NOT NULL DEFAULT 0 CHECK (consume IN (0, 1)),
	                                -- 1: remove shards once the final file
	                                -- has their bytes
	generation   INTEGER NOT NULL DEFAULT 0,
	                                -- of the growing final file, the only
	                                -- copy of removed shards; 0: none was
	                                -- removed yet
	part         INTEGER,           -- number of this part, from 0; NULL: a whole job
	parts        INTEGER,           -- how many the whole job has
	first_batch  INTEGER NOT NULL DEFAULT 0,
	                                -- lowest batch.id, in the whole job's numbers
	whole_batches INTEGER,          -- batches of the whole job
	created      REAL NOT NULL,     -- planned at
	started      REAL,              -- the latest run began; rates count from here
	ended        REAL,              -- it ended; NULL while it runs or was killed
	limits       INTEGER NOT NULL DEFAULT 0
	                                -- counts changes of the limits in `spec`:
	                                -- a worker reads them again at its next claim
) STRICT;

-- The input files as they were when the job was planned, and what else the
-- output is made by.
CREATE TABLE input (
	name     TEXT PRIMARY KEY, -- of the option: 'cands', 'input 2', …; 'program', 'word 2', 'depends 1'
	path     TEXT NOT NULL,    -- absolute
	size     INTEGER NOT NULL, -- bytes
	mtime    INTEGER NOT NULL, -- whole Unix seconds …
	mtime_nsec INTEGER NOT NULL, -- … and nanoseconds, below 10^9
	crc32    INTEGER NOT NULL, -- of the content, or of samples of it
	sampled  INTEGER NOT NULL CHECK (sampled IN (0, 1))
) STRICT, WITHOUT ROWID;

-- The batches: the unit of work, of retry and of loss.
--
-- The checks are chains of OR: for an IN of more than two values SQLite fills a
-- temporary table at every INSERT and UPDATE, which doubles their time.
CREATE TABLE batch (
	id           INTEGER PRIMARY KEY CHECK (id >= 0),
	                                  -- from 0, the order of the final file
	first        INTEGER,             -- rows, lines or numbers; NULL: unknown
	"end"        INTEGER,
	first_byte   INTEGER,             -- range of bytes in the text of all files
	end_byte     INTEGER,
	item         TEXT,                -- of an item job
	state        TEXT NOT NULL DEFAULT 'pending'
	             CHECK (state = 'pending' OR state = 'running'
	                    OR state = 'done' OR state = 'failed'),
	attempts     INTEGER NOT NULL DEFAULT 0, -- that count against the limit
	max_attempts INTEGER,             -- NULL: the job's
	not_before   REAL NOT NULL DEFAULT 0, -- backoff: no claim before; 0: due
	priority     INTEGER NOT NULL DEFAULT 0, -- higher is taken first
	worker       INTEGER,             -- worker.id of the latest claim
	token        INTEGER,             -- random, drawn by the latest claim
	rows         INTEGER,             -- input rows read
	records      INTEGER,             -- lines of output
	-- What became of the entries and rows of its input, each counted once;
	-- all 0 where the kind does not count them.
	entries      INTEGER CHECK (entries >= 0),    -- written
	low_score    INTEGER CHECK (low_score >= 0),  -- left out: score too low
	too_few      INTEGER CHECK (too_few >= 0),    -- rows that had too few
	of_too_few   INTEGER CHECK (of_too_few >= 0), -- left out with such a row
	padding      INTEGER CHECK (padding >= 0),    -- left out: no candidates
	skipped      INTEGER CHECK (skipped >= 0),    -- not in the vocabulary
	nan          INTEGER CHECK (nan >= 0),        -- score is NaN
	over_maximum INTEGER CHECK (over_maximum >= 0), -- beyond the maximum
	raw_bytes    INTEGER,             -- of text
	gz_bytes     INTEGER,             -- of the batch's bytes as they are joined
	raw_crc32    INTEGER,             -- of the text
	gz_crc32     INTEGER,             -- of those gz_bytes
	open_line    INTEGER NOT NULL DEFAULT 0 CHECK (open_line IN (0, 1)),
	                                  -- 1: the text ends without a newline
	file_bytes   INTEGER NOT NULL DEFAULT 0, -- of the file it made (--to);
	file_crc32   INTEGER NOT NULL DEFAULT 0, -- 0: it made none
	started      REAL,                -- the latest claim
	finished     REAL,                -- done or failed at
	error        TEXT,                -- message of the latest failure
	joined       INTEGER,             -- the token whose bytes the growing or
	                                  -- final file holds
	joined_at    INTEGER,             -- where in it they begin
	CHECK (state <> 'running'
	       OR (worker IS NOT NULL AND token IS NOT NULL)),
	CHECK (state <> 'done'
	       OR (token IS NOT NULL AND rows IS NOT NULL
	           AND records IS NOT NULL AND entries IS NOT NULL
	           AND low_score IS NOT NULL AND too_few IS NOT NULL
	           AND of_too_few IS NOT NULL AND padding IS NOT NULL
	           AND skipped IS NOT NULL AND nan IS NOT NULL
	           AND over_maximum IS NOT NULL
	           AND raw_bytes IS NOT NULL AND gz_bytes IS NOT NULL
	           AND raw_crc32 IS NOT NULL AND gz_crc32 IS NOT NULL
	           AND finished IS NOT NULL))
) STRICT;

-- A claim takes due batches, in this order.  Batches in backoff have an index of
-- their own, ordered by when they are due, so that 40,000 of them cost a claim
-- nothing.
CREATE INDEX batch_ready ON batch (priority DESC, id)
	WHERE state = 'pending' AND not_before = 0;
CREATE INDEX batch_waiting ON batch (not_before)
	WHERE state = 'pending' AND not_before <> 0;
CREATE INDEX batch_running ON batch (worker) WHERE state = 'running';
CREATE INDEX batch_failed ON batch (id) WHERE state = 'failed';

-- The attempts: one row per try, the history of the job.
CREATE TABLE attempt (
	id          INTEGER PRIMARY KEY,
	batch       INTEGER NOT NULL,
	worker      INTEGER NOT NULL,
	token       INTEGER NOT NULL,
	fingerprint TEXT NOT NULL,     -- of the options it was made with
	started     REAL NOT NULL,
	ended       REAL,              -- NULL: running
	outcome     TEXT NOT NULL DEFAULT 'running' CHECK (
	            outcome = 'running'        -- not over
	            OR outcome = 'done'        -- committed
	            OR outcome = 'error'       -- failed: error_class, message
	            OR outcome = 'signal'      -- command or worker died by one
	            OR outcome = 'timeout'     -- took longer than --timeout
	            OR outcome = 'stalled'     -- no heartbeat for the lease
	            OR outcome = 'fenced'      -- too late: the batch was another's
	            OR outcome = 'returned'    -- given back (stop, full disk, memory)
	            OR outcome = 'stopped'     -- ended by hand: shardmill stop
	            OR outcome = 'interrupted' -- ended with its supervisor
	            ),
	exit_status INTEGER,           -- of the command
	signal      INTEGER,           -- of the command or the worker
	error_class TEXT,              -- a name of the registry in src/base/err.c
	message     TEXT,
	stderr      TEXT,              -- last 4 KiB of the command's
	command_pid INTEGER,           -- of the command, once it has run for a
	                               -- second under a supervisor
	reason      TEXT               -- of one that counts as a failed try: the
	                               -- message, numbers and quoted names folded
) STRICT;

CREATE INDEX attempt_batch ON attempt (batch);
CREATE INDEX attempt_reason ON attempt (reason) WHERE reason IS NOT NULL;

-- The workers that ever joined.  A worker is alive as long as it holds the lock
-- on byte `slot` of the file `workers`; whoever finds the byte free writes
-- `ended`.
CREATE TABLE worker (
	id         INTEGER PRIMARY KEY,
	slot       INTEGER NOT NULL, -- its byte in the file `workers`
	pid        INTEGER NOT NULL,
	pid_start  INTEGER NOT NULL, -- clock ticks after boot: tells a reused pid
	host       TEXT NOT NULL,
	supervised INTEGER NOT NULL CHECK (supervised IN (0, 1)), -- 0: by hand
	started    REAL NOT NULL,
	ended      REAL,
	run        INTEGER           -- run.id: its supervisor's, or its own
) STRICT;

CREATE INDEX worker_alive ON worker (slot) WHERE ended IS NULL;

-- The runs: each `run`, and each `work` by hand.  One that was killed has no end
-- until the next run, or whoever buries its worker, writes it.
CREATE TABLE run (
	id          INTEGER PRIMARY KEY,
	command     TEXT NOT NULL CHECK (command IN ('run', 'work')),
	started     REAL NOT NULL,
	ended       REAL,             -- of a killed one: the last sign of life
	host        TEXT NOT NULL,
	pid         INTEGER NOT NULL,
	version     TEXT NOT NULL,    -- of the program
	workers     INTEGER NOT NULL, -- wanted as it began
	after       INTEGER NOT NULL, -- attempt.id: its attempts are later ones
	why         TEXT,             -- it ended, in words
	exit_status INTEGER,          -- NULL: killed
	signal      INTEGER,          -- that asked it to end
	done        INTEGER,          -- batches that its workers made …
	failed      INTEGER           -- … and that have failed, when it ended
) STRICT;

-- When was the job paused?  Written by `set`, `pause` and `resume`, and of a hand
-- edit by the supervisor that sees it.
CREATE TABLE pause (
	id      INTEGER PRIMARY KEY,
	started REAL NOT NULL,
	ended   REAL               -- NULL: it is
) STRICT;
