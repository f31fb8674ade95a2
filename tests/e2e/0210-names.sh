#!/bin/bash
# Names that shells, SQL and terminals stumble over.
. "$(dirname "$0")/lib.sh"

data small 300 60
oracle
names=("a b" $'new\nline' "it's \"quoted\"" "%s%n%d" "-dash" $'non\xffutf8'
	"'); DROP TABLE batch; --" "한국어 😀" $'esc\e[31m' "*?[x]" '\')
mkdir work
for name in "${names[@]}"; do
	mkdir "work/$name"
	cp "$set"/*.npy "$set"/*.json "work/$name"
	cd "work/$name" || exit 1
	expect_exit 0 sm candidates --batch-rows=100 --sync=end \
		-o "./$name.gz" --cands="../$name/cands.npy" \
		--scores=scores.npy --keys=keys.json --vocab=vocab.json
	same_text "$set/want" "./$name.gz"
	expect_exit 0 sm status -- "$name.gz"
	expect_exit 0 sm status --json -- "$name.gz"
	"$PYTHON" -c 'import json, sys; json.load(open(sys.argv[1], "rb"))' \
		"$dir/out" || fail "'$name': status --json is no JSON"
	expect_exit 0 sm verify -- "$name.gz.job"
	if grep -qP '\e' "$dir/out" "$dir/err"; then
		fail "'$name': a control character reached the terminal"
	fi
	cd "$dir" || exit 1
done

# The longest name that leaves room for what is put behind it; longer ones are
# refused before any work is done.
long=$(printf 'n%.0s' $(seq 247))
expect_exit 0 sm candidates -o "$long.gz" --sync=end "${args[@]}"
same_text "$set/want" "$long.gz"
for more in nn nnn nnnnnn; do
	code=0
	sm candidates -o "$more$long.gz" "${args[@]}" >out 2>err || code=$?
	[[ $code = [34] ]] || fail "a name ${#more} bytes too long: exit $code"
	[ ! -e "$more$long.gz.job" ] || fail "a job was left behind"
done

# Paths over 500 bytes: refused, because SQLite would refuse them later.
deep=$dir/deep
while [ ${#deep} -lt 510 ]; do
	deep=$deep/$(printf 'd%.0s' $(seq 100))
done
mkdir -p "$deep"
expect_exit 3 sm candidates -o "$deep/f.gz" "${args[@]}"
expect_text err 500
[ -z "$(ls "$deep")" ] || fail "something was left behind"
expect_exit 3 sh -c 'cd "$1" && shift && exec "$@"' - "$deep" \
	"$SHARDMILL" candidates -o f.gz "${args[@]}"
[ -z "$(ls "$deep")" ] || fail "something was left behind"
