#!/bin/bash
# One supervisor, one finalize at a time; what may run beside them.
. "$(dirname "$0")/lib.sh"
data small 300 60
opts=(--batch-rows 25 --sync end)
reference by25 "${opts[@]}"

# A paused job keeps its supervisor waiting.
expect_exit 0 sm plan f.gz.job candidates -o f.gz "${opts[@]}" "${args[@]}"
sql f.gz.job "UPDATE job SET paused = 1"
start run run f.gz.job -j 2
active() {
	sm status f.gz --json >state 2>/dev/null && equal_quiet active true
}
equal_quiet() {
	[ "$(json state "$1")" = "$2" ]
}
wait_for 20 active
# A second one would wait as well.
expect_exit 8 timeout 30 "$SHARDMILL" run f.gz.job
expect_exit 8 sm candidates -o f.gz "${opts[@]}" "${args[@]}"
expect_exit 8 sm plan f.gz.job candidates -o f.gz "${opts[@]}" "${args[@]}"
expect_exit 1 sm finalize f.gz
expect_text err 0
expect_exit 0 sm status f.gz
expect_exit 0 sm verify f.gz.job
expect_exit 0 sm retry f.gz
kill -0 $pid || fail "the supervisor ended"
equal "$(count_of f.gz.job pending)" 12 "pending while paused"
sql f.gz.job "UPDATE job SET paused = 0"
ended 0 $pid run
same "$set/by25.gz" f.gz

# Two finalizes: the lock of the first is held here, of
# either kind.
rm f.gz
"$PYTHON" -c 'import fcntl, struct, time
f = open("f.gz.job/final.lock", "r+b")
OFD_SETLK = 37
fcntl.fcntl(f, OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 1, 0))
fcntl.flock(f, fcntl.LOCK_EX)
open("held", "w")
time.sleep(60)' &
keep_pid $!
wait_for 10 test -e held
expect_exit 8 sm finalize f.gz
kill $!
wait $! 2>/dev/null
expect_exit 0 sm finalize f.gz
same "$set/by25.gz" f.gz

# Two plans at once: one makes it, the other is told so or finds it made.
for n in 1 2 3 4 5; do
	rm -rf job
	for k in 1 2 3; do
		sm plan job candidates "${opts[@]}" "${args[@]}" \
			>plan$k.out 2>&1 &
		plan[k]=$!
	done
	for k in 1 2 3; do
		code=0
		wait "${plan[k]}" || code=$?
		[[ $code = [08] ]] || fail "exit $code: $(cat plan$k.out)"
	done
	equal "$(count_of job pending)" 12
done
# Four runs at once: one runs, the others are refused or find nothing to do.
for k in 1 2 3 4; do
	sm run job -j 1 >run$k.out 2>&1 &
	plan[k]=$!
done
won=0
for k in 1 2 3 4; do
	code=0
	wait "${plan[k]}" || code=$?
	[[ $code = [08] ]] || fail "exit $code: $(cat run$k.out)"
	[ $code != 0 ] || won=$((won + 1))
done
[ $won -gt 0 ] || fail "nobody ran"
equal "$(count_of job done)" 12
made_once job
