#!/bin/bash
# A task that gets TERM, as near its time limit, finishes the batch in hand and
# ends with 143; one that is requeued goes on; one that is done and started once
# more leaves its part alone.
# shellcheck source=tests/cluster/lib.sh
. "$(dirname "$0")/lib.sh"
start_cluster 2
plan=(--range 16 -- sh -c 'sleep 0.5; echo "batch $1"' - "{first}")
expect_exit 0 sm plan one exec "${plan[@]}"
expect_exit 0 sm run one -j 4
expect_exit 0 sm finalize one -o one.gz
expect_exit 0 sm plan job exec -o f.gz --parts 2 "${plan[@]}"
submit job
begun() {
	[ "$(done_in job/part-0000)" -gt 0 ] && [ "$(done_in job/part-0001)" -gt 0 ]
}
wait_for 60 begun

# shows WORD: of the task $1, what the controller says
shows() {
	timeout 5 scontrol -o show job "$1" | grep -q "$2"
}
timeout 5 scancel --batch --signal=TERM "${array}_0" || fail "scancel"
timeout 5 scontrol requeue "${array}_1" || fail "requeue"
wait_for 60 shows "${array}_0" 'ExitCode=143:0'
equal "$(sql job/part-0000 "SELECT group_concat(DISTINCT outcome) FROM
	attempt")" done "attempts of the task that was asked to end"
[ "$(done_in job/part-0000)" -lt 8 ] || fail "it had nothing left to do"
wait_for 90 cluster_is_empty
equal "$(done_in job/part-0001)" 8 "batches of the task that was requeued"
# The requeue sent TERM to the commands as well.
equal "$(sql job/part-0001 "SELECT group_concat(DISTINCT outcome) FROM attempt
	WHERE outcome NOT IN ('done', 'returned', 'interrupted')")" "" \
	"tries that were counted"
expect_text job/logs/slurm-finalize.log "not done is part-0000"

requeued=$array
submit job
expect_text job/slurm.sh "--array=0"
wait_for 90 cluster_is_empty
same one.gz f.gz
audit job

ran=$(sql job/part-0001 'SELECT run, started FROM job')
size=$(stat -c %s job/logs/slurm-1.log)
timeout 5 scontrol requeue "${requeued}_1" || fail "requeue"
wait_for 60 shows "${requeued}_1" 'Restarts=2'
wait_for 60 shows "${requeued}_1" 'JobState=COMPLETED'
equal "$(sql job/part-0001 'SELECT run, started FROM job')" "$ran" \
	"run of a part that was done"
equal "$(tail -c +$((size + 1)) job/logs/slurm-1.log | grep -v slurmstepd)" "" \
	"what a task with nothing to do says"
