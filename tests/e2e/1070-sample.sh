#!/bin/bash
# sample: a data set from a seed, for the program and for the oracle.
. "$(dirname "$0")/lib.sh"

expect_exit 0 sm sample a --rows 500 --width 80 --seed 4
expect_exit 0 sm sample b --rows 500 --width 80 --seed 4
expect_exit 0 sm sample c --rows 500 --width 80 --seed 5
diff -r a b >/dev/null || fail "one seed, two data sets"
! diff -r a c >/dev/null || fail "two seeds, one data set"
args=(--cands=a/cands.npy --scores=a/scores.npy --keys=a/keys.json
	--vocab=a/vocab.json)
"$PYTHON" "$tests/oracle.py" -j 2 -o want.gz --batch-rows 100 --stats \
	"${args[@]}" >stats || fail oracle
gzip -dc want.gz >want
[ "$(wc -l <want)" -gt 100 ] || fail "hardly a record: $(cat stats)"
expect_exit 0 sm candidates -o got.gz --batch-rows 100 "${args[@]}"
same_text want got.gz

# Not into a directory that has other things of these names.
cksum a/* >before
code=0
sm sample a --rows 10 >out 2>err || code=$?
cksum a/* >after
[ $code != 0 ] || same before after
expect_exit 2 sm sample
expect_exit 2 sm sample d --rows x
