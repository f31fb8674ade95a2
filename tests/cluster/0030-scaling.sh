#!/bin/bash
# How long a job takes on one, two and three nodes: batches that only wait, so
# that it shows on any number of CPUs.
# shellcheck source=tests/cluster/lib.sh
. "$(dirname "$0")/lib.sh"
start_cluster 3
sleeps=${CLUSTER_SLEEP:-0.5}
echo "36 batches of $sleeps s in 12 parts, from submission to the final file:"
last=999999
for nodes in 1 2 3; do
	expect_exit 0 sm plan job$nodes exec -o f$nodes.gz --range 36 \
		--parts 12 -- sh -c 'sleep "$1"; echo "$2"' - "$sleeps" "{first}"
	begun=${EPOCHREALTIME/./}
	submit job$nodes -- --partition=first$nodes
	finished() {
		[ -e f$nodes.gz ]
	}
	wait_for 120 finished
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	echo "$nodes nodes: $((took / 1000)).$((took / 100 % 10)) s"
	same f1.gz f$nodes.gz
	audit job$nodes
	[ $took -lt $last ] || fail "no faster than on fewer nodes"
	last=$took
	wait_for 30 cluster_is_empty
done
