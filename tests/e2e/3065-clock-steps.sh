#!/bin/bash
# The wall clock steps by days, ahead and back, while a run goes on: no lease
# expires for it, one that does expire still does, and no retry waits a day.
. "$(dirname "$0")/lib.sh"
lib=$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)
[ -e "$lib" ] || skip "libfaketime is not installed"
! grep -q __tsan_init "$SHARDMILL" ||
	skip "the thread sanitizer takes libfaketime's waits for double locks"

# stepped ARG...: the program, by a clock that is as far ahead as `clock` says
cat >stepped <<EOF
#!/bin/sh
LD_PRELOAD=$lib FAKETIME_TIMESTAMP_FILE=$PWD/clock FAKETIME_NO_CACHE=1 \
FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 \
exec "$SHARDMILL" "\$@"
EOF
chmod +x stepped
program=$SHARDMILL SHARDMILL=$PWD/stepped
set_clock() {
	echo "$1" >clock.new
	mv clock.new clock # never seen half written
}
set_clock +0
sm --version >out 2>&1 && grep -q shardmill out ||
	skip "libfaketime cannot be loaded into this build"

# days JOB: so many the attempts are apart, or the clock did not step
days() {
	sql "$1" 'SELECT CAST(round((max(started) - min(started)) / 86400) AS INT)
		FROM attempt'
}

# steps SIGN: a day more each second, so that one falls between two heartbeats
steps() {
	local n
	for n in 1 2 3 4; do
		set_clock "$1${n}d"
		sleep 1
	done
}

# Batches 0 to 5, one after the other for each of two workers, end when a file
# says so; the clock steps while two are in hand for longer than a lease.
start run exec -o f.gz --range 6 --size 1 -j 2 --lease 3 -- sh -c \
	'while [ ! -e go-$0 ]; do sleep 0.05; done; echo $0' '{first}'
wait_for 20 at_least f.gz.job running 2
steps +
outcomes f.gz.job running
touch go-0 go-1
wait_for 20 at_least f.gz.job done 2
wait_for 20 at_least f.gz.job running 2
steps -
outcomes f.gz.job running done
touch go-2 go-3
wait_for 20 at_least f.gz.job done 4
wait_for 20 at_least f.gz.job running 2
# By that clock too a worker that stands still is found.
read -r -a workers <<<"$(children "$pid" | tr '\n' ' ')"
kill -STOP "${workers[0]}"
keep_pid "${workers[0]}"
wait_for 40 gone "${workers[0]}"
touch go-4 go-5
ended 0 "$pid" run
equal "$(days f.gz.job)" 8 "days between attempts"
equal "$(sql f.gz.job "SELECT count(*) FROM attempt
	WHERE outcome = 'stalled'")" \
	1 "stalled attempts"
SHARDMILL=$program
seq 0 5 >want
same_text want f.gz

# waiting: its first attempt failed, and the next one is for later
waiting() {
	[ "$(sql r.gz.job "SELECT count(*) FROM batch WHERE state = 'pending'
		AND not_before > 0")" = 1 ]
}

# A retry whose time was set a day ahead, and one that a step puts behind us.
for step in +1d -1d; do
	rm -rf r.gz r.gz.job
	set_clock $step
	SHARDMILL=$PWD/stepped
	# Paused by the batch itself, so that nothing is claimed before the step.
	start run exec -o r.gz --range 1 -j 1 -- sh -c '
		[ "$SHARDMILL_ATTEMPT" != 1 ] || {
			sqlite3 -cmd ".timeout 10000" r.gz.job/job.db \
				"UPDATE job SET paused = 1"
			exit 1
		}
		echo made'
	wait_for 20 waiting
	set_clock +0
	sql r.gz.job 'UPDATE job SET paused = 0'
	SHARDMILL=$program
	wait_for 30 [ -e r.gz ]
	ended 0 "$pid" run
	equal "$(sql r.gz.job "SELECT group_concat(outcome) FROM attempt")" \
		error,done "outcomes"
	equal "$(days r.gz.job)" 1 "days between attempts"
done
