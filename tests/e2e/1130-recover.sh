#!/bin/bash
# `recover`: job.db is gone, damaged or lacks rows; intact shards are reused.
. "$(dirname "$0")/lib.sh"

data small 300 60
args+=(--batch-rows 50 --sync end)
reference b50
expect_exit 0 sm plan f.gz.job candidates -o f.gz "${args[@]}"
expect_exit 0 sm run f.gz.job
rm f.gz

lose_database() {
	rm -f f.gz.job/job.db f.gz.job/job.db-*
}

finished() { # REUSED
	equal "$(count_of f.gz.job done)" "$1" "batches reused"
	expect_exit 0 sm candidates -o f.gz "${args[@]}"
	same "$set/b50.gz" f.gz
	expect_exit 0 sm verify f.gz.job
	rm f.gz
}

# A whole database is not touched.
expect_exit 7 sm recover f.gz.job
expect_text err whole
lose_database
expect_exit 6 sm candidates -o f.gz "${args[@]}"
expect_text err recover
expect_exit 0 sm recover f.gz.job
finished 6

# Rows that somebody deleted are no damage to SQLite, but they are to a job.
for rows in "id = 3" "id = 5" "id >= 0"; do
	sql f.gz.job "DELETE FROM batch WHERE $rows"
	expect_exit 6 sm run f.gz.job
	expect_text err recover
	expect_exit 0 sm recover f.gz.job
	finished 6
done

# Shards that are missing, cut, of another batch, or with a word of their
# header changed: made again, the others reused.
lose_database
rm f.gz.job/shards/000000.gz
truncate -s -1 f.gz.job/shards/000001.gz
cp f.gz.job/shards/000003.gz f.gz.job/shards/000002.gz
printf '\1' | dd of=f.gz.job/shards/000004.gz bs=1 seek=60 conv=notrunc \
	status=none
expect_exit 0 sm recover f.gz.job
finished 2

# A damaged database is kept beside the new one.
printf 'no database' >f.gz.job/job.db
rm -f f.gz.job/job.db-*
expect_exit 0 sm recover f.gz.job
equal "$(cat f.gz.job/job.db.damaged)" "no database" "what was kept"
finished 6

# What a killed recovery left, or a killed plan, does not take its place.
sql f.gz.job "DELETE FROM attempt; DELETE FROM batch; DELETE FROM job"
expect_exit 0 sm recover f.gz.job
rm -f f.gz.job/job.db-*
: >f.gz.job/job.db
expect_exit 0 sm recover f.gz.job
equal "$(cat f.gz.job/job.db.damaged)" "no database" "what was kept"
finished 6

# Tables that are lost are compiled again, and nothing of that is left over.
lose_database
rm -r f.gz.job/tables
mkdir f.gz.job/tables
expect_exit 0 sm recover f.gz.job
equal "$(ls f.gz.job/tables)" "$(sql f.gz.job 'SELECT fingerprint FROM job')"
finished 6

# Killed at any moment, it can be run again.
seed_random
for _ in 1 2 3 4 5 6; do
	lose_database
	start recover recover f.gz.job
	sleep "$(random_ms 60)"
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
	code=0
	sm recover f.gz.job >out 2>err || code=$?
	[[ $code = [07] ]] || fail "after a kill: exit $code"
	finished 6
done

# Other inputs: refused, and the shards stay.
lose_database
cp "$set/keys.json" keys.json
sed -i "s|$set/keys.json|$PWD/keys.json|" f.gz.job/spec.json
sed -i 's/user-7"/user-8"/' keys.json
expect_exit 7 sm recover f.gz.job
expect_text err "put the planned inputs back"
equal "$(find f.gz.job/shards -name '*.gz' | wc -l)" 6
cp "$set/keys.json" keys.json
expect_exit 0 sm recover f.gz.job
equal "$(count_of f.gz.job done)" 6

# Nor is another number of batches what was planned, by whoever wrote it.
lose_database
sed -i.bak 's/"batches": *6/"batches": 7/' f.gz.job/spec.json
expect_exit 7 sm recover f.gz.job
expect_text err "put the planned inputs back" "6 batches" "and 7"
mv f.gz.job/spec.json.bak f.gz.job/spec.json
expect_exit 0 sm recover --network-fs f.gz.job
equal "$(count_of f.gz.job done)" 6
equal "$(sql f.gz.job 'PRAGMA journal_mode')" delete "a job without a log"

# Nothing to do is a job, too.
: >none.txt
expect_exit 0 sm exec -o none.gz --input none.txt --lines 5 -- cat
rm none.gz.job/job.db*
expect_exit 0 sm recover none.gz.job
expect_exit 0 sm exec -o none.gz --input none.txt --lines 5 -- cat
equal "$(gzip -dc none.gz | wc -c)" 0 "bytes of nothing"

# Without spec.json nothing says what the shards are of.
lose_database
rm f.gz.job/spec.json
expect_exit 3 sm recover f.gz.job
