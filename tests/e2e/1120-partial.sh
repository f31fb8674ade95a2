#!/bin/bash
# finalize --allow-missing, --batches: what is there, and what is not is listed.
. "$(dirname "$0")/lib.sh"

seq 0 99 >lines
expect_exit 1 sm exec -o f.gz --input lines --lines 10 --max-attempts 1 -q -- \
	grep -v -e 35 -e '^7[0-9]'	# batch 7 prints nothing: exit 1
equal "$(count_of f.gz.job failed)" 1
sql f.gz.job "UPDATE batch SET state = 'pending' WHERE id IN (2, 3)"
expect_exit 1 sm finalize f.gz
expect_text err "2, 3" --allow-missing
[ ! -e f.gz ] || fail "a partial file stands there"

{ seq 0 19; seq 40 69; seq 80 99; } >want
rm -f part.gz
expect_exit 1 sm finalize f.gz -o part.gz --allow-missing
expect_text err "2, 3, 7"
expect_text out "7 batches"
same_text want part.gz
expect_exit 0 sm verify part.gz
expect_text out "3 batches were left out"
expect_exit 0 sm index part.gz
expect_text out "left out: 2-3, 7"
expect_exit 0 sm index --json part.gz
equal "$(json out missing)" 3
expect_exit 0 sm cat part.gz
same out want
expect_exit 0 sm cat part.gz --rows 15-45
{ seq 15 19; seq 40 45; } >text
same out text
expect_text err "left out"
expect_exit 3 sm cat part.gz --batch 3
expect_text err "left out"

# A range: its batches must be done.
expect_exit 1 sm finalize f.gz -o some.gz --batches 1-2
expect_text err "batches 2"
[ ! -e some.gz ] || fail "it was written all the same"
expect_exit 0 sm finalize f.gz -o some.gz --batches 4-6
seq 40 69 >want
same_text want some.gz
expect_exit 0 sm cat some.gz --rows 55-57
seq 55 57 >text
same out text
expect_exit 1 sm finalize f.gz -o some.gz --batches 6-8 --allow-missing
{ seq 60 69; seq 80 89; } >want
same_text want some.gz
expect_exit 2 sm finalize f.gz -o some.gz --batches 10-11
expect_exit 2 sm finalize f.gz -o some.gz --batches 1,3

# A part gives way to the whole; the whole does not give way to a part.
expect_exit 1 sm finalize f.gz -o f.gz --allow-missing
sql f.gz.job "UPDATE batch SET state = 'pending' WHERE id = 7;
	UPDATE job SET spec = replace(spec, '^7[0-9]', '^7[1-9]')"
rm -rf f.gz.job
expect_exit 0 sm exec -o f.gz --input lines --lines 10 -q --force -- cat
same_text lines f.gz
expect_exit 7 sm finalize f.gz --batches 1-2
expect_text err "is whole"
same_text lines f.gz
expect_exit 0 sm finalize f.gz --batches 1-2 --force
seq 10 29 >want
same_text want f.gz
expect_exit 0 sm finalize f.gz --allow-missing
same_text lines f.gz
