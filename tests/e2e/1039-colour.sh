#!/bin/bash
# Colour where a terminal has it and nobody said NO_COLOR; none anywhere else.
. "$(dirname "$0")/lib.sh"

# on_terminal NAME=VALUE... -- ARG...: what the program writes to a terminal
cat >on_terminal.py <<'END'
import os, pty, sys
at = sys.argv.index("--")
env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
env.update(s.split("=", 1) for s in sys.argv[1:at])
pid, fd = pty.fork()
if pid == 0:
    os.execve(sys.argv[at + 1], sys.argv[at + 1:], env)
try:
    while True:
        more = os.read(fd, 65536)
        if not more:
            break
        sys.stdout.buffer.write(more)
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
on_terminal() {
	local -a env=()
	while [ "$1" != -- ]; do
		env+=("$1")
		shift
	done
	shift
	"$PYTHON" on_terminal.py "${env[@]}" -- "$SHARDMILL" "$@"
}

red=$'\033[31m' yellow=$'\033[33m' green=$'\033[32m'
# The last batch waits for the progress line to be seen.
# shellcheck disable=SC2016
job=(exec -o a.gz --range 20 -j 2 --max-attempts 1 -- sh -c \
	'[ {batch} != 3 ] || exit 9
	[ {batch} != 19 ] || until [ -e seen ]; do sleep 0.1; done; echo')
# run_until WORD NAME=VALUE...: until the line says WORD
run_until() {
	local word=$1 got=0
	shift
	rm -f seen
	on_terminal "$@" -- "${job[@]}" >shown 2>&1 &
	keep_pid $!
	wait_for 30 grep -qF -e "$word" shown
	touch seen
	wait $! || got=$?
	equal "$got" 1 "exit status of the run"
	cp shown out
}
run_until "${red}1 failed" TERM=xterm
# Colour takes no room: what is left of a line fits as it did.
tr '\r' '\n' <out | sed $'s/\033\\[[0-9;]*[mK]//g' | grep '^run' >lines
awk 'length > 79 { bad = 1 } END { exit bad || NR == 0 }' lines ||
	fail "a line is wider than the terminal"
for env in TERM=xterm 'TERM=xterm NO_COLOR='; do
	# shellcheck disable=SC2086
	expect_exit 0 on_terminal $env -- status a.gz
	expect_text out "${red}failed 1" "${yellow}ended with 1"
	# shellcheck disable=SC2086
	expect_exit 0 on_terminal $env -- ls .
	expect_text out "$red"
done
plain() {
	! grep -q $'\033' out || fail "control codes: $*"
}
for env in 'TERM=xterm NO_COLOR=1' TERM=dumb TERM= ''; do
	# shellcheck disable=SC2086
	expect_exit 0 on_terminal $env -- status a.gz
	plain "status, '$env'"
	# shellcheck disable=SC2086
	expect_exit 0 on_terminal $env -- ls .
	plain "ls, '$env'"
done
TERM=xterm expect_exit 0 sm status a.gz
plain "status in a file"
expect_exit 0 sm clean a.gz --unfinished --yes
run_until "1 failed" TERM=xterm NO_COLOR=1
! grep -q $'\033\\[[0-9;]*m' out || fail "a progress line with NO_COLOR"
expect_exit 0 sm clean a.gz --unfinished --yes
run_until "1 failed" TERM=dumb
plain "a run on a dumb terminal"

expect_exit 0 sm retry a.gz
expect_exit 0 sm pause a.gz
expect_exit 0 on_terminal TERM=xterm -- ls .
expect_text out "${yellow}paused"
expect_exit 0 sm exec -q -o b.gz --range 2 -- echo
expect_exit 0 on_terminal TERM=xterm -- status b.gz
expect_text out "${green}complete"
