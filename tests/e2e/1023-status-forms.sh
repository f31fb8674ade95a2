#!/bin/bash
# status --json is as schema/status.schema.json describes it, and --openmetrics
# says the same, in every state of a job; of one batch it is as
# schema/status-batch.schema.json has it, in every state of a batch.
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

# batch_forms JOB BATCH STATE TRIES OUTCOME: the last one's
batch_forms() {
	expect_exit 0 sm status "$1" --batch "$2" --json
	mv out json
	"$PYTHON" "$tests/status_forms.py" \
		"$tests/../schema/status-batch.schema.json" json ||
		fail "$1, batch $2: the form of status --batch"
	equal "$(json json state)" "$3" "state of batch $2"
	equal "$(jq '.attempt | length' json)" "$4" "tries of batch $2"
	equal "$(jq -r '.attempt[-1].outcome' json)" "$5" "outcome of batch $2"
	# The rows of job.db say the same.
	equal "$(jq -r '[.attempts, .first, .end, .rows, .records, .raw_bytes,
		.gz_bytes, .priority, .error] | map(. // "") | join("|")' json)" \
		"$(sql "$1.job" "SELECT attempts, first, \"end\", rows, records,
			raw_bytes, gz_bytes, priority, error FROM batch
			WHERE id = $2")" "figures of batch $2"
	equal "$(jq -r '.attempt[] | [.id, .worker, .host, .pid, .exit_status,
		.signal, .error_class] | map(. // "") | join("|")' json)" \
		"$(sql "$1.job" "SELECT a.id, w.slot, w.host, w.pid,
			a.exit_status, a.signal, a.error_class FROM attempt a
			JOIN worker w ON w.id = a.worker
			WHERE a.batch = $2 ORDER BY a.id")" "tries of batch $2"
}

name='a "b\c.gz'
expect_exit 0 sm plan "$name.job" exec -o "$name" --range 6 -j 2 -- \
	sh -c '[ {batch} != 3 ] || exit 7; echo {batch}'
forms "$name"
batch_forms "$name" 3 pending 0 null
expect_exit 1 sm run "$name" --max-attempts 1
forms "$name"
equal "$(jq -c '.failures[].examples' json)" '[3]' "examples"
batch_forms "$name" 3 failed 1 error
batch_forms "$name" 4 "done" 1 "done"
expect_exit 0 sm set "$name" --priority 3=-2
expect_exit 1 sm run "$name" --max-attempts 1 --retry-failed
batch_forms "$name" 3 failed 2 error
expect_exit 0 sm plan part exec --range 6 --parts 2 -- echo "{batch}"
forms part
# shellcheck disable=SC2016
start run exec -o r.gz --range 2 -j 2 -- \
	sh -c 'until [ -e go ]; do sleep 0.1; done'
wait_for 20 at_least r.gz.job running 2
forms r.gz
batch_forms r.gz 1 running 1 running
touch go
ended 0 $pid run
forms r.gz
expect_exit 2 sm status r.gz --openmetrics --json
