#!/bin/bash
# Who keeps job.db locked is named after ten seconds, whatever the lock; and
# what is done to a job beside its run neither stalls it in silence nor ends it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need sqlite3

# hold JOB SECONDS MARK SQL...: a process of that lock; its pid is in $holder
hold() {
	"$PYTHON" - "$@" <<-'END' &
		import sqlite3, sys, time
		db = sqlite3.connect(sys.argv[1] + "/job.db", timeout=20,
		                     isolation_level=None)
		for sql in sys.argv[4:]:
		    db.execute(sql).fetchone()
		open(sys.argv[3], "w").close()
		time.sleep(float(sys.argv[2]))
	END
	holder=$!
	keep_pid $holder
	wait_for 20 test -e "$3"
}

# Exclusively: not even the journal's mode can be read.
expect_exit 0 sm plan shut exec --range 3 -- echo "{first}"
hold shut 12 shut.held "PRAGMA locking_mode = exclusive" "BEGIN IMMEDIATE" \
	"UPDATE job SET workers = 1" COMMIT
shut=$holder
sm status shut >shut.out 2>shut.err &
status=$!
sm run shut >shut-run.out 2>shut-run.err &
run=$!
# A reader, of a job with a rollback journal.
expect_exit 0 sm plan reader exec --network-fs --range 3 -- echo "{first}"
hold reader 12 reader.held BEGIN "SELECT * FROM batch"
reader=$holder
sm run reader >reader.out 2>reader.err &
read_run=$!
keep_pid $status $run $read_run

# The queue of our own writers, and the file in which workers agree on --delay,
# are locked as well: before a run begins, while one is on its way, beside a
# worker by hand and commands.
expect_exit 0 sm plan early exec --range 3 -- echo "{first}"
expect_exit 0 sm plan hand exec --range 3 -- echo "{first}"
expect_exit 0 sm exec -o more.gz --job more --range 3 -- echo "{first}"
expect_exit 0 sm plan paced exec --range 3 --delay 0.01 -- echo "{first}"
: >paced/pace
expect_exit 0 sm plan late exec --range 3 -- \
	sh -c 'until [ -e late.go ]; do sleep 0.1; done; echo "$1"' - "{first}"
start late run late -j 2
late=$pid
late_runs() {
	[ "$(count_of late running)" = 2 ]
}
wait_for 20 late_runs
"$PYTHON" - queue.free queue.held {early,hand,more,late}/write.lock paced/pace <<-'END' &
	import fcntl, os, sys, time
	files = [open(name, "r+") for name in sys.argv[3:]]
	for f in files:
	    fcntl.flock(f, fcntl.LOCK_EX)
	open(sys.argv[2], "w").close()
	end = time.monotonic() + 60
	while not os.path.exists(sys.argv[1]) and time.monotonic() < end:
	    time.sleep(0.05)
END
queue=$!
keep_pid $queue
wait_for 20 test -e queue.held
touch late.go
start early run early
early=$pid
start hand work hand
hand=$pid
start more exec -o more.gz --job more --extend --range 4 -- echo "{first}"
more=$pid
start paced run paced
paced=$pid
# Each tells of it, and then they are let go.
queue_told() {
	local job
	for job in early hand late more paced; do
		grep -q "process $queue holds" $job.err || return 1
	done
}
(trap - EXIT; wait_for 60 queue_told; : >queue.free) &
keep_pid $!

# Meanwhile: a journal that a person changed is put back.
expect_exit 0 sm plan journal exec --range 3 -- echo "{first}"
equal "$(sql journal 'PRAGMA journal_mode = delete')" delete
expect_exit 0 sm run journal
expect_text err "write-ahead log" "has it again"
equal "$(sql journal 'PRAGMA journal_mode')" wal
# Or the reason is told.
sql journal 'PRAGMA journal_mode = delete' >/dev/null
hold journal 3 journal.held BEGIN "SELECT * FROM job"
expect_exit 0 sm run journal
expect_text err "cannot have it back now" "process $holder "
wait $holder

