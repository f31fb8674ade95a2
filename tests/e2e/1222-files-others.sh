#!/bin/bash
# The directory of --to and somebody else: a job that would take it over from
# one at work, and a run that takes the job over from workers that stand still.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# Each file says which of the two runs made it.
cat >slow.sh <<'END'
run=$(cat run)
while [ ! -e go ] && [ "$1" != 5 ]; do sleep 0.02; done
echo "batch $1 by $run" >"$2"
END
echo first >run
job=(--to res --suffix .txt --range 6 -- sh slow.sh '{first}' '{out}')
expect_exit 0 sm plan old exec "${job[@]}"

sm run old -j 2 >first.out 2>first.err &
first=$!
keep_pid $first
running() { [ "$(sql old 'SELECT count(*) FROM running')" = 2 ]; }
wait_for 20 running

# By --force a directory is taken over, but from no job that is at work.
expect_exit 7 sm plan new exec "${job[@]}"
expect_text err "the files of another job" "--force"
expect_exit 8 sm plan new exec --force "${job[@]}"
expect_text err "old' is at work" "end it first"
[ -e res/.shardmill ] || fail "the mark is gone"
equal "$(sql old 'SELECT count(*) FROM running')" 2 "still at work"

group=("$first")
for pid in $(children "$first"); do
	group+=("$pid")
	for sub in $(children "$pid"); do
		group+=("$sub")
	done
done
keep_pid "${group[@]}"
kill -STOP "${group[@]}"
echo second >run
touch go
expect_exit 0 sm run --takeover old -j 2
equal "$(sql old "SELECT count(*) FROM batch WHERE state = 'done'")" 6 "done"
equal "$(cat res/000000.txt)" "batch 0 by second" "the second run's file"
ls -i res >before

# Thawed, the first ones' commands end well, and their files go.
kill -CONT "${group[@]}"
code=0
wait "$first" || code=$?
equal "$code" 8 "status of the first supervisor"
wait_for 20 gone "${group[@]}"
ls -i res >after
same before after
equal "$(sql old "SELECT count(*) FROM attempt WHERE outcome = 'fenced'")" 2 \
	"fenced attempts"
expect_exit 0 sm verify old
equal "$(find res -name '*.tmp*' | wc -l)" 0 "files of fenced attempts"

# Nobody is at work: now it may.
expect_exit 0 sm plan new exec --force "${job[@]}"
expect_exit 7 sm run old
expect_text err "another job's"
