# bench - the timed tests: scripts in tests/bench/, one after the other
need_packages isal
build release -DSHARDMILL_FAULTS=OFF &&
	for script in "$tests"/bench/*.sh; do
		name=bench/$(basename "$script" .sh) start=$EPOCHREALTIME
		if SHARDMILL=$root/build-release/shardmill bash "$script"; then
			result passed "$name" "$(seconds_since "$start")"
		else
			result failed "$name" "$(seconds_since "$start")"
		fi
	done
