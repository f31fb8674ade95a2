#!/bin/bash
# A batch fails, and with it its part and the finalize behind the array; so does
# a job that waited for the array to go well, for ever.  Repaired by retry and
# one more submission, which has a task for that part alone.
# shellcheck source=tests/cluster/lib.sh
. "$(dirname "$0")/lib.sh"
start_cluster 2
export bad=$dir/bad
cat >task.sh <<'END'
[ ! -e "$bad" ] || [ "$1" != 5 ] || { echo "no luck" >&2; exit 3; }
echo "batch $1"
END
plan=(exec --range 12 --max-attempts 1 -- sh "$dir/task.sh" "{first}")
expect_exit 0 sm plan one "${plan[@]:0:1}" -o one.gz "${plan[@]:1}"
expect_exit 0 sm run one
touch bad
expect_exit 0 sm plan job "${plan[@]:0:1}" -o f.gz --parts 4 "${plan[@]:1}"
submit job
first=$array
after=$(sbatch --parsable --dependency=afterok:"$array" -o /dev/null \
	--wrap true) || fail "sbatch"
stuck() {
	[ "$(timeout 5 squeue -h -o %i)" = "$after" ]
}
wait_for 60 stuck
equal "$(squeue -h -o %r)" DependencyNeverSatisfied "the job behind afterok"
[ ! -e f.gz ] || fail "a final file of a job that failed"
expect_text job/logs/slurm-finalize.log "part-0001 (1 of 3 batches)"
expect_exit 0 sm status job
expect_text out "batch 5" "no luck" "part-0001: 2 of 3 done" \
	"next: shardmill retry job && shardmill slurm job"

rm bad
expect_exit 0 sm retry job --batch 5
submit job
grep -q '^#SBATCH --array=1$' job/slurm.sh || fail "other parts run again"
finished() {
	[ -e f.gz ] && stuck
}
wait_for 60 finished
same one.gz f.gz
equal "$(squeue -h -o %r)" DependencyNeverSatisfied "the job behind afterok"
[ "$first" != "$array" ] || fail "nothing was submitted"
audit job
expect_exit 0 sm slurm job
expect_text out "complete"
scancel "$after"

# More parts than an array may have; one that is queued already.
cluster_end
CLUSTER_MAX_ARRAY=5 start_cluster 1
expect_exit 0 sm plan many "${plan[@]:0:1}" --parts 6 "${plan[@]:1}"
expect_exit 7 sm slurm many
expect_text err "6 parts" "arrays of 5 tasks" MaxArraySize
expect_exit 0 sm plan few "${plan[@]:0:1}" --parts 2 "${plan[@]:1}"
submit few -- --hold
expect_text out "planned without a final file"
expect_exit 8 sm slurm few
expect_text err "scancel $array"
