#!/bin/bash
# The power is cut at any moment of a small job: a share of what `tests/run
# faults` does.  STATES makes it longer, SEED gives the same choice of states.
. "$(dirname "$0")/lib.sh"

need strace sqlite3
strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"

"$PYTHON" "$tests/faults/powercut.py" --states "${STATES:-260}" \
	${SEED:+--seed "$SEED"} "$SHARDMILL" || fail "see the states above"
