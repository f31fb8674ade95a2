# shellcheck shell=bash
# lib.sh - the drivers and their table, for the configurations that source it
#
# Uses result and seconds_since of tests/run.
# shellcheck disable=SC2154 # root, tests, PYTHON: of tests/run
export SEED=${SEED:-$((RANDOM + 1))} FAULTS_TABLE=$root/build-faults/table

# fault BUILD SCRIPT [ARG...]: a driver, on the program of build-BUILD
fault() {
	local dir=$root/build-$1 start=$EPOCHREALTIME name log
	name=${2%.py}${3:+-$3}
	log=$root/build-faults/$name.log
	if SHARDMILL=$dir/shardmill "$PYTHON" "$tests/faults/$2" "${@:3}" \
		>"$log" 2>&1; then
		result passed "faults/$name" "$(seconds_since "$start")"
	else
		result failed "faults/$name" "$(seconds_since "$start")" "$log"
		tail -n 30 "$log" | cut -c 1-500
	fi
}

# row KIND POINTS KILLS STATES VIOLATIONS SECONDS SEED: as lab.py writes it
row() {
	printf '%-34s%8s%8s%9s%12s%10s  %s\n' "$@"
}

closing_table() {
	row kind points kills states violations seconds seed
	cat "$FAULTS_TABLE"
	# shellcheck disable=SC2046 # five words
	row all $(awk '{ for (i = 0; i < 5; i++) sum[i] += $(NF - 5 + i) }
		END { for (i = 0; i < 5; i++) printf "%.0f ", sum[i] }' \
		"$FAULTS_TABLE") ""
}
