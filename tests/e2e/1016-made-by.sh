#!/bin/bash
# What a command's output is made by, beside its input: its program, files among
# its words, and those of --depends, are compared at every start.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

script() { # FILE TEXT
	printf '#!/bin/sh\ntest -e whole || test "$1" -lt 2 || exit 9\n%s\n' \
		"$2" >"$1"
	chmod +x "$1"
}
version() {
	script part.sh "echo version $1"
}
job=(exec -o out.gz -j 1 --max-attempts 1 --range 4)
begin() { # OPTION... -- COMMAND...: half of it is done
	rm -rf out.gz out.gz.job whole
	expect_exit 1 sm "${job[@]}" "$@"
	equal "$(count_of out.gz.job done)" 2 "done batches"
	: >whole
}
finish() {
	expect_exit 0 sm "${job[@]}" --retry-failed "$@"
}
mixed() {
	equal "$(gzip -dc out.gz | sort | uniq -c | tr -s ' \n' ' ')" \
		" 2 version 1 2 version 2 " "text"
	equal "$(sql out.gz.job "SELECT count(DISTINCT fingerprint) FROM attempt
		WHERE outcome = 'done'")" 2 "fingerprints of attempts"
}

# The program, named by its path: told by name, and refused, at every start.
version 1
begin -- ./part.sh "{first}"
cp part.sh kept.sh
version 2
expect_exit 7 sm "${job[@]}" --retry-failed -- ./part.sh "{first}"
expect_text err "part.sh' (the command's program) changed" --accept-changed
expect_exit 7 sm run out.gz --retry-failed
expect_text err "part.sh' (the command's program) changed" --accept-changed
finish --accept-changed -- ./part.sh "{first}"
mixed
expect_exit 0 sm run out.gz
expect_exit 0 sm "${job[@]}" -- ./part.sh "{first}"
# Put back, or only touched, it is the same.
version 1
begin -- ./part.sh "{first}"
version 2
cp kept.sh part.sh
finish -- ./part.sh "{first}"
equal "$(gzip -dc out.gz | sort -u)" "version 1" "text"
# It is part of what a final file without its job is known by.
rm -r out.gz.job
expect_exit 0 sm "${job[@]}" -- ./part.sh "{first}"
version 2
expect_exit 7 sm "${job[@]}" -- ./part.sh "{first}"
expect_text err "not this job's"

# A file among the words; not one with a placeholder, nor the final file.
version 1
begin -- sh part.sh "{first}"
version 2
expect_exit 7 sm "${job[@]}" --retry-failed -- sh part.sh "{first}"
expect_text err "part.sh' (the command's word 1) changed"
finish --accept-changed -- sh part.sh "{first}"
mixed
version 1
begin -- sh part.sh "{first}"
rm part.sh
expect_exit 3 sm "${job[@]}" --retry-failed -- sh part.sh "{first}"
expect_text err part.sh
# After recover it is still compared.
version 1
rm out.gz.job/job.db*
expect_exit 0 sm recover out.gz.job
expect_text out "2 of 4 batches were whole"
version 2
expect_exit 7 sm run out.gz
cp kept.sh part.sh
finish -- sh part.sh "{first}"
equal "$(gzip -dc out.gz | sort -u)" "version 1" "text"

# One that the command writes: what appears later is nothing that it was made
# by, and one that was there need not be compared.
version 1
begin -- sh -c 'echo "$2" >>"$1"; exec ./part.sh "$2"' sh new.log "{first}"
[ -s new.log ] || fail "no log"
finish -- sh -c 'echo "$2" >>"$1"; exec ./part.sh "$2"' sh new.log "{first}"
begin -- sh -c 'echo "$2" >>"$1"; exec ./part.sh "$2"' sh new.log "{first}"
expect_exit 7 sm run out.gz
expect_text err new.log --no-watch-command
expect_exit 0 sm run out.gz --no-watch-command --retry-failed
made_once out.gz.job
expect_exit 0 sm "${job[@]}" --no-watch-command -- \
	sh -c 'echo "$2" >>"$1"; exec ./part.sh "$2"' sh new.log "{first}"

# Named by --depends, wherever it is; a list of them.
mkdir -p lib
echo 'echo version 1' >lib/one
echo : >lib/two
depends=(--depends lib/one --depends lib/two)
command=(sh -c 'test -e whole || test "$1" -lt 2 || exit 9; . lib/one; . lib/two'
	sh "{first}")
begin "${depends[@]}" -- "${command[@]}"
echo 'echo version 2' >lib/one
expect_exit 7 sm "${job[@]}" "${depends[@]}" --retry-failed -- "${command[@]}"
expect_text err "lib/one' (the command's depends 1) changed"
finish "${depends[@]}" --accept-changed -- "${command[@]}"
mixed
echo more >lib/three
expect_exit 7 sm "${job[@]}" "${depends[@]}" --depends lib/three -- "${command[@]}"
expect_text err "lib/three' is new"
expect_exit 3 sm "${job[@]}" --depends lib/none -- "${command[@]}"
equal "$(json out.gz.job/spec.json options.depends.1)" "$PWD/lib/two" "depends"

# A program that PATH finds elsewhere is another one, whatever it contains.  It
# comes with the machine: equal jobs have equal bytes all the same.
mkdir a b
version 1
cp part.sh a/tool
cp part.sh b/tool
PATH=$PWD/a:$PATH
begin -- tool "{first}"
PATH=$PWD/b:$PATH
expect_exit 7 sm "${job[@]}" --retry-failed -- tool "{first}"
expect_text err "program was '$PWD/a/tool', is '$PWD/b/tool'"
expect_exit 7 sm run out.gz
expect_text err "program was '$PWD/a/tool', is '$PWD/b/tool'"
version 2
cp part.sh b/tool
finish --accept-changed -- tool "{first}"
mixed
rm -rf out.gz out.gz.job
version 1
cp part.sh b/tool
expect_exit 0 sm "${job[@]}" -- tool "{first}"
cp out.gz by-b.gz
rm -rf out.gz out.gz.job
PATH=$PWD/a:$PATH
expect_exit 0 sm "${job[@]}" -- tool "{first}"
same by-b.gz out.gz
# Two names of one directory are one place.
ln -s a c
PATH=$PWD/c:$PATH
expect_exit 0 sm "${job[@]}" -- tool "{first}"

# A job in parts, on hosts that differ: scripts are compared, programs told.
PATH=$PWD/a:$PATH
expect_exit 0 sm plan p exec -o p.gz --range 4 --parts 2 --depends lib/one \
	-- tool "{first}"
PATH=$PWD/b:$PATH
expect_exit 0 sm run p/part-0000
expect_text err "program was '$PWD/a/tool'"
echo : >>lib/one
expect_exit 7 sm run p/part-0001
expect_text err lib/one
