#!/bin/bash
# A job in twelve parts on three nodes.  One node dies in the middle, one is
# frozen and thawed when its part is another's, the controller is killed: the
# final file is that of one machine, and each batch was committed once.
# shellcheck source=tests/cluster/lib.sh
. "$(dirname "$0")/lib.sh"

# Batches of a few tenths of a second.
rows=${CLUSTER_ROWS:-24000}
sm sample data --rows "$rows" --width 200 --seed 7 >out 2>err || fail "sample"
args=(--cands data/cands.npy --scores data/scores.npy --keys data/keys.json
	--vocab data/vocab.json --batch-rows 100 --encoder zlib --level 9)
expect_exit 0 sm candidates -o one.gz -j 2 "${args[@]}"

start_cluster 3
begun=$EPOCHREALTIME
# The journal that a file system shared by several hosts would have.
expect_exit 0 sm plan job candidates -o f.gz --parts 12 --network-fs "${args[@]}"

# The last two wait, so that there is work left for each disturbance, and one
# node for all others.
for part in job/part-0010 job/part-0011; do
	sql $part 'UPDATE job SET paused = 1'
done
submit job
[ -n "$array" ] && [ -n "$finalize" ] || fail "nothing was submitted"

# in_the_middle PART: it runs, has something done and much to do; $1 may be a
# pattern, and $part and $node tell which it is
in_the_middle() {
	local task name
	while read -r task node; do
		name=job/part-$(printf %04d "$task")
		# shellcheck disable=SC2053
		[[ $name == $1 ]] || continue
		[ "$(sql "$name" "SELECT sum(state = 'done') > 0
			AND sum(state = 'running') > 0
			AND sum(state = 'pending') > 2 FROM batch")" = 1 ] ||
			continue
		part=$name
		return 0
	done < <(timeout 5 squeue -h -t R -j "$array" -o '%K %N')
	return 1
}
taken_over() {
	[ "$(sql "$1" 'SELECT run FROM job')" -gt "$2" ]
}
run_of() {
	sql "$1" 'SELECT run FROM job'
}

wait_for 60 in_the_middle 'job/part-000[0-8]'
dead=$node killed=$part was=$(run_of "$part")
node_off "$dead"
node_down "$dead"
echo "$dead died with $(done_in "$killed") batches of ${killed#*/} done"
sleep 1
node_on "$dead"
wait_for 60 taken_over "$killed" "$was"
echo "${killed#*/} went on"

# Not while it holds a lock of the database, or its turn to write: those would
# last as long as the frozen process, where a file server gives the locks of a
# host that is silent to others.
freeze_one() {
	in_the_middle job/part-0011 || return 1
	frozen=$node zombie=$part was=$(run_of "$part")
	node_freeze "$frozen"
	flock -n "$zombie/write.lock" true &&
		! grep -q ":$(stat -c %i "$zombie/job.db") " /proc/locks &&
		return 0
	node_thaw "$frozen"
	return 1
}
sql job/part-0011 'UPDATE job SET paused = 0'
wait_for 60 freeze_one
node_down "$frozen"
echo "$frozen froze with $(done_in "$zombie") batches of ${zombie#*/} done"
wait_for 60 taken_over "$zombie" "$was"
before=$(sql "$zombie" "SELECT count(*) FROM attempt WHERE outcome = 'fenced'")
node_thaw_tasks "$frozen"
fenced() {
	[ "$(sql "$zombie" "SELECT count(*) FROM attempt
		WHERE outcome = 'fenced'")" -gt "$before" ]
}
wait_for 30 fenced
sql "$zombie" "SELECT 'late: batch ' || batch || ', ' || outcome || ', ' ||
	message FROM attempt WHERE outcome = 'fenced'"
node_thaw "$frozen"

# The controller keeps its state a little behind the events: what happened in
# the last seconds happens again.
settled() {
	[ "$(done_in "$zombie")" = 20 ] &&
		! timeout 5 squeue -h -j "$array" -o %K | grep -qx 11
}
wait_for 60 settled
# It was Slurm that gave both to other nodes.
requeued=$(timeout 5 scontrol show job "$array" | grep -c 'Restarts=[1-9]')
echo "requeued by Slurm: $requeued tasks"
[ "$requeued" -ge 2 ] || fail "Slurm requeued $requeued tasks"
sleep 3
controller_off
sleep 1
controller_on
wait_for 30 timeout 5 squeue -h -o %i >/dev/null
echo "the controller was killed and is back"
sql job/part-0010 'UPDATE job SET paused = 0'

# resumed: what an operator does with nodes that Slurm distrusts by then
finished() {
	local node
	for node in $(timeout 5 sinfo -h -N -t drain,drained,down -o %N); do
		timeout 5 scontrol update "nodename=$node" state=resume
	done
	[ -e f.gz ] && cluster_is_empty
}
if ! cluster_wait 60 finished; then
	# A task that Slurm holds is submitted once more, as after any failure.
	squeue
	scancel -u "$(id -un)"
	wait_for 30 cluster_is_empty
	submit job
	echo "submitted once more by hand: $(grep array= job/slurm.sh)"
	wait_for 60 finished
fi
same one.gz f.gz
audit job
echo "attempts: $(outcomes_of job)"
grep -h 'took the job' job/logs/slurm-*.log | head -n 1
expect_exit 0 sm status job
expect_text out "complete:" "12 of 12 parts are done"
awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.0f s\n", b - a }'
