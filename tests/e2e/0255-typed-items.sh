#!/bin/bash
# Items as GNU parallel and xargs have them: ::: and ::::, their product,
# --colsep, several items a batch, and the placeholders that go with it.
# shellcheck disable=SC1083,SC2015,SC2016 # braces and scripts are for the program
. "$(dirname "$0")/lib.sh"

# made WANT OPTIONS...: the job's text is WANT (with \n and \t).
made() {
	local want=$1
	shift
	rm -rf m.gz m.gz.job
	expect_exit 0 sm exec -o m.gz "$@"
	printf '%b' "$want" >want
	zcat m.gz >got || fail "no m.gz"
	cmp -s want got || fail "$* made: $(cat got)"
}
refused() {
	expect_exit "$1" sm plan r.job exec "${@:3}"
	expect_text err "$2"
	[ ! -e r.job ] || fail "a job of: ${*:3}"
}

printf '1\n\n2\n' >list
mkdir d
touch d/x.c

# One list, its product with others, linked ones; the last varies fastest.
made 'a\nb c\n' -- echo {} ::: a 'b c'
made '1 a x\n2 a y\n3 b x\n4 b y\n' -- echo {#} {1} {2} ::: a b ::: x y
made 'a1x\na2x\nb1x\nb2x\n' -- echo {1}{2}{3} ::: a b :::: list ::: x
made 'a1\nb2\n' -- echo {1}{2} ::: a b c :::+ 1 2
made 'a1p\na1q\nb2p\nb2q\n' -- echo {1}{2}{3} ::: a b ::::+ list ::: p q
made 'a1\na2\nb1\nb2\n' -- echo {1}{2} ::: a b :::: <(cat list)
sm exec -q -o s.gz -- echo {} :::: - <list && zcat s.gz | cmp - <(printf '1\n2\n') ||
	fail 'standard input'
made '11\n12\n21\n22\n' -- echo {1}{2} :::: list list
made 'a:1\na:2\n' -0 -- echo {1}:{2} :::: <(printf 'a\0') <(printf '1\0002\0')
made '' -- echo {} ::: ''
made ' x\n-v x\n' -- echo {} ::: '' -v ::: x

# {} alone is a word for each column, and one word among others.
made '2 a b\n' -- sh -c 'echo $# "$@"' sh {} ::: a ::: b
made '1 a b.\n' -- sh -c 'echo $# "$@"' sh {}. ::: a ::: b
made 'd/x x.c d x d/x.c\n' -- echo {.} {/} {//} {/.} {1} ::: d/x.c
made 'x-e\n' -- echo {1/.}-{2.} ::: d/x.c ::: e.f
tab=$(printf '\t')
made 'a\tb\n' -- sh -c 'echo "$SHARDMILL_ITEM"' ::: a ::: b
[ "$(sql m.gz.job 'SELECT item FROM batch')" = "a${tab}b" ] || fail "batch.item"

# Several a batch, and columns of a line.
made 'a b\nc\n' -N 2 -- echo {} ::: a b c
made 'a b|0 2\nc |2 3\n' --size 2 -- echo '{1} {2}|{first}' {end} ::: a b c
made '1 2\n' -N 5 --items list -- echo {}
printf 'a,b\nc,d\n' >csv
made 'ba\ndc\n' --colsep , --items csv -- echo {2}{1}
made 'ba a,b\ndc c,d\n' --colsep ',|;' -- echo {2}{1} {item} :::: csv
made 'b a\n' --colsep '\t' -- echo {2} {1} ::: "a${tab}b"
made 'b a\n' --colsep ' +' -- echo {2} {1} ::: 'a   b'

# Other batches: ::: is the command's own.
made ':::\n' --range 1 -- echo :::
made 'x ::: y\n' --items <(echo x) -- echo {} ::: y
# Braces of the shell and of expressions.
made '1 x\n' -- sh -c 'echo ${#} ${1}' sh {} ::: x
made 'a2024\n' -- sh -c 'echo a2024 | grep -E "[0-9]{4}"' ::: x

# The same command is the same job, another list is not, a longer one extends.
made '1a\n1b\n2a\n2b\n' -- echo {1}{2} ::: 1 2 ::: a b
cp m.gz first.gz
expect_exit 0 sm exec -o m.gz -- echo {1}{2} ::: 1 2 ::: a b
expect_text out 'nothing is left to do'
expect_exit 7 sm exec -o m.gz -- echo {1}{2} ::: 1 2 ::: b a
expect_text err "item 0 was '1\ta', is '1\tb'"
expect_exit 7 sm exec -o m.gz --colsep '\t' -- echo {1}{2} ::: "1${tab}a"
expect_exit 0 sm exec -o m.gz --extend -- echo {1}{2} ::: 1 2 3 ::: a b
zcat m.gz >got
printf '1a\n1b\n2a\n2b\n3a\n3b\n' | cmp - got || fail "not extended"
# With -N the last one may have got what it lacked: it alone is made again.
made '1 2\n3 \n' -N 2 -- echo {1} {2} ::: 1 2 3
expect_exit 7 sm exec -o m.gz -N 2 --extend -- echo {1} {2} ::: 1 2 4 5
expect_exit 0 sm exec -o m.gz -N 2 --extend -- echo {1} {2} ::: 1 2 3 4 5
zcat m.gz | cmp - <(printf '1 2\n3 4\n5 \n') || fail "not extended by columns"
equal "$(sql m.gz.job 'SELECT group_concat(n) FROM (SELECT count(*) AS n
	FROM attempt GROUP BY batch)')" 1,2,1 "times made"
made '1a\n1b\n2a\n2b\n3a\n3b\n' -- echo {1}{2} ::: 1 2 3 ::: a b
rm -rf m.gz.job/job.db* m.gz
expect_exit 0 sm recover m.gz.job
expect_exit 0 sm run m.gz.job
zcat m.gz | cmp - got || fail "not recovered"

# What makes no sense is said, and nothing is made.
refused 2 "no file comes after '::::'" -- echo ::::
refused 2 'one list, not 2' -- echo :::: - -
refused 2 'give one of --lines' -- echo
refused 2 'goes with one list' --colsep , -- echo ::: a ::: b
refused 2 'matches where nothing is' --colsep ',*' -- echo ::: a
refused 2 '--colsep goes with' --colsep , --range 3 -- echo
refused 2 'exclude each other' --colsep , -N 2 -- echo ::: a
refused 2 'bad value' --colsep '((' -- echo ::: a
refused 3 "item 1, 'x', has 1 column by --colsep, and the command asks for {2}" \
	--colsep , -- echo {2} ::: a,b x
refused 3 'holds a TAB' -- echo ::: "a${tab}b" ::: c
refused 3 'holds a TAB' -N 2 -- echo ::: "a${tab}b" c
refused 3 "cannot open the items" -- echo {} :::: none
refused 2 'with --serve' --serve -- echo {1} ::: a
exit 0
