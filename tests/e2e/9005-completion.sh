#!/bin/bash
# Completion knows every command, option and word that the help knows.
. "$(dirname "$0")/lib.sh"

for shell in bash zsh fish; do
	expect_exit 0 sm --completion $shell
	mv out completion.$shell
done
expect_exit 2 sm --completion csh
bash -n completion.bash || fail "bash does not read it"

# complete WORD...: what is offered for the last WORD, one a line
# shellcheck disable=SC1091,SC2034
complete_bash() {
	bash -c '. ./completion.bash
		COMP_WORDS=(shardmill "$@") COMP_CWORD=$#
		_shardmill
		printf "%s\n" "${COMPREPLY[@]}"' - "$@" | sort >offered
}

complete_bash fin
equal "$(cat offered)" finalize "a command"
complete_bash plan job e
equal "$(cat offered)" exec "a kind"
complete_bash exec --check ''
equal "$(xargs <offered)" "jsonl jsonl,nonempty none nonempty" "words of a value"
complete_bash plan job candidates --ids s
equal "$(cat offered)" string "a word of a value, in a plan"
complete_bash run job --no-f
equal "$(xargs <offered)" "--no-fail-fast --no-follow" "a switch"
complete_bash exec -o f --range 5 -- seq --n
equal "$(cat offered)" "" "behind --"

sm --help >help || fail "--help"
mapfile -t commands < <(sed -n '/^commands:/,/^$/ s/^  \([a-z]*\) .*/\1/p' help)
[ ${#commands[@]} -ge 9 ] || fail "commands in --help: ${commands[*]}"
for command in "${commands[@]}" 'plan job exec' 'plan job candidates'; do
	read -ra words <<<"$command"
	[ "$command" != plan ] || continue
	sm "${words[@]}" --help >help || fail "$command --help"
	{
		echo --help
		grep -oE '^( {6}|  -., )--[a-z-]+(, --[a-z-]+)?' help |
			grep -oE -- '--[a-z-]+'
	} | sort -u >wanted
	[ ${#words[@]} != 1 ] || words+=(job)
	complete_bash "${words[@]}" --
	diff wanted offered >&2 || fail "bash: options of $command"
	cat wanted >>all
done
while read -r option; do
	grep -q -- "'\*\{0,1\}${option}[=[]" completion.zsh || fail "zsh: $option"
	[ "$option" = --help ] ||
		grep -q -- " -l ${option#--} " completion.fish ||
		fail "fish: $option"
done < <(sort -u all)
grep -q -- '--control-fd' completion.* && fail "what is hidden is offered"

# The shells themselves, where they are installed.
if command -v zsh >/dev/null; then
	zsh -n completion.zsh || fail "zsh does not read it"
fi
if command -v fish >/dev/null; then
	fish -n completion.fish || fail "fish does not read it"
	fish -c 'source completion.fish; complete -C "shardmill exec --check "' |
		grep -q jsonl || fail "fish: words of a value"
fi
exit 0
