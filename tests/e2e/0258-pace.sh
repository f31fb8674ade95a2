#!/bin/bash
# --delay, --load, --memfree hold a command back; --max-failures ends a run;
# --grace is the time from TERM to KILL.
# shellcheck disable=SC1083,SC2015,SC2016 # braces and scripts are for the program
. "$(dirname "$0")/lib.sh"

# So long between two starts, of all workers together.
expect_exit 0 sm exec -o d.gz -j 3 --delay 0.3s --range 6 -- date +%s.%N
zcat d.gz | sort -n | awk 'NR > 1 && $1 - was < 0.25 { print $1 - was; bad = 1 }
	{ was = $1 } END { exit bad || NR != 6 }' || fail "starts too close"
# A time from before a reboot is none; the job's removal takes the file along.
[ -e d.gz.job/pace ] || fail "no pace"
expect_exit 0 sm retry d.gz --all
printf '\377\377\377\377\377\377\377\177' >d.gz.job/pace
expect_exit 0 timeout 20 "$SHARDMILL" run d.gz
expect_exit 0 sm exec -o d.gz --restart --yes --range 1 -- true
[ ! -e d.gz.job/pace ] || fail "pace is left"

# Nothing is started, nothing waits for its end, nothing has failed.  The load
# is another test's or this one's, and is seen some seconds later: until then
# batches may start, after that none may.
for held in '--load 0.00001' '--memfree 1000T' '--delay 1h'; do
	rm -rf h.job started quick
	# shellcheck disable=SC2086
	expect_exit 0 sm plan h.job exec -j 2 $held --range 60 -- \
		sh -c 'echo x >>started; [ -e quick ] || sleep 0.3; echo x'
	: >started
	touch busy
	timeout 60 sh -c 'while [ -e busy ]; do :; done' &
	keep_pid $!
	"$SHARDMILL" run h.job >out 2>err &
	pid=$!
	keep_pid $pid
	case $held in
	--delay*) sleep 2 && equal "$(wc -l <started)" 1 "started with $held" ;;
	--load*)
		wait_for 20 grep -qv '^0.00' /proc/loadavg
		sleep 0.5
		n=$(wc -l <started)
		sleep 1.5
		equal "$(wc -l <started)" "$n" "started with $held"
		[ "$n" -lt 60 ] || fail "all were started before there was a load"
		;;
	*) sleep 2 && [ ! -s started ] || fail "started with $held" ;;
	esac
	kill -TERM $pid
	got=0
	timeout 10 tail --pid=$pid -f /dev/null || fail "$held holds up a drain"
	wait $pid || got=$?
	rm -f busy
	equal $got 143 "exit of $held"
	equal "$(sql h.job "SELECT count(*) FROM batch WHERE state = 'failed' OR
		state = 'running'")" 0 "batches that did not go back"
	# Another limit at the next start.
	touch quick
	expect_exit 0 sm run h.job --load 100000 --memfree 1k --delay 0
	equal "$(sql h.job "SELECT count(*) FROM batch WHERE state = 'done'")" 60
done

# So many failures end the run; what is left is left.
fails() {
	sql "$1" "SELECT count(*) FROM batch WHERE state = 'failed'"
}
expect_exit 0 sm plan m.job exec -j 2 --max-attempts 1 --range 400 -- \
	sh -c 'sleep 0.05; exit 1'
expect_exit 1 sm run m.job --max-failures 5
expect_text err '--max-failures ends it' 'are left'
n=$(fails m.job)
[ "$n" -ge 5 ] && [ "$n" -le 20 ] || fail "$n failures, not 5 and a few"
# Those of an earlier run do not count, nor do batches that succeed.
expect_exit 1 sm run m.job --max-failures 2%
m=$(fails m.job)
[ "$m" -ge $((n + 8)) ] && [ "$m" -le $((n + 24)) ] ||
	fail "$((m - n)) failures, not 8 and a few"
expect_exit 1 sm exec -o s.gz -j 1 --max-attempts 1 --max-failures 3 --range 20 \
	-- sh -c 'test {first} -ge 2'
equal "$(fails s.gz.job)" 2
for bad in 0 0% 100% -1 1.5 x 5%%; do
	expect_exit 2 sm run s.gz --max-failures=$bad
	expect_text err '1% to 99%'
done

# From TERM to KILL.
for serve in '' --serve; do
	rm -rf g.job
	start=$(date +%s%N)
	# shellcheck disable=SC2086
	expect_exit 0 sm plan g.job exec $serve --timeout 0.2 --grace 0.5 \
		--max-attempts 1 --range 1 -- \
		bash -c 'trap "" TERM; while :; do sleep 0.1; done'
	expect_exit 1 sm run g.job
	took=$((($(date +%s%N) - start) / 1000000))
	[ $took -ge 700 ] && [ $took -lt 4500 ] || fail "$took ms with $serve"
	equal "$(sql g.job 'SELECT error_class FROM attempt')" timeout
done
exit 0
