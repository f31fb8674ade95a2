#!/bin/bash
# TERM to every process of a run, commands as well, as a scheduler sends it to a
# job that it cancels or moves: no try is counted.  One command alone that dies
# of TERM has failed.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

cat >task.sh <<'END_OF_TASK'
eval "$how"
touch "begun.$1"
if [ ! -e go ]; then
	sleep 30 >/dev/null 2>&1 &
	wait
fi
echo "$1"
END_OF_TASK
begin() {
	rm -rf job go begun.*
	expect_exit 0 sm plan job exec --range 4 --max-attempts 1 -- \
		sh task.sh "{first}"
	export how=$1
	start run run job -j 2
	supervisor=$pid
	wait_for 20 test -e begun.0
	wait_for 20 test -e begun.1
	# shellcheck disable=SC2046
	mapfile -t workers < <(printf '%s\n' $(children "$supervisor"))
	# A worker's guard is no command.
	mapfile -t commands < <(for pid in "${workers[@]}"; do
		for child in $(children "$pid"); do
			grep -q guard "/proc/$child/comm" || echo "$child"
		done
	done)
	equal "${#workers[@]}/${#commands[@]}" 2/2 "workers and commands"
}
# signal, status of the run, what the command does about it
while read -r signal status how; do
	begin "$how"
	# The commands first: their workers hear of it before they are asked.
	kill "-$signal" "${commands[@]}"
	sleep 0.3
	kill "-$signal" "${workers[@]}" "$supervisor"
	ended "$status" "$supervisor" run
	outcomes job returned
	equal "$(sql job 'SELECT sum(attempts) FROM batch')" 0 "tries"
	equal "$(count_of job pending)" 4 "pending batches"
	touch go
	expect_exit 0 sm run job
done <<'END_OF_CASES'
TERM 143 :
TERM 143 trap "exit 143" TERM
TERM 143 trap "exit 130" TERM
HUP 129 :
INT 130 trap "exit 130" INT
END_OF_CASES

begin :
kill -TERM "${commands[0]}"
wait_for 20 at_least job failed 1
equal "$(sql job "SELECT count(*) FROM attempt WHERE outcome = 'signal'
	AND signal = 15")" 1 "tries that failed"
