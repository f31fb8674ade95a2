#!/bin/bash
# The time left, and what is a straggler, against the truth over shapes of job.
. "$(dirname "$0")/lib.sh"

expect_exit 0 "$PYTHON" "$tests/estimate.py"
equal "$(grep -c '^| .* s |' out)" 13 "shapes"
