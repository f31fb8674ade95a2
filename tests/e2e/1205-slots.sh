#!/bin/bash
# {slot} and SHARDMILL_SLOT: below the number of workers, and never two alive
# with the same one, after deaths and with other numbers of workers too.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# A command holds the lock of its slot while it runs: a second one fails.
cat >cmd.sh <<'END'
[ "$SHARDMILL_SLOT" = "$1" ] || exit 9
exec 9>"$2/lock.$1"
flock -n 9 || { echo "slot $1 is taken" >&2; exit 8; }
echo "$1" >>"$2/slots"
sleep 0.0$((RANDOM % 9 + 1))
[ $((RANDOM % 15)) != 0 ] || kill -KILL $PPID
END
start many exec -o many -j 4 --range 250 --max-attempts 30 -- \
	bash cmd.sh '{slot}' "$PWD"
wait_for 30 at_least many.job done 20
sql many.job "UPDATE job SET workers = 2"
wait_for 30 at_least many.job done 40
sleep 2
: >slots
wait_for 30 test -s slots
sleep 0.5
[ "$(sort -n slots | tail -n 1)" -le 1 ] ||
	fail "of two workers one has slot $(sort -n slots | tail -n 1)"
sql many.job "UPDATE job SET workers = 4"
ended 0 "$pid" many
[ "$(sort -n slots | tail -n 1)" -le 3 ] || fail "a slot beyond 3"
equal "$(sql many.job "SELECT count(*) FROM attempt
	WHERE exit_status IN (8, 9)")" 0 "attempts with a slot that was taken"

# A worker by hand comes after those of the supervisor.
rm -f slots
expect_exit 0 sm plan hand.job exec -j 3 --range 2 -- \
	bash -c 'echo "$SHARDMILL_SLOT"'
expect_exit 0 sm work hand.job
expect_exit 0 sm finalize hand.job -o hand
equal "$(zcat hand | sort -u)" 3 "slot of a worker by hand"
