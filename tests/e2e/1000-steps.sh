#!/bin/bash
# Step by step: plan, run, work, finalize; a job is named by its directory or
# by its final file.
. "$(dirname "$0")/lib.sh"

data small 300 60
oracle
args+=(--batch-rows 50 --sync end)

# Without -o: run makes the shards, finalize is asked for.
expect_exit 0 sm plan job candidates "${args[@]}"
equal "$(count_of job pending)" 6
[ -z "$(ls job/shards)" ] || fail "planning made shards"
expect_exit 0 sm status job
expect_exit 1 sm finalize job -o f.gz
[ ! -e f.gz ] || fail "a partial file was made"
expect_exit 0 sm plan job candidates "${args[@]}"
expect_exit 7 sm plan job candidates "${args[@]}" --min-score 0.4
expect_exit 0 sm run job -j 2
no_leftovers job
expect_exit 0 sm run job
expect_exit 0 sm verify job
expect_exit 0 sm finalize job -o f.gz
same_text "$set/want" f.gz
expect_exit 0 sm finalize job -o f.gz
echo mine >g.gz
expect_exit 7 sm finalize job -o g.gz
equal "$(cat g.gz)" mine
expect_exit 0 sm finalize job -o h.gz
same f.gz h.gz

# With -o: run finalizes; the final file's name is enough.
expect_exit 0 sm plan x.gz.job candidates -o x.gz "${args[@]}"
expect_exit 0 sm status x.gz
expect_exit 0 sm run x.gz
same f.gz x.gz
expect_exit 0 sm status x.gz

# By hand alone: work makes all shards.
expect_exit 0 sm plan y.gz.job candidates -o y.gz "${args[@]}"
expect_exit 0 sm work y.gz.job
equal "$(count_of y.gz.job done)" 6
expect_exit 0 sm finalize y.gz
same f.gz y.gz

# A job may be moved; its inputs may not.
expect_exit 0 sm plan z candidates "${args[@]}"
sql z "UPDATE job SET workers = 1"
mv z moved
expect_exit 0 sm run moved
expect_exit 0 sm finalize moved -o moved.gz
same f.gz moved.gz

# No job there.
for command in status run work retry finalize verify; do
	expect_exit 3 sm $command nowhere
	expect_text err nowhere
	[ ! -e nowhere ] || fail "$command made a job"
done
