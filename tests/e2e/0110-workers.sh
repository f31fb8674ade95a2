#!/bin/bash
# Compressed bytes are the same whatever the number of workers.
. "$(dirname "$0")/lib.sh"

data small 300 60
oracle
for j in 1 2 7; do
	expect_exit 0 sm candidates -o $j.gz -j $j --batch-rows 7 "${args[@]}"
	same_text "$set/want" $j.gz
done
same 1.gz 2.gz
same 1.gz 7.gz
equal "$(count_of 7.gz.job done)" 43

# One row per batch, all in one batch, another level: the same text.
for opt in --batch-rows=1 --batch-rows=1000000000 --level=1 --level=9; do
	expect_exit 0 sm candidates -o o.gz -j 2 $opt --sync end "${args[@]}"
	same_text "$set/want" o.gz
	rm -rf o.gz o.gz.job
done
