#!/bin/bash
# shardmill slurm without a cluster: its scripts, and what it tells sbatch; the
# commands of Slurm are stood in for by scripts that note how they were called.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
mkdir bin "a 'job'"
work="a 'job'/w"
export PATH=$dir/bin:$PATH calls=$dir/calls
cat >bin/sbatch <<'END'
#!/bin/bash
printf '%s\n' "$PWD" "$@" '' >>"$calls"
[ ! -e "${calls%/*}/closed" ] || { echo "sbatch: no" >&2; exit 1; }
echo "$(grep -c '^--parsable$' "$calls")00;cluster"
END
cat >bin/scontrol <<'END'
#!/bin/bash
printf 'MaxArraySize            = %s\nMaxJobCount = 10000\n' "${max:-1001}"
END
cat >bin/squeue <<'END'
#!/bin/bash
[ ! -e "${calls%/*}/queued" ] || echo 100
END
chmod +x bin/*

plan=(--range 10 --size 2 --max-attempts 1 -- sh -c 'test ! -e bad && echo "$1"'
	- "{first}")
expect_exit 0 sm plan one exec "${plan[@]}"
expect_exit 2 sm slurm one
expect_text err "not in parts" "--parts N"
expect_exit 7 env max=3 "$SHARDMILL" slurm one --parts 4
expect_text err "4 parts" "arrays of 3 tasks"
[ -e one/job.db ] || fail "refused, and planned again all the same"
expect_exit 0 sm plan "$work" exec -o f.gz --parts 4 "${plan[@]}"
expect_exit 7 sm slurm "$work" --parts 3
expect_exit 2 sm slurm "$work" -- --array=1
expect_exit 7 env max=3 "$SHARDMILL" slurm "$work"
expect_text err "4 parts" "arrays of 3 tasks"
[ ! -e calls ] || fail "something was submitted"

expect_exit 0 sm slurm "$work" --print -- --partition=long --comment "two words"
expect_text out "sbatch --partition=long --comment 'two words' slurm.sh" \
	" --dependency=afterany:NUMBER slurm-finalize.sh"
expect_text out "#SBATCH --array=0-3" "#SBATCH --requeue" \
	"#SBATCH --open-mode=append" "exec $SHARDMILL run --takeover" \
	"exec $SHARDMILL finalize ."
[ ! -e calls ] || fail "--print submitted something"
bash -n "$work/slurm.sh" || fail "slurm.sh is no script"

# Submitted from the job's directory, whatever it is called.
expect_exit 0 sm slurm "$work" -- --partition=long --comment "two words"
expect_text out "submitted: job 100, 4 parts" "submitted: job 200, finalize" \
	"to follow:" "to repair:"
printf '%s\n' "$dir/$work" --parsable --partition=long --comment "two words" \
	slurm.sh "" "$dir/$work" --parsable --partition=long --comment \
	"two words" --dependency=afterany:100 slurm-finalize.sh "" >want
same want calls
touch queued
expect_exit 8 sm slurm "$work"
expect_text err "scancel 100"
rm queued

# task N: as Slurm would run it; the job's link has another path there
task() {
	(cd / && SLURM_SUBMIT_DIR=$dir/$work SLURM_ARRAY_TASK_ID=$1 \
		SLURM_CPUS_PER_TASK=2 bash "$dir/$work/slurm.sh")
}
task 0 && task 2 || fail "a task failed"
equal "$(sql "$work/part-0002" 'SELECT workers FROM job')" 2 "-j"
touch bad
task 3
equal $? 1 "status of a task whose batches fail"
rm bad
expect_exit 0 sm slurm "$work" --print
grep -qx '#SBATCH --array=1,3' "$work/slurm.sh" || fail "not just what is left"
(cd / && SLURM_SUBMIT_DIR=$dir/$work bash "$dir/$work/slurm-finalize.sh") 2>err
equal $? 1 "status of a finalize that is too early"
expect_text err part-0001 part-0003
touch closed
expect_exit 4 sm slurm "$work"
expect_text err "sbatch did not take"
rm closed
expect_exit 0 sm slurm "$work"
expect_text out "failed before and will not be tried again"
expect_exit 0 sm status "$work"
expect_text out "next: shardmill retry" "&& shardmill slurm"
expect_exit 0 sm retry "$work"
expect_exit 0 sm status "$work"
expect_text out "next: shardmill slurm"
task 1 && task 3 && task 0 || fail "a task failed"
expect_exit 0 sm slurm "$work"
grep -q 'slurm.sh' <(tail -n 4 calls) && fail "an array of nothing"
(cd / && SLURM_SUBMIT_DIR=$dir/$work bash "$dir/$work/slurm-finalize.sh") >out ||
	fail "finalize"
expect_exit 0 sm run one
expect_exit 0 sm finalize one -o one.gz
same one.gz f.gz
expect_exit 0 sm slurm "$work"
expect_text out "is complete"

# TERM: the batch in hand is finished, the rest is left.
expect_exit 0 sm plan slow exec --parts 1 --range 4 -- \
	sh -c 'echo x >>begun; sleep 1; echo done'
expect_exit 0 sm slurm slow --print
SLURM_SUBMIT_DIR=$dir/slow SLURM_ARRAY_TASK_ID=0 bash slow/slurm.sh 2>err &
pid=$!
keep_pid $pid
wait_for 20 test -s begun
kill -TERM $pid
wait $pid
equal $? 143 "status of a task that was asked to end"
equal "$(sql slow/part-0000 "SELECT group_concat(DISTINCT state) FROM batch
	WHERE state IN ('done', 'running')")" done "states after TERM"

# --parts plans a job again that has none, and was not begun.
expect_exit 0 sm plan late exec -o late.gz "${plan[@]}"
expect_exit 2 sm slurm late --parts 6
expect_text err "6 parts of 5 batches"
equal "$(count_of late pending)" 5 "pending in a job that was not planned again"
rm calls
expect_exit 0 sm slurm late --parts 2
expect_text out "2 parts" "finalize"
[ ! -e late/job.db ] && [ ! -e late/shards ] || fail "the whole has a table"
expect_exit 7 sm slurm late --parts 3
expect_text err "in 2 parts, not 3"
expect_exit 0 sm plan late exec -o late.gz "${plan[@]}"
expect_text out "planned before in 2 parts"
expect_exit 0 sm run late
expect_exit 0 sm finalize one -o again.gz
same again.gz late.gz
expect_exit 0 sm plan half exec -o half.gz "${plan[@]}"
expect_exit 0 sm run half
expect_exit 7 sm slurm half --parts 2
expect_text err "were begun" "--restart"
# By hand, and nowhere else: not lost without a word.
expect_exit 0 sm plan edited exec "${plan[@]}"
for edit in "job SET paused =" "batch SET priority =" \
	"batch SET max_attempts =" "batch SET not_before ="; do
	sql edited "UPDATE $edit 1"
	expect_exit 7 sm slurm edited --parts 2
	expect_text err "by hand"
	sql edited "UPDATE job SET paused = 0; UPDATE batch SET priority = 0,
		max_attempts = NULL, not_before = 0"
done
expect_exit 0 sm slurm edited --parts 2 --print
expect_exit 2 sm slurm edited/part-0001
expect_text err "name the whole job"
# By other inputs it would be another job.
seq 6 >numbers
expect_exit 0 sm plan moved exec --input numbers --lines 2 -- cat
seq 7 12 >numbers
expect_exit 7 sm slurm moved --parts 2
expect_text err "inputs of" "put the planned inputs back"
equal "$(count_of moved pending)" 3 "pending in a job that was not planned again"
# Of another command: what it wrote goes with the job, what it did not stays.
touch edited/mine
expect_exit 0 sm plan edited exec --parts 2 --restart --yes "${plan[@]}"
[ ! -e edited/slurm.sh ] || fail "a script of the job that was deleted"
[ -e edited/mine ] || fail "a file that is not the program's is gone"

# Named when it was joined, the final file is known from then on.
expect_exit 0 sm run edited
expect_exit 0 sm finalize edited -o edited.gz
expect_exit 0 sm retry edited --batch 0
expect_exit 0 sm run edited
expect_exit 0 sm slurm edited --print
expect_text out slurm-finalize.sh
SLURM_SUBMIT_DIR=$dir/edited bash edited/slurm-finalize.sh >out ||
	fail "finalize of a file that was named later"
same one.gz edited.gz
printf 'one\ntwo\n' | sm plan items exec --items - -o items.gz -- echo {} \
	>out || fail "plan"
expect_exit 0 sm slurm items --parts 2 --print
expect_exit 0 sm run items
equal "$(gzip -dc items.gz | tr '\n' ' ')" "one two " "items"

rm bin/*
expect_exit 3 env PATH="$dir/bin" "$SHARDMILL" slurm slow
expect_text err "needs Slurm's commands"
