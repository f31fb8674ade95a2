#!/bin/bash
# Every command, option, exit status, table, view and column is documented.
. "$(dirname "$0")/lib.sh"
root=$tests/..

# The manual's source writes a hyphen as \-.
sed 's/\\-/-/g; s/\\f[A-Z]//g; s/^\.[A-Z]* //; s/\\&//g' \
	"$(dirname "$SHARDMILL")"/man/shardmill*.[17] >manual || fail "no manual"
cat manual "$root/README.md" >docs || fail "no README"
[ -e "$root/schema/README.md" ] || fail "no schema/README.md"

missing=()
named() {
	grep -qE -- "(^|[^A-Za-z0-9_-])$1([^A-Za-z0-9_-]|\$)" "$2" ||
		missing+=("$1 ($3)")
}

sm --help >help || fail "--help"
mapfile -t commands < <(sed -n '/^commands:/,/^$/ s/^  \([a-z-]*\) .*/\1/p' help)
[ ${#commands[@]} -ge 9 ] || fail "commands in --help: ${commands[*]}"
: >options
for command in "${commands[@]}"; do
	named "$command" docs command
	named "$command" "$root/README.md" "command, in README"
	sm "$command" --help >help || fail "$command --help"
	grep -oE -- '--[a-z][a-z-]+' help | sed "s/\$/ $command/" >>options
done
for kind in candidates exec; do
	sm plan job $kind --help >help || continue
	grep -oE -- '--[a-z][a-z-]+' help | sed "s/\$/ plan $kind/" >>options
done
[ ! -e job ] || fail "--help made a job"
[ "$(wc -l <options)" -gt 40 ] || fail "too few options found"
while read -r option where; do
	named "$option" manual "option of $where, in the manual"
done < <(sort -u -k 1,1 options)

# The other way round: no command is documented that does not exist.
while read -r word; do
	printf '%s\n' "${commands[@]}" | grep -qx -- "$word" ||
		missing+=("shardmill $word (in README, but no command)")
done < <(sed -n '/^```sh/,/^```$/p' "$root/README.md" |
	grep -oE '(^|[;|&] *)shardmill +[a-z]+' | awk '{ print $NF }' | sort -u)

for code in 0 1 2 3 4 5 6 7 8 9; do
	grep -qE "(^|[^0-9])\*{0,2}\`?$code\`?\*{0,2}([^0-9]|\$)" \
		<(sed -n '/[Ee]xit status/,$p' "$root/README.md") ||
		missing+=("exit status $code (README)")
	grep -qE "(^|[^0-9])$code([^0-9]|\$)" \
		<(sed -n '/EXIT STATUS/,$p' manual) ||
		missing+=("exit status $code (manual)")
done

# A page for each command, and whatever is made of the sources says it all.
man=$(dirname "$SHARDMILL")/man
plain() {
	sed 's/\\-/-/g; s/\\f[A-Z]//g; s/^\.[A-Z]* //; s/\\&//g' "$@"
}
sm --help >help || fail "--help"
for command in "${commands[@]}"; do
	plain "$man/shardmill-$command.1" >page || fail "no page of $command"
	grep -qxF "shardmill-$command - $(sed -n "s/^  $command  *//p" help)" \
		page ||
		missing+=("$command (the line under NAME of its page)")
	sm "$command" --help >help.one || fail "$command --help"
	while read -r option; do
		named "$option" page "option, in shardmill-$command(1)"
	done < <(grep -oE '^( {6}|  -., )--[a-z-]+' help.one |
		grep -oE -- '--[a-z-]+')
done
for page in libshardmill.3 shardmill-db.5 shardmill-format.5; do
	plain "$man/$page" >"$page" || fail "no $page"
	grep -qE "^${page%.*} - " "$page" || missing+=("$page (no NAME)")
done
while read -r name; do
	named "$name" libshardmill.3 "of shardmill.h"
done < <(grep -oE '\b(sm_[a-z0-9_]+\(|SM_[A-Z0-9_]+|struct sm_[a-z_]+)' \
	"$root/include/shardmill.h" | grep -v SM_API | tr -d '(' | sort -u)
named "03 00" shardmill-format.5 "the end of a file"

# The schema, as it is in a new job.
data small 300 60
expect_exit 0 sm plan job candidates "${args[@]}"
while IFS='|' read -r type name; do
	named "$name" "$root/schema/README.md" "$type"
	named "$name" shardmill-db.5 "$type, in shardmill-db(5)"
done < <(sql job "SELECT type, name FROM sqlite_schema WHERE type IN
	('table', 'view') AND name NOT LIKE 'sqlite_%'")
cat "$root"/schema/*.sql >schema
while IFS='|' read -r column view; do
	named "$column" schema "column of $view"
	named "$column" shardmill-db.5 "column of $view, in shardmill-db(5)"
done < <(sql job "SELECT c.name, s.name FROM sqlite_schema s,
	pragma_table_info(s.name) c WHERE s.type IN ('table', 'view')")
sm status job --json >status || fail "status --json"
cat "$root/README.md" "$root/schema/README.md" manual >all
for name in $("$PYTHON" -c 'import json
print(*json.load(open("status")))'); do
	named "$name" all "field of status --json"
done

[ ${#missing[@]} -eq 0 ] || {
	printf 'not documented: %s\n' "${missing[@]}" >&2
	fail "${#missing[@]} things are not documented"
}
[ "$(wc -l <"$root/README.md")" -lt 250 ] || fail "README has 250 lines or more"
