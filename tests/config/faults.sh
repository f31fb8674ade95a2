# faults - every fault injected, every answer held against the same oracle:
# minutes on two CPUs.  FAULTS_LONG=1 (or the configuration faults-long) is the
# run for a release, some hours; SEED gives the same choice of points.
. "$tests/faults/powercut.sh"
export SEED=${SEED:-$((RANDOM + 1))} FAULTS_TABLE=$root/build-faults/table
export FAULTS_LONG=${FAULTS_LONG:-}

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
	build faults-asan -DSHARDMILL_FAULTS=ON -DSHARDMILL_TESTS=OFF \
		-DSHARDMILL_SANITIZE=address,undefined &&
		fault faults-asan allocs.py
	powercut faults "$([ -n "$FAULTS_LONG" ] && echo 20000 || echo 2000)"
	if [ -n "$FAULTS_LONG" ]; then
		fault faults sabotage.py
		powercut_sabotaged
		fault faults mutate.py
	fi
	printf '%-34s%8s%12s%10s  %s\n' kind points violations seconds seed
	cat "$FAULTS_TABLE"
}
