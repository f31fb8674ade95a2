# regular - what every change must pass: all tests of the program as it is
# shipped, and under the sanitizers those where memory and threads matter.  Of
# random moments and of failing calls it takes fewer than `release` does.
lint_build=release
. "$tests/config/lint.sh"
asan=(asan "-DSHARDMILL_SANITIZE=address,undefined")
faults=(faults -DSHARDMILL_FAULTS=ON -DSHARDMILL_TESTS=OFF)
tsan=(tsan -DSHARDMILL_SANITIZE=thread)
tsan_tests=(watch pulse live txn base command)
tsan_targets="shardmill ${tsan_tests[*]/#/test_}"
build_ahead "${asan[@]}"
build_targets=$tsan_targets build_ahead "${tsan[@]}"
build_ahead "${faults[@]}"
export KILLS=2 STATES=60 SEEDS=10 FLIPS=200 FAILING_STEP=23
. "$tests/config/release.sh"
export FAILING_STEP=61
build "${asan[@]}" && {
	unit asan
	SEEDS=5 FLIPS=100 e2e asan 0010 0100 0120 0200 1020 1030 1090 2010
}
unset KILLS STATES SEEDS FLIPS FAILING_STEP
build_targets=$tsan_targets build "${tsan[@]}" && {
	unit tsan "^test_($(IFS='|'; echo "${tsan_tests[*]}"))\$"
	e2e tsan 0010 3060
}
# A share of `tests/run faults`; e2e 2300 and 2310 are that of its power cuts.
# The same points each time: others are `tests/run faults`' to find.
SEED=${SEED:-1}
. "$tests/faults/lib.sh"
build "${faults[@]}" && {
	: >"$FAULTS_TABLE"
	COUNT=60 fault faults kills.py points
	COUNT=60 fault faults kills.py calls
	COUNT=20 fault faults errors.py files
	COUNT=30 fault faults errors.py sqlite
	COUNT=30 fault faults errors.py points
	COUNT=30 fault faults errors.py statements
	fault faults answers.py
	COUNT=20 fault faults pairs.py
	COUNT=20 fault faults edits.py
	COUNT=20 fault faults soak.py
	COUNT=4000 fault faults load.py
	COUNT=200 fault faults damage.py
	fault faults sabotage.py check
	closing_table
}
