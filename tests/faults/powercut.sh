# shellcheck shell=bash
# powercut.sh - power cuts, for tests/config/faults.sh, which sources it
#
# Uses build, result, seconds_since and need_packages of tests/run, and row of
# lib.sh.
# shellcheck disable=SC2154 # root, tests: of tests/run

# powercut NAME STATES [OPTION...]: the program of build-NAME; the table and
# what was found stand in build-NAME/powercut.log
powercut() {
	local name=$1 states=$2 start=$EPOCHREALTIME log
	log=$root/build-$name/powercut.log
	shift 2
	need_packages strace sqlite3 || {
		result failed "$name/powercut" "" "no strace, or no sqlite3"
		return 1
	}
	if "$PYTHON" "$tests/faults/powercut.py" --states "$states" "$@" \
		"$root/build-$name/shardmill" >"$log" 2>&1; then
		cat "$log"
		result passed "$name/powercut" "$(seconds_since "$start")"
	else
		tail -n 60 "$log"
		result failed "$name/powercut" "$(seconds_since "$start")" \
			"$log"
		return 1
	fi
}

# powercut_row: what the last one found, for the closing table
powercut_row() {
	local said='^power cuts: ([0-9]+) distinct states, ([0-9]+) violations.*'
	# shellcheck disable=SC2046 # three words
	row "power cuts" - - $(sed -nE "s/$said, ([0-9]+) s,.*/\\1 \\2 \\3.0/p" \
		"$root/build-faults/powercut.log") "$SEED" >>"$FAULTS_TABLE"
}

# powercut_sabotaged [STATES]: builds with one protection taken out, each of
# which the same test must catch, by the violation that is to come of it
powercut_sabotaged() {
	local line name word scene tried=0 caught=0 start=$EPOCHREALTIME
	for line in no_shard_sync:lost:exec no_guard:twice:edits \
		no_rename_completion:again:exec no_start_check:again:exec; do
		IFS=: read -r name word scene <<<"$line"
		build "$name" "-DSHARDMILL_SABOTAGE=$name" \
			-DSHARDMILL_TESTS=OFF || continue
		tried=$((tried + 1))
		powercut "$name" "${1:-600}" --only "$scene" \
			--expect "$word" && caught=$((caught + 1))
	done
	row "sabotage of what power cuts need" $tried - - $((tried - caught)) \
		"$(seconds_since "$start")" "$SEED" >>"$FAULTS_TABLE"
}
