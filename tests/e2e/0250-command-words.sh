#!/bin/bash
# Commands that were probably meant otherwise are told while planning, or
# refused where there is no such program.
# shellcheck disable=SC1083,SC2016 # braces and scripts are for the program
. "$(dirname "$0")/lib.sh"

printf 'one\ntwo words\n$(touch pwned)\n' >items
planned() {
	rm -rf j.job
	expect_exit 0 sm plan j.job exec "$@"
}
says_nothing() {
	planned "$@"
	! grep -E 'placeholder|script|no word' err || fail "a notice for: $*"
}

# One word that is a command line.
for line in 'grep x | sort' 'wc -l' 'cat >out'; do
	expect_exit 2 sm plan j.job exec --range 3 -- "$line"
	expect_text err "sh -c '$line'"
done
cp /bin/true 'a program'
says_nothing --range 3 -- './a program'

# An item in a script is code.
planned --items items -- sh -c 'wc -c {}'
expect_text err "\"\$1\"' sh {}"
planned --items items -- /bin/bash -euc 'wc -c {item}'
expect_text err 'runs what an item holds as code'
says_nothing --items items -- sh -c 'echo "$1"' sh {}
says_nothing --range 9 -- sh -c 'seq {first} {end}'
expect_exit 0 sm exec -o safe.gz --items items -- sh -c 'echo "$1"' sh {}
same_text items safe.gz
[ ! -e pwned ] || fail "an item ran as code"

# No placeholder, a wrong one, another program's.
planned --items items -- ./'a program'
expect_text err 'no word of the command has {}'
for word in '{firts}' '{start}' '{#1}' '{.}' '{1}'; do
	planned --range 3 -- echo --from="$word"
	expect_text err "'$word' in the command is no placeholder"
done
planned --items items -- echo {} '{1}'
expect_text err "'{1}' in the command is no placeholder"
says_nothing --range 3 -- echo '{#}' '{%}'
says_nothing --range 3 -- awk '{print}'
says_nothing --items items -- jq '{id}' {}
says_nothing --range 3 -- sh -c 'echo ${HOME} {first}'
says_nothing --range 3 --no-replace -- echo '{start}'
