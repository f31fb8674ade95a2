#!/bin/bash
# status --json is as schema/status.schema.json describes it, and --openmetrics
# says the same, in every state of a job.
. "$(dirname "$0")/lib.sh"

forms() {
	expect_exit 0 sm status "$1" --openmetrics
	mv out metrics
	expect_exit 0 sm status "$1" --json
	mv out json
	"$PYTHON" "$tests/status_forms.py" "$tests/../schema/status.schema.json" \
		json metrics || fail "$1: the forms of status"
	! command -v promtool >/dev/null ||
		promtool check metrics <metrics >out 2>&1 || fail "promtool: $1"
}

name='a "b\c.gz'
expect_exit 0 sm plan "$name.job" exec -o "$name" --range 6 -j 2 -- \
	sh -c '[ {batch} != 3 ] || exit 7; echo {batch}'
forms "$name"
expect_exit 1 sm run "$name" --max-attempts 1
forms "$name"
expect_exit 0 sm plan part exec --range 6 --parts 2 -- echo "{batch}"
forms part
# shellcheck disable=SC2016
start run exec -o r.gz --range 2 -j 2 -- \
	sh -c 'until [ -e go ]; do sleep 0.1; done'
wait_for 20 at_least r.gz.job running 2
forms r.gz
touch go
ended 0 $pid run
forms r.gz
expect_exit 2 sm status r.gz --openmetrics --json
