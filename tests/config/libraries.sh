# libraries - the manual's lines for search libraries, on the libraries themselves
# (tests/libraries/), and the tests that go further where some of Python's are
# installed; minutes, from registries
build_targets=shardmill build release -DSHARDMILL_FAULTS=OFF && {
	# The names of one line belong together.
	while read -ra packages; do
		need_packages "${packages[@]}" </dev/null ||
			echo "not to be had: ${packages[*]}"
	done < <("$PYTHON" "$tests/libraries/libraries.py" --packages)
	need_packages python3-h5py python3-scipy ||
		echo "not to be had: HDF5, MATLAB"
	command -v npm >/dev/null || need_packages npm || echo "no npm"
	start=$EPOCHREALTIME
	if "$PYTHON" "$tests/libraries/libraries.py" \
		-w "$root/build-libraries" "$root/build-release/shardmill"; then
		result passed libraries "$(seconds_since "$start")"
	else
		result failed libraries "$(seconds_since "$start")"
	fi
	e2e release 0268 0270
	# Here nothing of them may be left out.
	for name in 0268-advice 0270-libraries; do
		! grep -E '^without |: SKIP ' \
			"$root/build-release/e2e/$name.log" ||
			result failed "$name" "" "some of it was left out"
	done
}
