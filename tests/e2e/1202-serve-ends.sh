#!/bin/bash
# A command that lives over batches: deaths, limits of time, strays, how it is
# ended, and by hand.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "$tests/e2e/serve.sh"

# A batch that kills it counts, and is tried again by a new process.
cat >again.fn <<'END'
serve() {
	[ "$batch.$attempt" != 1.1 ] || kill -KILL $$
	echo x >"$out"; echo ok
}
END
job again --range 3 || fail "again: $(cat err)"
equal "$(outcome again 1)" "signal,done" "again: outcomes"
equal "$(processes)" 2 "again: processes"

# --- time ---
one slow 'sleep 60'
options=(--timeout 1)
fails slow "longer than 1 s"
equal "$(outcome slow 1)" timeout "slow: outcome"
cat >loads.fn <<'END'
[ -e "$work/loaded" ] || sleep 2
touch "$work/loaded"
serve() { echo x >"$out"; echo ok; }
END
rm -f loaded
job loads --range 3 --timeout 1 --start-timeout 30 || fail "loads: $(cat err)"
equal "$(sql loads.job "SELECT count(*) FROM attempt")" 3 "loads: attempts"
rm -f loaded
job loads --range 1 --timeout 60 --start-timeout 1 --max-attempts 1 &&
	fail "a start is not limited"
grep -q "first answer (--start-timeout)" <<<"$(message loads 0)" ||
	fail "loads: $(message loads 0)"

cat >plain.fn <<'END'
serve() { echo "n $first" >"$out"; echo ok; }
END
one error 'echo "error it is too hot"'
one before 'echo "last words" >&2; exit 3'

# --- recycle, sizes, checks, logs, slots ---
job plain --range 10 --recycle 3 || fail "recycle: $(cat err)"
equal "$(processes)" 4 "recycle: processes"
one big 'seq 100000 >"$out" 2>/dev/null; echo ok'
options=(--max-shard-bytes 1000)
fails big "larger than 1000 bytes"
cat >json.fn <<'END'
serve() { echo "{$batch" >"$out"; echo ok; }
END
job json --range 2 --check jsonl --max-attempts 1 && fail "no JSON was taken"
cat >words.fn <<'END'
echo starting >&2
serve() { echo "words of $batch" >&2; : >"$out"; echo ok; }
END
job words --range 3 --keep-logs || fail "words: $(cat err)"
equal "$(sql words.job "SELECT stderr FROM attempt ORDER BY id" |
	xargs)" "starting words of 0 words of 1 words of 2" "stderr"
equal "$(cat words.job/logs/000002.1.log)" "words of 2" "log"

# A process that forgets an earlier attempt's pipe, and one that comes late to
# its name, put no byte into a later one.
cat >stray.fn <<'END'
serve() {
	if [ "$attempt" = 1 ]; then
		(until [ -e "$work/second" ]; do sleep 0.05; done
		timeout 5 bash -c 'echo stray >"$1"' - "$out"
		touch "$work/came") >/dev/null 2>&1 &
		echo "error first"
		return
	fi
	exec 9>"$out"
	touch "$work/second"
	until [ -e "$work/came" ]; do sleep 0.05; done
	echo mine >&9; exec 9>&-; echo ok
}
END
job stray --range 1 || fail "stray: $(cat err)"
equal "$(zcat stray)" mine "stray: text"

# --- ends: a drain closes standard input, a stop does not wait ---
cat >ends.fn <<'END'
trap 'echo bye >"$work/bye"' EXIT
serve() { sleep 0.3; echo x >"$out"; echo ok; }
END
rm -f bye
job ends --range 2 || fail "ends: $(cat err)"
equal "$(cat bye)" bye "what it does at its end"
{ echo 'work='"$work"; cat slow.fn base.sh; } >slow.sh
rm -rf stop stop.job
start stop exec -o stop -j 2 --range 4 --serve -- bash slow.sh
wait_for 20 test -e stop.job/job.db
wait_for 20 at_least stop.job done 1
sleep 0.3
kill -INT "$pid"
sleep 0.2
kill -INT "$pid"
ended 130 "$pid" stop
wait_for 5 sh -c "! pgrep -f '^bash slow.sh' >/dev/null"
no_leftovers stop.job
equal "$(ls stop.job/pipes)" "" "pipes after a stop"

# --- try ---
expect_exit 0 sm try plain 7
equal "$(cat out)" "n 7" "try"
job error --range 3 --max-attempts 1 && fail "error has not failed"
expect_exit 1 sm try error 1
expect_text err "it is too hot"
job before --range 3 --max-attempts 1 && fail "before has not failed"
expect_exit 3 sm try before 1
equal "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'shardmill-try.*' \
	-newer plain)" "" "directories of try"

# --- options ---
expect_exit 2 sm plan o.job exec --range 3 --serve -- echo '{first}'
expect_text err "{first}" "standard input" "{slot}"
expect_exit 2 sm plan o.job exec --range 3 --recycle 3 -- echo
expect_text err "goes with --serve"
expect_exit 2 sm plan o.job exec --range 3 --start-timeout 3 -- echo
expect_exit 3 sm plan o.job exec --range 3 --serve -- no-such-program
exit 0
