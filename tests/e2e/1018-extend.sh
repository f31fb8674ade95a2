#!/bin/bash
# More of the same: items, lines or a range that grew at the end.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016
say=(sh -c 'test ! -e fail || exit 9; sed "s/^/$SHARDMILL_BATCH: /"')

kept() { # JOB N: the first N shards are still the same
	head -n "$2" before >want.inodes
	kept_inodes "$1" want.inodes
}

# A range: the last batch was shorter, and is made again.
range() {
	sm exec -o r.gz -j 2 --range "$1" --size 4 "${@:2}" -- seq "{first}" "{last}"
}
expect_exit 0 range 10
inodes r.gz.job before
expect_exit 7 range 15
expect_text err "--range was 10, is 15" --extend
same_text <(seq 0 9) r.gz
expect_exit 0 range 15 --extend
expect_text err "extended: --range was 10, is 15" "2 of 4 batches are done"
kept r.gz.job 2
same_text <(seq 0 14) r.gz
expect_exit 0 sm verify r.gz
expect_exit 0 sm verify r.gz.job
equal "$(sql r.gz.job 'SELECT batches, rows FROM job')" "4|15" "numbers"
# Each night with --extend: nothing new is nothing to do.
inodes r.gz.job before
expect_exit 0 range 15 --extend
expect_text out "nothing is left"
expect_exit 0 range 16 --extend
kept r.gz.job 3
expect_exit 0 range 20 --extend
same_text <(seq 0 19) r.gz
expect_exit 7 range 19 --extend
expect_text err "--range was 20, is 19"
# A lost database: what was kept is still the job's.
rm r.gz.job/job.db*
expect_exit 0 sm recover r.gz.job
expect_text out "5 of 5 batches were whole"
expect_exit 0 range 20
expect_exit 0 sm verify r.gz

# Killed between extending and making the last batch again: not adopted.
rm -rf r.gz r.gz.job
expect_exit 0 range 10
expect_exit 0 sm plan r.gz.job exec -o r.gz --range 11 --size 4 --extend -- \
	seq "{first}" "{last}"
rm r.gz.job/job.db*
expect_exit 0 sm recover r.gz.job
expect_text out "2 of 3 batches were whole"
expect_exit 0 range 11
same_text <(seq 0 10) r.gz
# Not with shards before an option was changed: only job.db knew of those.
expect_exit 0 range 12 --extend --level 9 --accept-changed
rm r.gz.job/job.db*
expect_exit 0 sm recover r.gz.job
expect_text out "1 of 3 batches were whole" "2 of the others"

# Items, from a file and from standard input.
items() { # FILE OPTION...
	sm exec -o i.gz -j 2 --items "$1" "${@:2}" -- echo
}
printf '%s\n' a b c >list
expect_exit 0 items list
inodes i.gz.job before
printf '%s\n' a b c d e >list
expect_exit 7 items list
expect_text err "2 items are new at the end" --extend
expect_exit 0 items list --extend
kept i.gz.job 3
equal "$(count_of i.gz.job done)" 5 "done"
equal "$(sql i.gz.job "SELECT group_concat(item, '') FROM batch")" abcde "items"
# Lost, reordered or changed: the first difference is named.
while IFS='|' read -r words want; do
	# shellcheck disable=SC2086
	printf '%s\n' $words >list
	for option in "" --extend; do
		# shellcheck disable=SC2086
		expect_exit 7 items list $option
		expect_text err "$want"
	done
	expect_exit 7 items list --accept-changed
done <<'END'
a b d e|item 2 was 'c', is 'd'
a b c d|item 4, 'e', is gone
b a c d e|item 0 was 'a', is 'b'
a b c d f|item 4 was 'e', is 'f'
END
: >list
expect_exit 7 items list
expect_text err "the list of items is empty"
equal "$(ls i.gz.job/tables)" "$(sql i.gz.job 'SELECT fingerprint FROM job')" \
	"tables"

# The same list through a pipe is the same job; another one is not passed over.
piped() { # CODE WORDS OPTION...
	local got=0
	# shellcheck disable=SC2086
	printf '%s\n' $2 | items - "${@:3}" >out 2>err || got=$?
	equal "$got" "$1" "exit status"
}
piped 0 "a b c d e"
expect_text out "nothing is left"
piped 7 "a b c d e f"
expect_text err "1 item is new at the end" --extend "shardmill run $PWD/i.gz.job"
piped 7 "a c"
expect_text err "item 1 was 'b', is 'c'"
expect_exit 7 items -
expect_text err "the list of items is empty" "shardmill run"
expect_exit 0 sm run i.gz.job
piped 0 "a b c d e f" --extend
equal "$(sql i.gz.job "SELECT count(*) FROM attempt WHERE outcome = 'done'")" 6 \
	"attempts"

