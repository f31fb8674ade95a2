#!/bin/bash
# verify JOB finds every kind of damage to a shard, --requeue puts back just
# those, and finalize never ships one.
. "$(dirname "$0")/lib.sh"

data small 300 60
expect_exit 0 sm candidates -o f.gz --batch-rows 50 --sync end "${args[@]}"
mv f.gz first.gz
cp -r f.gz.job whole
shard=f.gz.job/shards/000002.gz
size=$(stat -c %s $shard)

flip() {
	"$PYTHON" - "$1" "$2" <<'PY'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[int(sys.argv[2])] ^= 1 << (int(sys.argv[2]) % 8)
open(sys.argv[1], "wb").write(data)
PY
}

# damaged WHAT BATCH...: found, named, never joined, put back, made again
damaged() {
	local what=$1 batch code=0
	shift
	expect_exit 9 sm verify f.gz.job
	for batch; do
		grep -qwE "0*$batch" out err || fail "$what: $batch not named"
	done
	sm finalize f.gz.job >out 2>err || code=$?
	[ $code != 0 ] || fail "$what: finalize shipped it"
	[ ! -e f.gz ] || fail "$what: finalize left a file"
	rm -rf f.gz.part f.gz.job
	cp -r damaged f.gz.job
	inodes f.gz.job before
	for batch; do
		sed -i "/^$batch /d" before
	done
	expect_exit 9 sm verify f.gz.job --requeue
	equal "$(sql f.gz.job "SELECT group_concat(id, ' ') FROM (SELECT id
		FROM batch WHERE state = 'pending' ORDER BY id)")" "$*" \
		"$what: put back"
	expect_exit 0 sm run f.gz.job
	kept_inodes f.gz.job before
	same first.gz f.gz
	expect_exit 0 sm verify f.gz.job
}

# each WHAT "BATCHES" CMD...: on a fresh copy
each() {
	local what=$1 batches=$2
	shift 2
	rm -rf f.gz f.gz.part f.gz.job damaged
	cp -r whole f.gz.job
	"$@" || fail "cannot make: $what"
	cp -r f.gz.job damaged
	# shellcheck disable=SC2086
	damaged "$what" $batches
}

swap() {
	mv f.gz.job/shards/000001.gz x
	mv f.gz.job/shards/000004.gz f.gz.job/shards/000001.gz
	mv x f.gz.job/shards/000004.gz
}
other() {
	echo '{"key": "a", "value": []}' | gzip >$shard
}
append() {
	printf 'x' >>$shard
}
append_member() {
	echo more | gzip >>$shard
}
symlink() {
	mv $shard elsewhere.gz
	ln -s "$dir/elsewhere.gz" $shard
}
folder() {
	rm $shard
	mkdir $shard
}

for at in 0 12 30 $((size / 2)) $((size - 9)) $((size - 1)); do
	each "a bit at $at" 2 flip $shard "$at"
done
for cut in 0 30 $((size / 2)) $((size - 1)); do
	each "cut at $cut" 2 truncate -s "$cut" $shard
done
each deleted 2 rm $shard
each "two deleted" "0 5" rm f.gz.job/shards/000000.gz f.gz.job/shards/000005.gz
each swapped "1 4" swap
each "other data" 2 other
each "appended to" 2 append
each "a member appended" 2 append_member
each "a symlink" 2 symlink

# The one command makes damage good by itself: by size at the start, by CRC
# when joining.
for change in "rm $shard" "truncate -s 9 $shard" "flip $shard 100" swap; do
	rm -rf f.gz f.gz.part f.gz.job
	cp -r whole f.gz.job
	$change
	expect_exit 0 sm candidates -o f.gz --batch-rows 50 "${args[@]}"
	same first.gz f.gz
done

# A rename that a power cut forgot is completed, whoever meets it first, over an
# older shard of the same size.
token=$(sql whole "SELECT token FROM batch WHERE id = 2")
for command in finalize "verify --requeue"; do
	rm -rf f.gz f.gz.part f.gz.job
	cp -r whole f.gz.job
	cp $shard "f.gz.job/shards/000002.$token.tmp"
	flip $shard 100
	# shellcheck disable=SC2086
	expect_exit 0 sm $command f.gz.job
	expect_text err "1 file that a power cut left unnamed"
	expect_exit 0 sm finalize f.gz.job
	same first.gz f.gz
	equal "$(sql f.gz.job "SELECT token FROM batch WHERE id = 2")" "$token"
done

# What finalize says of a shard that is gone for good.
rm -f f.gz $shard
expect_exit 9 sm finalize f.gz.job
expect_text err "cannot finalize" f.gz.job 000002.gz "put back" "run"

# A job that is not finished: what is missing is said; and it does not stand
# for a final file that is not there.
rm -rf f.gz f.gz.part f.gz.job
expect_exit 0 sm plan f.gz.job candidates -o f.gz --batch-rows 50 "${args[@]}"
expect_exit 0 sm verify f.gz.job
expect_text out "6 batches are not done"
expect_exit 3 sm verify f.gz
expect_text err "cannot verify 'f.gz'" F.job
