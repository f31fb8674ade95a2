#!/bin/bash
# SIGKILL before system calls, and calls that fail: a share of what `tests/run
# faults` does.  COUNT makes it longer, SEED gives the same choice of points.
. "$(dirname "$0")/lib.sh"
need gcc
# The leak sanitizer cannot look while somebody traces.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
"$PYTHON" - <<'END' || skip "processes may not be traced here"
import ctypes, os
pid = os.fork()
if pid == 0:
    os._exit(0 if ctypes.CDLL(None).ptrace(0, 0, 0, 0) == 0 else 1)
os._exit(os.waitpid(pid, 0)[1])
END

# Those that need no fault points to be prepared.
jobs=(whole exec plan work finalize retry requeue restart accept standing)
export COUNT=${COUNT:-60}
"$PYTHON" "$tests/faults/kills.py" calls "${jobs[@]}" || fail "kills"
COUNT=$((COUNT / 2)) "$PYTHON" "$tests/faults/errors.py" files "${jobs[@]}" ||
	fail "errors"
