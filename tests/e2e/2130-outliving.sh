#!/bin/bash
# What a command has started does not outlive its worker, however that ends; and
# what outlives a SIGKILL of everything is ended before the batch is tried again.
# shellcheck disable=SC2046
. "$(dirname "$0")/lib.sh"

cp "$(command -v sleep)" heavy-work
# The processes that work in this directory.
work() {
	local p
	for p in $(pgrep -f '^\./heavy-work'); do
		[ "$(readlink "/proc/$p/cwd")" != "$PWD" ] || echo "$p"
	done
}
works() { [ "$(work | wc -l)" -eq "$1" ]; }
# Processes of the program here, the guards first: they would do their work.
ours() {
	local p
	for p in $(pgrep -x shardmill-guard) $(pgrep -x 'shardmill|exe|shardmill-w[0-9]+'); do
		case $(readlink "/proc/$p/cwd") in
		"$PWD" | "$PWD"/*) echo "$p" ;;
		esac
	done
}
none_of_ours() { [ -z "$(ours)" ]; }
# kill_ours PID...: all of them at once: none sees another die.
kill_ours() {
	kill -STOP "$@"
	kill -9 "$@"
}
command=(sh -c './heavy-work "${SECONDS_OF_WORK:-300}"; echo "$1"' sh '{first}')

# The supervisor alone.
start run exec -o a.gz --range 2 -j 2 -- "${command[@]}"
wait_for 20 works 2
kill -9 $pid
wait $pid 2>/dev/null
wait_for 5 works 0
wait_for 5 none_of_ours

# A worker alone, by hand.
expect_exit 0 sm plan b.job exec --range 1 -- "${command[@]}"
start work work b.job
wait_for 20 works 1
kill -9 $pid
wait $pid 2>/dev/null
wait_for 5 works 0
wait_for 5 none_of_ours

# Everything but what the commands started: the next run ends that first.
start run run a.gz.job
wait_for 20 works 2
kill_ours $(ours)
wait $pid 2>/dev/null
wait_for 5 none_of_ours
works 2 || fail "nothing is left to be found"
SECONDS_OF_WORK=0 expect_exit 0 sm run a.gz.job
expect_text err "outlived a kill"
works 0 || fail "they work on"
seq 0 1 >want
same_text want a.gz

# A command that lives, and was started for an earlier batch than the one in
# hand, which is done: with its worker, and by the next run.
cat >lives.sh <<'END'
while IFS= read -r ask; do
	out=${ask##*'"output": "'}
	case $ask in
	'{"batch": '"$HEAVY,"*) ./heavy-work "${SECONDS_OF_WORK:-300}" ;;
	esac
	echo x >"${out%\"*}"
	echo ok
done
END
expect_exit 0 sm plan d.gz.job exec -o d.gz --range 3 -j 1 --serve -- sh lives.sh
export HEAVY=1
start work work d.gz.job
wait_for 20 works 1
kill -9 $pid
wait $pid 2>/dev/null
wait_for 5 works 0
wait_for 5 none_of_ours
HEAVY=2
start run run d.gz.job
wait_for 20 works 1
kill_ours $(ours)
wait $pid 2>/dev/null
wait_for 5 none_of_ours
works 1 || fail "nothing of the living command is left to be found"
SECONDS_OF_WORK=0 expect_exit 0 sm run d.gz.job
expect_text err "outlived a kill"
works 0 || fail "what the living command started works on"
yes x | head -n 3 >want
same_text want d.gz
equal "$(ls d.gz.job/pipes)" "" "pipes after kills"

# A group that has only got the number is left alone.
setsid sleep 300 &
stranger=$!
wait_for 5 [ "$(ps -o pgid= $stranger)" -eq $stranger ]
start run exec -o c.gz --range 1 -- "${command[@]}"
wait_for 20 works 1
kill_ours $(ours) $(work)
wait $pid 2>/dev/null
"$PYTHON" - c.gz.job/workers $stranger <<'PY'
import struct, sys
with open(sys.argv[1], "r+b") as f:
    f.seek(4096 + 8)    # the first slot's command
    f.write(struct.pack("=q", int(sys.argv[2])))
PY
SECONDS_OF_WORK=0 expect_exit 0 sm run c.gz.job
[ -e /proc/$stranger ] || fail "another's process was ended"
! grep -q outlived err || fail "nothing had outlived"
kill $stranger
