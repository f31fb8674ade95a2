#!/bin/bash
# The same of jobs that consume their shards: no order of syncs, commits and
# removals loses a batch.
. "$(dirname "$0")/lib.sh"

need strace sqlite3
strace -o /dev/null true 2>/dev/null || skip "strace may not trace here"

"$PYTHON" "$tests/faults/powercut.py" --states "${STATES:-200}" \
	--only consume,consume-end,consume-loose,consume-again \
	${SEED:+--seed "$SEED"} "$SHARDMILL" || fail "see the states above"
