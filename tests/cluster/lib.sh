# shellcheck shell=bash
# lib.sh - what the tests on a cluster share: those of tests/e2e/lib.sh, and a
# cluster of their own that is ended with them.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
# shellcheck source=tests/cluster/lab.sh
. "$tests/cluster/lab.sh"

cluster_available || skip "Slurm is not installed"
trap 'cluster_end; cleanup' EXIT
chmod 755 "$dir"
unset SLURMD_NODENAME

# start_cluster NODES
start_cluster() {
	clusters=$((${clusters:-0} + 1))
	mkdir "$dir/cluster$clusters"
	cluster_start "$dir/cluster$clusters" "$1" || {
		tail -v -n 5 "$dir/cluster$clusters"/*.{log,out} >&2
		fail "the cluster does not start"
	}
}

# submit JOB [OPTION...]: the numbers go to $array and $finalize
submit() {
	expect_exit 0 sm slurm "$@"
	array=$(sed -n 's/^submitted: job \([0-9]*\), .* parts\{0,1\}$/\1/p' out)
	finalize=$(sed -n 's/^submitted: job \([0-9]*\), finalize.*/\1/p' out)
}

# state of a part, by its own table
done_in() {
	sql "$1" "SELECT count(*) FROM batch WHERE state = 'done'"
}

# audit JOB: over all parts, each batch of the whole job was committed once,
# and what was committed is what stands
audit() {
	local part
	for part in "$1"/part-*; do
		sql "$part" "SELECT batch FROM attempt WHERE outcome = 'done'"
		equal "$(sql "$part" "SELECT count(*) FROM batch AS b JOIN
			attempt AS a ON a.batch = b.id AND a.token = b.token
			WHERE b.state = 'done' AND a.outcome = 'done'")" \
			"$(sql "$part" 'SELECT count(*) FROM batch')" \
			"batches that stand as they were committed in $part"
	done | sort -n >committed
	seq 0 $(($(json "$1/spec.json" batches) - 1)) >planned
	cmp planned committed || fail "not each batch was committed once"
}

# outcomes_of JOB: "N outcome" for each, over all parts
outcomes_of() {
	local part
	for part in "$1"/part-*; do
		sql "$part" 'SELECT outcome FROM attempt'
	done | sort | uniq -c | sort -rn | awk '{ printf "%s %s  ", $1, $2 }'
}
