#!/bin/bash
# Options of GNU parallel and xargs are answered by the name they have here;
# a guess removes nothing; of a setting the last one counts.
. "$(dirname "$0")/lib.sh"

sm exec --help >help
sm plan --help >>help
sm status --help >>help

# Each is refused, none is guessed, and what is named instead exists.
while read -r option; do
	for command in exec run; do
		[[ $option =~ ^-[jN0]$ ]] && continue
		expect_exit 2 sm $command "$option" 1
		expect_text err "'$option' is"
		! grep -q 'did you mean' err || fail "a guess for $option"
		# The habit itself comes first.
		grep -oE -- "--[a-z][a-z-]+" err | tail -n +2 >named
		[[ $option == --* ]] || grep -oE -- "--[a-z][a-z-]+" err >named
		while read -r name; do
			grep -qE -- "(^|[^a-z-])$name([^a-z-]|\$)" help ||
				fail "'$option' names $name, which is not there"
		done <named
	done
done <<-'END'
	--resume
	--jobs
	--max-procs
	-P
	--retries
	--results
	--joblog
	--bar
	--eta
	--progress
	--keep-order
	-k
	--pipe
	--pipepart
	--block
	--arg-file
	-a
	--halt
	--max-args
	--max-replace-args
	-n
	-L
	-X
	-I
	-i
	--link
	--linebuffer
	--lb
	--ungroup
	-u
	--tag
	--bg
	--shuf
	--sshlogin
	-S
	--delimiter
	-d
	-r
	--no-run-if-empty
	--termseq
	--nice
	--workdir
	-t
END
expect_exit 2 sm exec --resume
expect_text err 'the same command goes on'
expect_exit 2 sm exec --halt=now,fail=1
expect_text err "'--max-failures N'"
# Where nothing is run they are options like any other.
expect_exit 2 sm cat --resume x
expect_text err 'unknown option'

# No guess removes or replaces something, or undoes a confirmation.
for near in consum forc restar ye takeove accept-change resume; do
	for command in exec run finalize; do
		expect_exit 2 sm $command --$near
		! grep -qE "mean '--(consume|force|restart|yes|takeover|accept)" \
			err || fail "--$near of $command: $(cat err)"
	done
done
expect_exit 2 sm verify --requeu x
! grep -q mean err || fail "a guess: $(cat err)"
expect_exit 2 sm exec --no-consum
expect_text err "did you mean '--no-consume'"
expect_exit 2 sm exec --max-attempt
expect_text err "did you mean '--max-attempts'"

# An alias has settings of its own.
expect_exit 0 sm plan a.job exec -j 1 --consume --timeout 3 --max-attempts 9 \
	--range 3 --workers 2 --no-consume --timeout 4 --max-attempts 5 -- true
equal "$(sql a.job 'SELECT workers, consume, max_attempts FROM job')" '2|0|5'
expect_text a.job/spec.json '"timeout": 4.0'
expect_exit 2 sm plan b.job exec --range 3 --range 4 -- true
expect_text err 'given twice'
expect_exit 2 sm exec -o a.gz -o b.gz --range 3 -- true
expect_text err 'given twice'
exit 0
