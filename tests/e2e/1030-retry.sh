#!/bin/bash
# retry: the named batches go back to pending, and no others.
. "$(dirname "$0")/lib.sh"

data small 300 60
oracle
expect_exit 0 sm candidates -o f.gz --batch-rows 25 --sync end "${args[@]}"
cp f.gz first.gz

pending() {
	sql f.gz.job "SELECT group_concat(id) FROM (SELECT id FROM batch
		WHERE state = 'pending' ORDER BY id)"
}

expect_exit 0 sm retry f.gz
equal "$(pending)" "" "pending without failed ones"
expect_exit 0 sm retry f.gz.job --batch 3,7-9
equal "$(pending)" 3,7,8,9 pending
# The old file is not complete any more, and finalize says which are missing.
expect_exit 1 sm finalize f.gz
expect_text err 3 7
same first.gz f.gz
sql f.gz.job "SELECT id FROM batch WHERE state = 'done'" | wc -l |
	grep -qx 8 || fail "others were put back"
inodes f.gz.job before
expect_exit 0 sm run f.gz.job
kept_inodes f.gz.job before
same first.gz f.gz
equal "$(sql f.gz.job "SELECT group_concat(batch) FROM (SELECT batch
	FROM attempt GROUP BY batch HAVING count(*) = 2 ORDER BY batch)")" \
	3,7,8,9 "batches made twice"

sql f.gz.job "UPDATE batch SET state = 'failed', attempts = 3
	WHERE id IN (2, 11)"
expect_exit 1 sm run f.gz.job
equal "$(pending)" "" "a rerun put failed ones back"
expect_exit 0 sm retry f.gz.job
equal "$(pending)" 2,11 "retry's default"
expect_exit 0 sm candidates -o f.gz --batch-rows 25 "${args[@]}"
sql f.gz.job "UPDATE batch SET state = 'failed', attempts = 3 WHERE id = 4"
expect_exit 0 sm retry f.gz.job --failed
equal "$(pending)" 4 "--failed"
sql f.gz.job "UPDATE batch SET state = 'failed', attempts = 3 WHERE id = 5"
expect_exit 0 sm candidates -o f.gz --batch-rows 25 "${args[@]}" --retry-failed
same first.gz f.gz

# A shell's UPDATE does the same; a pending batch gets at least one attempt
# whatever its count.
sql f.gz.job "UPDATE batch SET state = 'pending', attempts = 99 WHERE id = 6"
expect_exit 0 sm run f.gz.job
same first.gz f.gz

expect_exit 0 sm retry f.gz.job --all
equal "$(count_of f.gz.job pending)" 12
expect_exit 0 sm run f.gz.job
same first.gz f.gz

for bad in 9-3 x "3," -1 1-2-3 ""; do
	expect_exit 2 sm retry f.gz.job --batch "$bad"
done
code=0
sm retry f.gz.job --batch 12 >out 2>err || code=$?
[[ $code = [23] ]] || fail "retry of a batch that is not there: exit $code"
equal "$(pending)" "" "a refused retry changed something"
