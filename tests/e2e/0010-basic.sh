#!/bin/bash
# One command makes the file; a second one sees that it is there.
. "$(dirname "$0")/lib.sh"

expect_exit 0 sm --version
grep -q '[0-9]\.[0-9]' out || fail "no version"
expect_exit 0 sm --help
expect_text out candidates status finalize verify
expect_exit 2 sm
expect_exit 2 sm frobnicate
expect_exit 2 sm candidates --no-such-option
expect_exit 2 sm candidates -o f.gz
expect_exit 2 sm status
[ ! -e f.gz.job ] || fail "a usage error made a job"

data small 300 60
oracle
expect_exit 0 sm candidates -o f.gz -j 2 --batch-rows 100 "${args[@]}"
cat out err >said
expect_text said "f.gz.job"
gzip -t f.gz || fail "not gzip"
same_text "$set/want" f.gz
no_leftovers f.gz.job
equal "$(count_of f.gz.job done)" 3 "number of batches"
for name in job.db spec.json tables shards/000000.gz shards/000002.gz workers; do
	[ -e "f.gz.job/$name" ] || fail "no $name"
done
gzip -dc f.gz.job/shards/00000[012].gz >joined
same "$set/want" joined
equal "$(sql f.gz.job 'PRAGMA integrity_check')" ok integrity

stat -c '%i %Y' f.gz >before
expect_exit 0 sm candidates -o f.gz --batch-rows 100 "${args[@]}"
stat -c '%i %Y' f.gz >after
same before after
expect_exit 0 sm finalize f.gz
expect_exit 0 sm verify f.gz.job
expect_exit 0 sm verify f.gz

# Without the job, the file itself tells that it is this job's.
rm -rf f.gz.job
expect_exit 0 sm verify f.gz
expect_exit 0 sm candidates -o f.gz --batch-rows 100 "${args[@]}"
[ ! -e f.gz.job ] || fail "a job was made for a complete file"
expect_exit 7 sm candidates -o f.gz --batch-rows 50 "${args[@]}"
stat -c '%i %Y' f.gz >after
same before after
[ ! -e f.gz.job ] || fail "a refused plan left its job"
expect_exit 0 sm candidates -o f.gz --batch-rows 50 --force "${args[@]}"
same_text "$set/want" f.gz

# Bytes do not depend on the place.
mkdir elsewhere
cp "$set"/*.npy "$set"/*.json elsewhere
(cd elsewhere && expect_exit 0 sm candidates -o g.gz --batch-rows 50 \
	--cands cands.npy --scores scores.npy --keys keys.json \
	--vocab vocab.json) || exit 1
same f.gz elsewhere/g.gz
