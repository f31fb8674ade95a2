#!/bin/bash
# The database is an interface: what a person may do in it with the sqlite3
# shell, and what is refused.
. "$(dirname "$0")/lib.sh"
need sqlite3

data small 300 60
expect_exit 0 sm candidates -o f.gz --batch-rows 50 --sync end "${args[@]}"
cp f.gz first.gz
cp -r f.gz.job whole
run=(sm candidates -o f.gz --batch-rows 50 --sync end "${args[@]}")

again() {
	rm -rf f.gz.job
	cp -r whole f.gz.job
	cp first.gz f.gz
}

# refused SQL: by the database
refused() {
	! sql f.gz.job "$1" 2>refusal || fail "not refused: $1"
	grep -q constraint refusal || fail "refused otherwise: $(cat refusal)"
}

# done -> pending: made again.
inode=$(stat -c %i f.gz.job/shards/000002.gz)
sql f.gz.job "UPDATE batch SET state = 'pending' WHERE id = 2"
expect_exit 0 "${run[@]}"
same first.gz f.gz
[ "$inode" != "$(stat -c %i f.gz.job/shards/000002.gz)" ] ||
	fail "batch 2 was not made again"

refused "UPDATE batch SET state = 'penidng' WHERE id = 2"
refused "UPDATE batch SET state = 'Done'"
refused "INSERT INTO batch (id, state) VALUES (77, 'done')"
refused "INSERT INTO batch (id, state) VALUES (77, 'running')"
refused "UPDATE job SET workers = -1"
refused "UPDATE job SET paused = 2"

# pending -> done without a shard: found by the start check.
again
rm f.gz f.gz.job/shards/00000[13].gz
expect_exit 9 sm verify f.gz.job
expect_exit 0 "${run[@]}"
same first.gz f.gz

# running by hand, with nobody there: put back.
again
rm f.gz
sql f.gz.job "UPDATE batch SET state = 'running', worker = 999, token = 5
	WHERE id = 3"
expect_exit 0 timeout 60 "$SHARDMILL" "${run[@]:1}"
same first.gz f.gz

# A token changed by hand: the digest of the file is no longer that of the job.
again
sql f.gz.job "UPDATE batch SET token = token + 1 WHERE id = 3"
expect_exit 0 timeout 60 "$SHARDMILL" "${run[@]:1}"
same first.gz f.gz

# Rows deleted, or added.
for edit in "DELETE FROM batch WHERE id = 3" \
	"DELETE FROM batch WHERE id = 5" \
	"INSERT INTO batch (id, first, \"end\") VALUES (6, 300, 350)" \
	"UPDATE batch SET id = 9 WHERE id = 5"; do
	again
	sql f.gz.job "$edit"
	expect_exit 9 sm verify f.gz.job
	rm f.gz
	code=0
	sm finalize f.gz.job >out 2>err || code=$?
	[ $code != 0 ] || fail "finalize after: $edit"
	[ ! -e f.gz ] || fail "finalize left a file after: $edit"
done

# Totals that were changed without their triggers: status adds the rows up where
# it can see it, verify always.
again
expect_exit 0 sm status --json f.gz.job
cp out right
sql f.gz.job "UPDATE total SET done = 3"
expect_exit 0 sm status --json f.gz.job
same out right "what status says of totals that contradict the rows"
sql f.gz.job "UPDATE total SET done = 6, rows = 7; DROP TRIGGER total_undone"
expect_exit 9 sm verify f.gz.job
expect_text out "the table 'total'"
expect_exit 9 sm verify --requeue f.gz.job
expect_exit 0 sm verify f.gz.job
expect_exit 0 sm status --json f.gz.job
same out right "what status says of totals that were mended"

# A person's own views, tables and indexes are left alone.
again
sql f.gz.job "CREATE VIEW mine AS SELECT id FROM batch WHERE rows > 3;
	CREATE TABLE notes (text); INSERT INTO notes VALUES ('keep');
	CREATE INDEX own ON batch (finished);
	UPDATE batch SET state = 'pending' WHERE id = 1"
expect_exit 0 "${run[@]}"
same first.gz f.gz
equal "$(sql f.gz.job 'SELECT text FROM notes')" keep
equal "$(sql f.gz.job 'SELECT count(*) FROM mine')" 6

# What could do something behind our back, or is of another program: refused,
# and the file stays as it is.
for edit in "CREATE TRIGGER t AFTER UPDATE ON batch BEGIN
		DELETE FROM attempt; END" \
	"PRAGMA user_version = 1000" "PRAGMA application_id = 7"; do
	again
	sql f.gz.job "$edit; PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
	cksum f.gz.job/job.db >before
	for command in run work retry finalize "verify --requeue"; do
		# shellcheck disable=SC2086
		expect_exit 7 sm $command f.gz.job
	done
	expect_exit 7 "${run[@]}"
	cksum f.gz.job/job.db >after
	same before after
done

# Damaged: 6, and nothing is made of it.
again
echo "this is not a database, but long enough to be looked at ........" \
	>f.gz.job/job.db
rm -f f.gz.job/job.db-*
for command in status run work retry finalize verify; do
	expect_exit 6 sm $command f.gz.job
done
expect_text err recover
again
sql f.gz.job "PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
rm -f f.gz.job/job.db-*
"$PYTHON" - f.gz.job/job.db <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    size = f.seek(0, 2)
    for page in range(1, size // 4096):
        f.seek(page * 4096)
        f.write(b"\xa5" * 200)
PY
expect_exit 6 sm run f.gz.job
