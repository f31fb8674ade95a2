# coverage - the branches of claim, commit, rescue, finalize and recover: each
# is taken by some test, or listed with the reason (tests/faults/untaken.txt)
engine='run/(work|rescue)|join/(finalize|join|choose|rows|write|damaged|grow|record|published)|job/(consumed|startcheck)'
engine+='|tend/recover'
# One thread's counts must not be lost to another's.
flags="--coverage -fprofile-update=atomic"
flags+=" '-fprofile-filter-files=src/(store/batch|engine/($engine))'"
build coverage -DSHARDMILL_FAULTS=ON -DCMAKE_BUILD_TYPE=Debug \
	-DCMAKE_C_FLAGS="$flags" && {
	find "$root/build-coverage" -name '*.gcda' -delete
	start=$EPOCHREALTIME log=$root/build-coverage/coverage.log
	if SHARDMILL=$root/build-coverage/shardmill SEED=${SEED:-1} \
		"$PYTHON" "$tests/faults/coverage.py" >"$log" 2>&1; then
		result passed coverage "$(seconds_since "$start")"
	else
		result failed coverage "$(seconds_since "$start")" "$log"
		grep -E '^(FAILED|UNTAKEN)' "$log"
	fi
	sed -n '/^file /,$p' "$log"
}
