#!/bin/bash
# One signal drains, a second one stops at once; the same command resumes.
. "$(dirname "$0")/lib.sh"

data mid 6000 300
opts=(--batch-rows 60 --encoder zlib --level 1 --max-attempts 1 --quiet)
reference y60 "${opts[@]}"

# resumed: from what is there
resumed() {
	no_leftovers f.gz.job
	inodes f.gz.job before
	equal "$(sql f.gz.job 'SELECT count(*) FROM batch WHERE attempts > 1')" \
		0 "batches with a counted failure"
	expect_exit 0 sm candidates -o f.gz -j 2 "${opts[@]}" "${args[@]}"
	same "$set/y60.gz" f.gz
	kept_inodes f.gz.job before
	made_once f.gz.job
	outcomes f.gz.job done returned interrupted
	rm -rf f.gz f.gz.job
}

# A terminal's Ctrl-C signals the whole group; a `kill` only the supervisor.
for signal in -:INT:130 :INT:130 :TERM:143 -:HUP:129; do
	IFS=: read -r group name code <<<"$signal"
	start run candidates -o f.gz -j 2 "${opts[@]}" "${args[@]}"
	wait_for 20 at_least f.gz.job done 3
	kill "-$name" -- "$group$pid"
	ended "$code" $pid run
	# Drained: what was in hand is done, nothing was given back.
	outcomes f.gz.job done
	at_least f.gz.job pending 1 || fail "nothing was left"
	resumed
done

# timeout(1) sends its signal to the process and to its group, at once: one.
start run candidates -o f.gz -j 2 "${opts[@]}" "${args[@]}"
wait_for 20 at_least f.gz.job done 3
kill -INT $pid
kill -INT -- -$pid
ended 130 $pid run
outcomes f.gz.job done
resumed

# The second signal: large batches, given back at once.
for target in group one; do
	start run candidates -o f.gz -j 2 --batch-rows 3000 --encoder zlib \
		--level 6 "${args[@]}"
	wait_for 20 at_least f.gz.job running 2
	[ $target = group ] && to=-$pid || to=$pid
	kill -INT -- $to
	sleep 0.1
	kill -INT -- $to 2>/dev/null
	begin=$EPOCHREALTIME
	ended 130 $pid run
	took=$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
	[ $took -lt 1500 ] || fail "the second signal took $took ms"
	no_leftovers f.gz.job
	equal "$(count_of f.gz.job pending)" 2 "number of pending batches"
	outcomes f.gz.job returned interrupted
	equal "$(sql f.gz.job 'SELECT sum(attempts) FROM batch')" 0 \
		"counted attempts"
	expect_exit 0 sm candidates -o f.gz -j 2 --batch-rows 3000 --encoder zlib \
		--level 6 "${args[@]}"
	gzip -dc f.gz | cmp - <(gzip -dc "$set/y60.gz") ||
		fail "the text differs"
	rm -rf f.gz f.gz.job
done

# All was done: 0, though a signal came; else 130.
data small 300 60
for n in $(seq 1 8); do
	expect_exit 0 sm plan job candidates --batch-rows 100 "${args[@]}"
	start run run job -j 1
	sleep "$(random_ms 60)"
	kill -INT $pid 2>/dev/null
	code=0
	wait $pid || code=$?
	case $code in
	0) equal "$(count_of job done)" 3 "exit 0, done batches" ;;
	130) at_least job pending 1 || [ ! -s run.err ] ||
		fail "exit 130 though all was done" ;;
	*) fail "exit $code" ;;
	esac
	rm -rf job
done

# `work` by hand handles signals itself.
data mid 6000 300
expect_exit 0 sm plan hand candidates "${opts[@]:0:6}" "${args[@]}"
start run work hand
wait_for 20 at_least hand done 2
kill -INT $pid
ended 130 $pid run
no_leftovers hand
outcomes hand done
expect_exit 0 sm run hand -j 2
expect_exit 0 sm finalize hand -o f.gz
same "$set/y60.gz" f.gz