# A dump that was loaded back.
expect_exit 0 sm plan dump exec --range 3 -- echo "{first}"
expect_exit 0 sm run dump
sqlite3 dump/job.db .dump | sqlite3 new.db
rm dump/job.db*
mv new.db dump/job.db
for command in status run; do
	expect_exit 6 sm $command dump
	expect_text err "loaded from a dump" application_id "shardmill recover"
done
expect_exit 0 sm recover dump
equal "$(count_of dump 'done')" 3 "batches of the dump"
expect_exit 0 sm run dump
expect_exit 0 sm verify dump
# One of another application is still that.
rm dump/job.db*
sqlite3 dump/job.db "CREATE TABLE job (x)"
expect_exit 7 sm status dump
expect_exit 7 sm recover dump

# A trigger made while a run is on its way is told and ends nothing, not even
# where workers are started after it.
expect_exit 0 sm plan trigger exec --range 8 -- \
	sh -c 'until [ -e go ]; do sleep 0.1; done; echo "$1"' - "{first}"
start trigger run trigger -j 1
run2=$pid
running() {
	[ "$(count_of trigger running)" = "$1" ]
}
wait_for 20 running 1
sql trigger ".backup backup.db"
sql trigger "VACUUM INTO 'vacuum.db'"
sql trigger "CREATE TRIGGER tr AFTER UPDATE ON batch BEGIN SELECT 1; END"
told() {
	grep -q "trigger 'tr'.*this run goes on" trigger.err
}
wait_for 20 told
sqlite3 -cmd '.timeout 10000' trigger/job.db "UPDATE job SET workers = 3"
wait_for 20 running 3
touch go
ended 0 $run2 trigger
equal "$(count_of trigger 'done')" 8 "batches beside a trigger"
equal "$(grep -c "trigger 'tr'" trigger.err)" 1 "lines about the trigger"
expect_exit 7 sm run trigger

# Copies made beside that run are jobs: one as it is, one without its log.
for copy in backup vacuum; do
	cp -r trigger $copy
	rm $copy/job.db*
	mv $copy.db $copy/job.db
	expect_exit 0 sm run $copy
	[ $copy = backup ] || expect_text err "has it again"
	equal "$(sql $copy 'PRAGMA journal_mode')" wal "journal of the copy $copy"
	equal "$(count_of $copy 'done')" 8 "batches of the copy $copy"
	expect_exit 0 sm verify $copy
done

# Everybody was killed, and who may not write here cannot make the log's index.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	expect_exit 0 sm plan log exec --range 3 -- echo "{first}"
	"$PYTHON" - log/job.db <<-'END'
		import os, sqlite3, sys
		db = sqlite3.connect(sys.argv[1], isolation_level=None)
		db.execute("UPDATE job SET workers = 5")
		os.kill(os.getpid(), 9)
	END
	[ -s log/job.db-wal ] || fail "there is no log"
	rm log/job.db-shm
	chmod a+rX . log
	as_nobody() {
		setpriv --reuid=65534 --regid=65534 --clear-groups -- \
			"$SHARDMILL" "$@"
	}
	if as_nobody --version >/dev/null 2>&1; then
		expect_exit 4 as_nobody status log
		expect_text err "a crash left the log" "shardmill status"
		expect_exit 0 sm status log
		expect_exit 0 as_nobody status log
	fi
fi

# The lines of those that waited.
wait $status || fail "status: $(cat shut.err)"
wait $run || fail "run: $(cat shut-run.err)"
wait $read_run || fail "run beside a reader: $(cat reader.err)"
expect_text shut.err "has waited 10 s" "process $shut has it locked"
expect_text shut-run.err "has waited 10 s" "process $shut has it locked"
expect_text reader.err "has waited 10 s" "process $reader has a read of it open"
equal "$(count_of reader 'done')" 3 "batches beside a reader"
for job in early hand late more paced; do
	ended 0 "${!job}" $job
	[ $job = paced ] ||
		expect_text $job.err "has waited 1" \
			"process $queue holds '$dir/$job/write.lock'"
done
expect_text paced.err "process $queue holds the job's 'pace'"
equal "$(grep -c "process $queue" early.err)" 1 "lines of a run that waited"
