# shellcheck shell=bash
# serve.sh - what the tests of --serve share: jobs of one worker whose command is
# a shell script, with the function `serve` out of the file NAME.fn

cat >base.sh <<'END'
# Asked for batch after batch: $batch, $attempt, $first, $item, $out, $in.
string() { value=${line##*\"$1\": \"} value=${value%%\"*}; }
number() { value=${line##*\"$1\": } value=${value%%,*}; }
echo $$ >>"$work/pids"
while IFS= read -r line; do
	printf '%s\n' "$line" >>"$work/asked"
	number batch; batch=$value
	number attempt; attempt=$value
	number first; first=$value
	string input; in=$value
	string output; out=$value
	serve
done
END
work=$PWD
# job NAME OPTIONS... : of the function `serve` in the file NAME.fn.  One that
# does not answer would be waited for without end: there is always a limit.
job() {
	local name=$1
	shift
	[[ " $* " = *" --timeout "* ]] || set -- --timeout 30 "$@"
	[ -s "$name.fn" ] || fail "there is no $name.fn"
	rm -rf "$name" "$name.job" pids asked
	{ echo 'work='"$work"; cat "$name.fn" base.sh; } >"$name.sh"
	"$SHARDMILL" exec -q -o "$name" -j 1 "$@" --serve -- \
		bash "$name.sh" >out 2>err </dev/null
}
processes() {
	sort -u pids | wc -l
}
# message NAME BATCH: of its last attempt
message() {
	sql "$1.job" "SELECT message FROM attempt WHERE batch = $2
		ORDER BY id DESC LIMIT 1"
}
outcome() {
	sql "$1.job" "SELECT group_concat(outcome) FROM (SELECT outcome
		FROM attempt WHERE batch = $2 ORDER BY id)"
}
# fails NAME WORD...: of batches 0, 1, 2 number 1 fails, saying each WORD
fails() {
	local name=$1 word
	shift
	job "$name" --range 3 --max-attempts 1 "${options[@]}" &&
		fail "$name has not failed"
	equal "$(sql "$name.job" "SELECT group_concat(state) FROM batch")" \
		"done,failed,done" "$name: states"
	for word; do
		grep -qF -e "$word" <<<"$(message "$name" 1)" ||
			fail "$name: '$word' is not in '$(message "$name" 1)'"
	done
	equal "$(ls "$name.job/pipes")" "" "$name: pipes left"
	options=()
}
options=()

one() { # NAME LINES-FOR-BATCH-1: the others are made well
	printf 'serve() {
	if [ "$batch" != 1 ]; then echo x >"$out"; echo ok; return; fi
	%s\n}\n' "$2" >"$1.fn"
}
