#!/bin/bash
# The main job beside the Python programs it replaces: 20,000 rows of 300
# candidates, two processes each, the same input in the same minute.
. "$(dirname "$0")/../e2e/lib.sh"
rows=${ROWS:-20000} j=${J:-2}

expect_exit 0 sm sample in --rows "$rows" --width 300
args=(--cands in/cands.npy --scores in/scores.npy --keys in/keys.json
	--vocab in/vocab.json)

timed() {
	local name=$1 start=$EPOCHREALTIME ms
	shift
	"$@" >out 2>err || fail "$name: $(cat err)"
	ms=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
	printf '%-34s %6d.%02d s  %12d bytes\n' "$name" $((ms / 1000)) \
		$((ms % 1000 / 10)) "$(stat -c %s ./*.new)"
	mv ./*.new "$name.gz"
}

echo "$rows rows x 300 candidates, -j $j"
timed "plain Python" "$PYTHON" "$tests/oracle.py" -o o.new -j "$j" \
	--score-digits double --ids int "${args[@]}"
timed "fast Python" "$PYTHON" "$tests/oracle_fast.py" -o o.new -j "$j" \
	"${args[@]}"
for encoder in zlib record; do
	rm -rf o.new.job
	"$SHARDMILL" plan probe candidates --encoder $encoder "${args[@]}" \
		>/dev/null 2>&1 || continue
	timed "shardmill $encoder, double" sm candidates -o o.new -j "$j" \
		--encoder $encoder --score-digits double --ids int "${args[@]}"
	rm -rf o.new.job
	timed "shardmill $encoder, source" sm candidates -o o.new -j "$j" \
		--encoder $encoder "${args[@]}"
	cmp <(gzip -dc "plain Python.gz") \
		<(gzip -dc "shardmill $encoder, double.gz") || fail "differs"
	cmp <(gzip -dc "fast Python.gz") \
		<(gzip -dc "shardmill $encoder, source.gz") || fail "differs"
	rm -rf probe
done
