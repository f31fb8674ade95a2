#!/bin/bash
# SIGKILL, or an error of the disk, at each removal of a clean: the next one
# goes on, until nothing of the job is left, and nothing else is gone.
. "$(dirname "$0")/lib.sh"
need strace
strace -o /dev/null -e inject=unlinkat:error=EIO:when=999 true 2>/dev/null ||
	skip "strace may not trace here"

# cleaned NAME: NAME.job is gone but for the note, NAME.gz is what it was
cleaned() {
	equal "$(cd "$1.job" && find . | sort | xargs)" ". ./note" "what stays"
	equal "$(cksum "$1.gz")" "$(cat "$1.sum")" "the final file"
}
# at_each NAME LEAST STEP: with every STEP-th call that removes something, of
# which there are LEAST or more; each error begins at another one
at_each() {
	local n how code call from=1
	echo mine >"$1.job/note"
	cksum "$1.gz" >"$1.sum"
	tar -cf "$1.tar" "$1.job"
	for call in unlinkat rmdir; do
		for how in signal=KILL error=EIO; do
			for ((n = from; ; n += $3)); do
				rm -rf "$1.job"
				tar -xf "$1.tar"
				code=$( (
					strace -o trace -e "trace=$call" -e \
						"inject=$call:$how:when=$n" \
						"$SHARDMILL" clean "$1.job" \
						--yes >out 2>err
					echo $?
				) 2>/dev/null)
				grep -q INJECTED trace || [ "$code" = 137 ] || break
				[ "$code" = 0 ] || again "$1" "$code"
				cleaned "$1"
			done
			from=$((from % $3 + 1))
			[ $n -gt "$2" ] || [ $call = rmdir ] ||
				fail "only $n calls of $call"
		done
	done
}
# What may not be removed is named; once nothing says that it was a job, nothing
# of it is left.
again() {
	[ "$2" = 137 ] || [ "$2" = 4 ] || fail "exit $2 after a failure"
	local code=0
	"$SHARDMILL" clean "$1.job" --yes >out 2>err || code=$?
	[ $code = 0 ] || [ $code = 3 ] || fail "exit $code, the second time"
}

expect_exit 0 sm exec -q -o one.gz --job one.job --range 2 -- seq 30
at_each one 12 1
expect_exit 0 sm plan two.job exec -o two.gz --range 2 --parts 2 -- seq 30
expect_exit 0 sm run two.job -q
at_each two 30 3
