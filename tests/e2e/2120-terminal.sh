#!/bin/bash
# A command that asks at the terminal fails by its own word; the kernel does not
# stop it, and the run ends.
. "$(dirname "$0")/lib.sh"

cat >on_a_terminal.py <<'PY'
import os, pty, select, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
end, text, status = time.time() + 60, b"", None
while time.time() < end and status is None:
    if select.select([fd], [], [], 0.2)[0]:
        try:
            text += os.read(fd, 65536)
        except OSError:
            pass
    done, st = os.waitpid(pid, os.WNOHANG)
    status = st if done else None
sys.stdout.buffer.write(text)
if status is None:
    os.kill(pid, 9)
    sys.exit("it was still running after a minute")
sys.exit(os.waitstatus_to_exitcode(status))
PY
on_a_terminal() {
	"$PYTHON" on_a_terminal.py "$SHARDMILL" "$@"
}
for command in 'read x </dev/tty; echo $x' 'echo question >/dev/tty' \
	'stty -echo </dev/tty'; do
	rm -rf a.gz.job
	expect_exit 1 on_a_terminal exec -o a.gz --range 2 -j 2 \
		--max-attempts 1 -- sh -ec "$command"
	expect_text out /dev/tty
	equal "$(count_of a.gz.job failed)" 2 "$command"
done

# `try` is on the terminal, where such a question can be answered.
expect_exit 0 on_a_terminal try a.gz.job 0
