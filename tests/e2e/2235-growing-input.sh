#!/bin/bash
# An input that grows: what is in hand is made of the planned bytes, and no run
# begins with the longer one; cut back to what was planned it goes on, and
# nothing is made again.
. "$(dirname "$0")/lib.sh"

# refused JOB FILE WORD...: 7, with the size then and now
refused() {
	expect_exit 7 sm run "$1"
	expect_text err "$2' changed since" "--accept-changed" "${@:3}"
}

# Lines are appended while a command has the last ones in hand, once behind a
# whole line and once behind one that had no end.
for end in '\n' ''; do
	rm -rf f.gz f.gz.job go
	# shellcheck disable=SC2059
	printf "one\ntwo\nthree$end" >lines
	cp lines planned
	size=$(stat -c %s lines)
	expect_exit 0 sm plan f.gz.job exec -o f.gz --input lines --lines 2 \
		-- sh -c 'while [ ! -e go ]; do sleep 0.02; done; cat'
	start work work f.gz.job
	wait_for 20 at_least f.gz.job running 1
	printf 'and more\nfour\nfive\n' >>lines
	touch go
	ended 0 "$pid" work
	equal "$(count_of f.gz.job done)" 2 "done batches"
	refused f.gz.job "$PWD/lines" "had $size bytes" \
		"has $(stat -c %s lines)"
	[ ! -e f.gz ] || fail "a file was made"
	inodes f.gz.job before
	truncate -s "$size" lines
	expect_exit 0 sm run f.gz.job
	kept_inodes f.gz.job before
	same_text planned f.gz
	made_once f.gz.job
	# Nor is the finished job's file called that of the longer input.
	printf 'and more\n' >>lines
	refused f.gz.job "$PWD/lines"
	same_text planned f.gz
done

# Rows are appended between runs, whatever the header says of their number.
data small 300 60
reference by100 --batch-rows 100
cp "$set"/cands.npy "$set"/keys.json .
mine=("${args[@]/$set\/cands.npy/cands.npy}")
mine=("${mine[@]/$set\/keys.json/keys.json}")
expect_exit 0 sm plan g.gz.job candidates -o g.gz --batch-rows 100 "${mine[@]}"
sql g.gz.job "UPDATE batch SET state = 'failed' WHERE id > 0"
expect_exit 1 sm run g.gz.job
sql g.gz.job "UPDATE batch SET state = 'pending' WHERE id > 0"
inodes g.gz.job before
size=$(stat -c %s cands.npy)
head -c 2400 /dev/zero >>cands.npy
refused g.gz.job "$PWD/cands.npy" "had $size bytes" "has $((size + 2400))"
"$PYTHON" -c 'import numpy as np
np.save("cands.npy", np.vstack([np.load("'"$set"'/cands.npy")] * 2))'
refused g.gz.job "$PWD/cands.npy"
cp "$set"/cands.npy cands.npy
echo >>keys.json
refused g.gz.job "$PWD/keys.json"
cp "$set"/keys.json .
expect_exit 0 sm run g.gz.job
kept_inodes g.gz.job before
same "$set/by100.gz" g.gz
made_once g.gz.job