# Lines: whole batches stay; the last one had no newline, or fewer lines.
lines() {
	sm exec -o l.gz -j 2 --input in.txt "$@" -- "${say[@]}"
}
for how in "--lines 4" "--bytes 8"; do
	rm -rf l.gz l.gz.job
	printf 'one\ntwo\nthree\nfour\nfive\nsi' >in.txt
	# shellcheck disable=SC2086
	expect_exit 0 lines $how
	last=$(($(sql l.gz.job "SELECT count(*) FROM batch") - 1))
	inodes l.gz.job before
	printf 'x\nseven\neight\nnine\nten\n' >>in.txt
	# shellcheck disable=SC2086
	expect_exit 7 lines $how
	expect_text err --extend
	expect_exit 7 sm run l.gz.job
	expect_text err --extend
	# shellcheck disable=SC2086
	expect_exit 0 lines $how --extend
	kept l.gz.job "$last"
	rm -rf w.gz w.gz.job
	# shellcheck disable=SC2086
	expect_exit 0 sm exec -o w.gz --input in.txt $how -- "${say[@]}"
	gzip -dc w.gz >want
	same_text want l.gz
	sql l.gz.job "SELECT id, first, \"end\", first_byte, end_byte FROM batch" >a
	sql w.gz.job "SELECT id, first, \"end\", first_byte, end_byte FROM batch" >b
	same a b
	equal "$(sql l.gz.job 'SELECT fingerprint FROM job')" \
		"$(sql w.gz.job 'SELECT fingerprint FROM job')" "fingerprint"
	# Longer, but not what it was before.
	sed -i 's/two/TWO/' in.txt
	echo more >>in.txt
	# shellcheck disable=SC2086
	expect_exit 7 lines $how --extend
	expect_text err "the input 'input'"
done
# A large one, of which samples are read.
yes 'a line of some length' | head -n 500000 >in.txt
rm -rf l.gz l.gz.job
expect_exit 0 lines --lines 100000
echo 'one more' >>in.txt
expect_exit 0 lines --lines 100000 --extend
equal "$(gzip -dc l.gz | wc -l)" 500001 "lines"
equal "$(count_of l.gz.job done)" 6 "batches"

# Unfinished, failed batches and a changed command.
rm -rf r.gz r.gz.job
: >fail
expect_exit 1 sm exec -o r.gz --range 4 --max-attempts 1 -- \
	sh -c 'test ! -e fail || test {first} -lt 2 || exit 9; echo {first}'
rm fail
expect_exit 7 sm exec -o r.gz --range 6 --extend -- echo "{first}"
expect_text err "the command was" "--extend with --accept-changed"
expect_exit 0 sm exec -o r.gz --range 6 --extend --accept-changed \
	--retry-failed -- echo "{first}"
same_text <(seq 0 5) r.gz

# With --consume the file that has what was removed is added to.
consumed() {
	sm exec -o c.gz -j 1 --consume --range "$1" --size 2 "${@:2}" -- \
		seq "{first}" "{last}"
}
expect_exit 0 consumed 65
expect_exit 0 consumed 72 --extend
same_text <(seq 0 71) c.gz
expect_exit 0 sm verify c.gz
equal "$(sql c.gz.job "SELECT count(*) FROM attempt WHERE outcome = 'done'")" \
	37 "attempts"
expect_exit 0 consumed 73 --extend
same_text <(seq 0 72) c.gz
rm c.gz.job/job.db*
expect_exit 0 sm recover c.gz.job
expect_text out "37 of 37 batches were whole"
expect_exit 0 consumed 73
same_text <(seq 0 72) c.gz

# Not a job in parts, nor another kind of change.
expect_exit 0 sm plan p exec -o p.gz --range 4 --parts 2 -- echo "{first}"
expect_exit 7 sm plan p exec -o p.gz --range 5 --parts 2 --extend -- echo "{first}"
expect_text err parts
printf '%s\n' a b c | sm plan q exec -o q.gz --items - --parts 2 -- echo \
	>/dev/null || fail "items in parts"
printf '%s\n' a b c | sm plan q exec -o q.gz --items - --parts 2 -- echo \
	>/dev/null || fail "items in parts, again"
printf '%s\n' a x c | sm plan q exec -o q.gz --items - --parts 2 -- echo \
	2>err && fail "another list"
expect_text err "item 1 was 'b', is 'x'"
