# faults - every fault injected, every answer held against the same oracle:
# minutes on two CPUs.  With --long the run for a release, an hour or two.  SEED
# gives the same choice of points.  Mutants are a configuration of their own.
. "$tests/faults/lib.sh"
. "$tests/faults/powercut.sh"
export FAULTS_LONG=$long

build faults -DSHARDMILL_FAULTS=ON -DSHARDMILL_TESTS=OFF && {
	: >"$FAULTS_TABLE"
	fault faults kills.py points
	fault faults kills.py calls
	fault faults errors.py files
	fault faults errors.py sqlite
	fault faults errors.py points
	fault faults errors.py statements
	fault faults answers.py
	fault faults pairs.py
	fault faults edits.py
	fault faults zombies.py
	fault faults soak.py
	fault faults load.py
	fault faults damage.py
	cat "$root/build-faults/load.log" "$root/build-faults/damage.log"
	build faults-asan -DSHARDMILL_FAULTS=ON -DSHARDMILL_TESTS=OFF \
		-DSHARDMILL_SANITIZE=address,undefined &&
		fault faults-asan allocs.py
	powercut faults "$([ -n "$long" ] && echo 20000 || echo 2000)" \
		--seed "$SEED"
	powercut_row
	model_begun=$EPOCHREALTIME
	long_faults=$long long=	# larger models are `tests/run --long model`
	. "$tests/config/model.sh"
	long=$long_faults
	row "protocol model" - - "$model_states" "$model_failed" \
		"$(seconds_since "$model_begun")" - >>"$FAULTS_TABLE"
	if [ -n "$long" ]; then
		fault faults sabotage.py
		powercut_sabotaged
	fi
	closing_table
}
