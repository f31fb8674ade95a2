# faults - every fault injected, every answer held against the same oracle:
# minutes on two CPUs.  With --long the run for a release, some hours.  SEED
# gives the same choice of points.
. "$tests/faults/powercut.sh"
export SEED=${SEED:-$((RANDOM + 1))} FAULTS_TABLE=$root/build-faults/table
export FAULTS_LONG=$long

# fault PROGRAM_BUILD SCRIPT [ARG...]
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

# The closing table; lab.py has its form.
row() {
	printf '%-34s%8s%8s%9s%12s%10s  %s\n' "$@"
}

closing_table() {
	row kind points kills states violations seconds seed
	cat "$FAULTS_TABLE"
	# Kills at points are counted as both.
	row all $(awk '{ for (i = 0; i < 5; i++) sum[i] += $(NF - 5 + i) }
		END { for (i = 0; i < 5; i++) printf "%.0f ", sum[i] }' \
		"$FAULTS_TABLE") ""
}

build faults -DSHARDMILL_FAULTS=ON -DSHARDMILL_TESTS=OFF && {
	: >"$FAULTS_TABLE"
	fault faults kills.py points
	fault faults kills.py calls
	fault faults errors.py files
	fault faults errors.py sqlite
	fault faults errors.py points
	fault faults errors.py statements
	fault faults pairs.py
	fault faults edits.py
	fault faults zombies.py
	fault faults soak.py
	fault faults load.py
	build faults-asan -DSHARDMILL_FAULTS=ON -DSHARDMILL_TESTS=OFF \
		-DSHARDMILL_SANITIZE=address,undefined &&
		fault faults-asan allocs.py
	powercut faults "$([ -n "$long" ] && echo 20000 || echo 2000)" \
		--seed "$SEED"
	# shellcheck disable=SC2046 # the words of the line
	row "power cuts" - - $(sed -nE 's/^power cuts: ([0-9]+) distinct states, ([0-9]+) violations.*, ([0-9]+) s, seed .*/\1 \2 \3.0/p' \
		"$root/build-faults/powercut.log") "$SEED" >>"$FAULTS_TABLE"
	start=$EPOCHREALTIME
	. "$tests/config/model.sh"
	row "protocol model" - - "$model_states" "$model_failed" \
		"$(seconds_since "$start")" - >>"$FAULTS_TABLE"
	if [ -n "$long" ]; then
		fault faults sabotage.py
		powercut_sabotaged
		fault faults mutate.py
	fi
	closing_table
}
