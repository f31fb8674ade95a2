#!/bin/bash
# A final file whose job is gone, and a job whose file is gone.
. "$(dirname "$0")/lib.sh"

data small 300 60
args+=(--batch-rows 50 --sync end)
expect_exit 0 sm candidates -o f.gz "${args[@]}"
cp f.gz first.gz

# The file is gone: joined again, nothing is made again.
rm f.gz
inodes f.gz.job before
expect_exit 0 sm candidates -o f.gz "${args[@]}"
kept_inodes f.gz.job before
same first.gz f.gz
equal "$(sql f.gz.job 'SELECT count(*) FROM attempt')" 6

# Another size, or somebody else's: not complete.
truncate -s -3 f.gz
code=0
sm candidates -o f.gz "${args[@]}" >out 2>err || code=$?
case $code in
0) same first.gz f.gz ;;
7) expect_text err f.gz --force ;;
*) fail "a cut final file: exit $code" ;;
esac
expect_exit 0 sm finalize f.gz --force
same first.gz f.gz

# A whole file of ours without its job, or with what a killed plan left of one.
rm -rf f.gz.job
mkdir f.gz.job
expect_exit 0 sm candidates -o f.gz "${args[@]}"
[ ! -e f.gz.job ] || fail "the directory of no job was left behind"
same first.gz f.gz

# A cut file of ours without its job is not taken for the whole one.
rm -rf f.gz.job
truncate -s -3 f.gz
code=0
sm candidates -o f.gz "${args[@]}" >out 2>err || code=$?
case $code in
0) same first.gz f.gz ;;
7) ;;
*) fail "a cut final file without job: exit $code" ;;
esac
expect_exit 0 sm candidates -o f.gz "${args[@]}" --force
same first.gz f.gz
