#!/bin/bash
# SIGKILL at any moment of a job in parts: planning, planning again in parts,
# running the whole, joining.
# Planned anew without asking, nothing made twice that was done, same file.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
seed_random
data mid 6000 300
opts=(--batch-rows 100)
reference by100 "${opts[@]}"
plan=(plan job candidates -o f.gz --parts 7 "${opts[@]}" "${args[@]}")
# With a rollback journal, which a kill may leave behind.
whole=(plan job candidates -o f.gz --network-fs "${opts[@]}" "${args[@]}")
replan=(slurm job --parts 7 --print)

# killed MS COMMAND...: with all that it started, somewhere within MS
killed() {
	local ms=$1
	shift
	start run "$@"
	sleep "$(random_ms "$ms")"
	kill -KILL -- -$pid 2>/dev/null
	wait $pid 2>/dev/null
}
# shards: of each batch that is done, with its inode, so that one that was made
# again shows; by a copy of the tables, so that what a kill left stays there
shards() {
	local part id
	for part in job/part-*; do
		rm -rf copy
		mkdir copy
		cp "$part"/job.db "$part"/job.db-{wal,journal} copy/ 2>/dev/null
		sql copy "SELECT printf('%06d', id) FROM batch
			WHERE state = 'done'" | while read -r id; do
			echo "$part $id $(stat -c %i "$part/shards/$id.gz")"
		done
	done | sort
}

for n in $(seq 1 "${KILLS:-3}"); do
	# In parts from the beginning, or planned again in parts.
	make=("${plan[@]}")
	if [ $((n % 2)) = 0 ]; then
		expect_exit 0 sm "${whole[@]}"
		make=("${replan[@]}")
	fi
	for k in 1 2 3; do
		killed 700 "${make[@]}"
		# Planned, or not at all: no command takes half of it for a job.
		if [ -e job/spec.json ]; then
			expect_exit 0 sm status job --json
			equal "$(jq ".pending + .running + .done + .failed" \
				out)" 60 "batches of a killed plan"
		fi
	done
	expect_exit 0 sm "${make[@]}"
	[ ! -e job/job.db ] || fail "the whole has a table"
	expect_exit 0 sm "${plan[@]}"
	equal "$(echo job/part-* | wc -w)" 7 "parts"
	for k in 1 2 3; do
		shards >before
		killed 900 run job -j 2
		expect_exit 0 sm status job
		expect_text out "of 7 parts"
		grep -q "cannot be read" out && fail "status of a killed run"
		[ -z "$(comm -23 before <(shards))" ] ||
			fail "a shard was made again"
	done
	shards >before
	expect_exit 0 sm run --takeover job/part-0003 -j 2
	expect_exit 0 sm run job -j 2
	[ -z "$(comm -23 before <(shards))" ] || fail "a shard was made again"
	same "$set/by100.gz" f.gz
	rm f.gz
	killed 300 finalize job
	[ ! -e f.gz ] || same "$set/by100.gz" f.gz
	expect_exit 0 sm finalize job
	same "$set/by100.gz" f.gz
	[ ! -e f.gz.part ] && [ -z "$(find job -name '*.tmp')" ] ||
		fail "left behind: $(ls f.gz.part; find job -name '*.tmp')"
	for part in job/part-*; do
		made_once "$part"
	done
	rm -r job f.gz
done
