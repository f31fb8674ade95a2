#!/bin/bash
# SIGKILL while planning: planned anew without asking.
. "$(dirname "$0")/lib.sh"
seed_random

# All of spec.json but where the job is, and its random id.
planned() {
	grep -vE '"(home|id)":' "$1/spec.json" | cksum
}

data mid 6000 300
opts=(--batch-rows 1 --sync end)
expect_exit 0 sm plan good candidates "${opts[@]}" "${args[@]}"
planned good >want
ls good/tables >>want
start=$EPOCHREALTIME
expect_exit 0 sm plan good2 candidates "${opts[@]}" "${args[@]}"
ms=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000 + 2))

for n in $(seq 1 "${KILLS:-12}"); do
	for k in 1 2; do
		start run plan job candidates "${opts[@]}" "${args[@]}"
		sleep "$(random_ms $ms)"
		kill -KILL $pid 2>/dev/null
		wait $pid
	done
	expect_exit 0 sm plan job candidates "${opts[@]}" "${args[@]}"
	no_leftovers job
	equal "$(count_of job pending)" 6000
	planned job >got
	ls job/tables >>got
	same want got
	rm -rf job
done
