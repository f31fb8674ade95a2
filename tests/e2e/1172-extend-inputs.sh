#!/bin/bash
# --extend of lines: gzip to which a member was appended, several files of which
# the last one grew, a list with one more file, standard input; what is not at
# the end is refused by name.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016
say=(sh -c 'sed "s/^/$SHARDMILL_BATCH: /"')
lines() { # OPTION... : into l.gz, 400 lines a batch
	sm exec -o l.gz -j 2 --level 1 --lines 400 "$@" -- "${say[@]}"
}
# What was extended is what is planned anew; the first N shards were kept.
extended() { # N INPUT-OPTION...
	local n=$1
	shift
	head -n "$n" before >want.inodes
	kept_inodes l.gz.job want.inodes
	rm -rf w.gz w.gz.job
	expect_exit 0 sm exec -o w.gz --level 1 --lines 400 "$@" -- "${say[@]}"
	gzip -dc w.gz >want
	same_text want l.gz
	sql l.gz.job "SELECT id, first, \"end\", first_byte, end_byte FROM batch" >have.rows
	sql w.gz.job "SELECT id, first, \"end\", first_byte, end_byte FROM batch" >want.rows
	same have.rows want.rows
	equal "$(sql l.gz.job 'SELECT fingerprint FROM job')" \
		"$(sql w.gz.job 'SELECT fingerprint FROM job')" "fingerprint"
	equal "$(ls l.gz.job/tables)" "$(ls w.gz.job/tables)" "tables"
	cmp l.gz.job/tables/*/lines w.gz.job/tables/*/lines ||
		fail "the table of lines"
	expect_exit 0 sm verify l.gz.job
	inodes l.gz.job before
}
again() { # begin anew, with INPUT-OPTION...
	rm -rf l.gz l.gz.job
	expect_exit 0 lines "$@"
	inodes l.gz.job before
}
seq 1 1000 >one
seq 1001 1700 >two
seq 1701 2300 >three

# A member more, at a line's end and within a line.
gzip -c one >in.gz
again --input in.gz
gzip -c two >>in.gz
expect_exit 7 lines --input in.gz
expect_text err "'input'" --extend
expect_exit 0 lines --input in.gz --extend
extended 2 --input in.gz
printf 'with' | gzip -c >>in.gz
expect_exit 0 lines --input in.gz --extend
extended 4 --input in.gz
printf 'out\nand more' | gzip -c >>in.gz
expect_exit 0 lines --input in.gz --extend
extended 4 --input in.gz
expect_exit 0 lines --input in.gz --extend
expect_text out "nothing is left"
# A member that is not whole is nothing to add.
cp in.gz whole.gz
gzip -c three | head -c 300 >>in.gz
expect_exit 3 lines --input in.gz --extend
expect_text err "in.gz" "cut off"
mv whole.gz in.gz
expect_exit 0 lines --input in.gz --extend
extended 5 --input in.gz
# Text in more than one stretch: points to enter at come with it.
again --input in.gz
"$PYTHON" -c 'import random
random.seed(5)
for n in range(40000):
    print("".join(random.choices("abcdefghij", k=600)))' >large
gzip -1 -c large >>in.gz
expect_exit 0 lines --input in.gz --extend
extended 4 --input in.gz

# Several, the last of which grew; one that is not the last one is named.
cp one a
gzip -c two >b.gz
cp three c
several=(--input a --input b.gz --input c)
again "${several[@]}"
seq 2301 2500 >>c
expect_exit 7 sm run l.gz.job
expect_text err "/c' changed" --extend
expect_exit 0 lines "${several[@]}" --extend
extended 6 "${several[@]}"
gzip -c three >>b.gz
for option in "" --extend; do
	# shellcheck disable=SC2086
	expect_exit 7 lines "${several[@]}" $option
	expect_text err "'input 2', $PWD/b.gz had"
	grep -q -- '--extend' err && fail "--extend is no way on"
done
expect_exit 7 lines "${several[@]}" --extend --accept-changed
expect_text err "would be another one" "--restart begins again"
expect_exit 7 sm run l.gz.job
expect_text err "/b.gz' changed"
grep -q -- '--extend' err && fail "--extend is no way on"
gzip -c two >b.gz
sed -i '5s/.*/five/' a
expect_exit 7 lines "${several[@]}" --extend
expect_text err "'input', $PWD/a had"

# A list: one more at the end, and the last one grew as well.
cp one a
printf '%s\n' a b.gz >list
again --inputs list
echo c >>list
expect_exit 7 lines --inputs list
expect_text err "there was no input 'input 3', $PWD/c" --extend
expect_exit 0 lines --inputs list --extend
expect_text err "extended: there was no input 'input 3'"
extended 5 --inputs list
seq 2501 2600 >>c
cp one d
cp two e
printf '%s\n' a b.gz c d e >list
expect_exit 0 lines --inputs list --extend
extended 6 --inputs list
# Not in the middle, nor in another order, nor fewer.
while IFS='|' read -r names want; do
	# shellcheck disable=SC2086
	printf '%s\n' $names >other
	expect_exit 7 lines --inputs other --extend
	expect_text err "$want"
	expect_exit 7 lines --inputs other --extend --accept-changed
done <<END
a d b.gz c e|the input 'input 2', $PWD/d had
b.gz a c d e|the input 'input', $PWD/b.gz had
a b.gz c d|there is no input 'input 5' any more, $PWD/e
END
expect_exit 0 lines --inputs list --extend
expect_text out "nothing is left"
# A lost database: which files there are, and what was kept, is known.
rm l.gz.job/job.db*
expect_exit 0 sm recover l.gz.job
expect_exit 0 lines --inputs list
extended 13 --inputs list

# Standard input that has more at its end; a file in its place, and back.
rm -rf l.gz l.gz.job
lines --input - <one >out 2>err || fail "standard input"
inodes l.gz.job before
cat one two >in
lines --input - <in >out 2>err && fail "another standard input"
expect_text err "$(stat -c %s in) now" "with more at the end" --extend
lines --input - --extend <in >out 2>err || fail "more at its end"
extended 2 --input in
expect_exit 0 lines --input in
lines --input - <in >out 2>err && fail "standard input for a file"
expect_text err "the input 'input' was the file '$PWD/in', is standard input"
lines --input - --accept-changed <in >out 2>err || fail "accepted"
expect_exit 0 sm retry l.gz.job --all
expect_exit 0 sm run l.gz.job
same_text want l.gz
