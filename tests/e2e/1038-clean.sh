#!/bin/bash
# clean removes a finished job and nothing else, says what that frees, and
# refuses what is not finished, lives, or is somebody else's.
. "$(dirname "$0")/lib.sh"

made() {
	expect_exit 0 sm exec -q -o "$1.gz" --range 40 -- seq 100
	cksum "$1.gz" >"$1.sum"
}

made one
size=$(du -s --block-size=1 one.gz.job | cut -f 1)
echo mine >one.txt
expect_exit 2 sm clean one.gz
expect_text err one.gz.job --yes
[ -e one.gz.job/job.db ] || fail "it was removed without being asked"
expect_exit 0 sm clean one.gz --yes
expect_text out one.gz.job "$dir/one.gz" freed
[ ! -e one.gz.job ] || fail "the job is still there"
equal "$(cksum one.gz)" "$(cat one.sum)" "the final file"
freed=$(grep -oE '[0-9.]+ kB' out | tr -dc 0-9.)
[ $((size / 1000 - ${freed%.*})) -lt 30 ] || fail "$size bytes, said $freed kB"
expect_exit 0 sm verify one.gz
expect_exit 3 sm clean one.gz --yes

# What is not the job's stays, with the directory.
made two
echo note >two.gz.job/notes.txt
mkdir two.gz.job/more
echo plan >two.gz.job/more/plan
expect_exit 0 sm clean two.gz --yes
expect_text out 'itself stays'
equal "$(cd two.gz.job && find . | sort | xargs)" \
	". ./more ./more/plan ./notes.txt" "what stays"
expect_exit 3 sm clean two.gz --yes
equal "$(cd two.gz.job && find . | wc -l)" 4 "after a refusal"

# Of several, each is told; one that fails keeps none of the others.
made three
made four
expect_exit 3 sm clean three.gz none.gz four.gz.job --yes
expect_text err none.gz
for job in three four; do
	[ ! -e $job.gz.job ] || fail "$job was not removed"
done

# Not finished: planned, some failed, not joined, final file gone or another's.
refused() {
	local hash
	hash=$(find "$1" -type f ! -name '*.lock' ! -name '*-shm' \
		! -name '*-wal' -exec cksum {} + | sort | cksum)
	expect_exit 7 sm clean "$1" --yes
	expect_text err "$2" --unfinished
	equal "$(find "$1" -type f ! -name '*.lock' ! -name '*-shm' \
		! -name '*-wal' -exec cksum {} + | sort | cksum)" "$hash" \
		"$1 after a refusal"
}
expect_exit 0 sm plan plan.job exec -o plan.gz --range 9 -- echo
refused plan.job '9 of the 9 batches'
# shellcheck disable=SC2016
expect_exit 1 sm exec -q -o some.gz --range 9 --max-attempts 1 -- \
	sh -c '[ {batch} != 5 ]'
refused some.gz.job '1 of the 9 batches'
equal "$(count_of some.gz.job "done")" 8 "done batches of some.gz"
expect_exit 0 sm plan loose.job exec --range 9 -- echo
expect_exit 0 sm run loose.job -q
refused loose.job 'not joined'
made gone
mv gone.gz kept.gz
refused gone.gz.job 'missing, or is another one'
expect_exit 0 sm exec -q -o other.gz --range 40 -- seq 101 250
cp other.gz gone.gz
refused gone.gz.job 'missing, or is another one'
# As long as it was, but another's.
head -c "$(stat -c %s kept.gz)" /dev/zero >gone.gz
refused gone.gz.job "another job's"
mv kept.gz gone.gz
expect_exit 0 sm clean gone.gz --yes

# With consent: the job and what it joined so far, and no final file.
echo precious >plan.gz
expect_exit 0 sm clean plan.job some.gz --unfinished --yes
for name in plan.job some.gz.job some.gz.part; do
	[ ! -e $name ] || fail "--unfinished left $name"
done
equal "$(cat plan.gz)" precious "a file of a person's"

# A living one: by a run, a worker by hand, a finalize.
# shellcheck disable=SC2016
start run exec -q -o live.gz --range 2 -j 2 -- \
	sh -c 'until [ -e go ]; do sleep 0.1; done'
wait_for 20 at_least live.gz.job running 2
for more in "" --unfinished; do
	expect_exit 8 sm clean live.gz --yes $more
done
sm plan hand.job exec --range 1 -- sh -c \
	'until [ -e go ]; do sleep 0.1; done' >out 2>err || fail plan
start work work hand.job
work=$pid
wait_for 20 at_least hand.job running 1
expect_exit 8 sm clean hand.job --yes --unfinished
expect_text err worker
touch go
wait "$work" || fail "the worker by hand"
wait_for 20 test -e live.gz
wait_for 20 sm clean live.gz --yes

# Files of batches, and batches of nothing.
mkdir files
echo mine >files/readme
expect_exit 0 sm exec -q --job files.job --to files --suffix .txt --range 5 -- \
	sh -c 'echo {batch} >{out}'
mv files/000003.txt away
refused files.job 'not all files'
mv away files/000003.txt
before=$(find files -type f -exec cksum {} + | sort)
expect_exit 0 sm clean files.job --yes
expect_text out "$dir/files"
[ ! -e files.job ] || fail "the job of --to"
equal "$(find files -type f -exec cksum {} + | sort)" "$before" "the files"
expect_exit 0 sm exec -q --job none.job --no-output --range 5 -- true
expect_exit 0 sm clean none.job --yes
[ ! -e none.job ] || fail "the job of --no-output"

# Shards that only the final file has; a job that was moved with it.
expect_exit 0 sm exec -q -o eaten.gz --consume --range 40 -- seq 100
mkdir moved
mv eaten.gz eaten.gz.job moved
expect_exit 0 sm clean moved/eaten.gz --yes
equal "$(ls moved)" eaten.gz "what is left of a moved job"
expect_exit 0 sm verify moved/eaten.gz

# The options were changed, and nothing was made by the new ones.
made early
expect_exit 0 sm exec -q -o early.gz --range 40 --accept-changed -- seq 200
equal "$(cksum early.gz)" "$(cat early.sum)" "what was kept"
expect_exit 0 sm clean early.gz --yes

# In parts: the whole, once all of it is joined.
expect_exit 0 sm plan parts.job exec -o parts.gz --range 30 --parts 3 -- seq 50
expect_exit 0 sm run parts.job/part-0000 -q
refused parts.job '10 of the 10 batches'
expect_exit 7 sm clean parts.job/part-0000 --yes --unfinished
expect_text err 'name the whole'
expect_exit 0 sm run parts.job -q
mv parts.gz away
refused parts.job 'missing, or is another one'
mv away parts.gz
echo note >parts.job/part-0001/notes.txt
expect_exit 0 sm clean parts.job --yes
equal "$(find parts.job | sort | xargs)" \
	"parts.job parts.job/part-0001 parts.job/part-0001/notes.txt" \
	"what stays of parts"
expect_exit 0 sm verify parts.gz
rm -r parts.job

# What a kill has left: no table any more, but the mark.  Without it there is
# no job, and nothing is touched.
made half
rm half.gz.job/spec.json half.gz.job/job.db*
expect_exit 3 sm clean half.gz --yes
[ -e half.gz.job/shards/000007.gz ] || fail "shards without a job are gone"
echo >half.gz.job/cleaning
expect_exit 0 sm clean half.gz --yes
[ ! -e half.gz.job ] || fail "the rest of a killed clean"
expect_exit 0 sm plan parts.job exec -o parts.gz --range 30 --parts 3 --force \
	-- seq 50
expect_exit 0 sm run parts.job -q
echo >parts.job/cleaning
rm parts.job/part-0000/spec.json parts.job/part-0000/job.db*
expect_exit 0 sm clean parts.job --yes
[ ! -e parts.job ] || fail "the rest of a killed clean of parts"
# A mark in a job that is a job says nothing.
expect_exit 0 sm plan mark.job exec --range 3 -- echo
echo >mark.job/cleaning
refused mark.job '3 of the 3'

# A person is asked, and may say no.
cat >ask.py <<'END'
import os, pty, sys
answer, argv = sys.argv[1].encode() + b"\n", sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execv(argv[0], argv)
text = b""
while b"[y/N]" not in text:
    text += os.read(fd, 4096)
os.write(fd, answer)
try:
    while True:
        more = os.read(fd, 4096)
        if not more:
            break
        text += more
except OSError:
    pass
sys.stdout.buffer.write(text)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
made ask
expect_exit 7 "$PYTHON" ask.py n "$SHARDMILL" clean ask.gz
expect_text out "$dir/ask.gz.job" "$dir/ask.gz stays" 'left as it is' kB
expect_exit 7 "$PYTHON" ask.py "" "$SHARDMILL" clean mark.job --unfinished
expect_text out 'NOT FINISHED' '0 of 3'
for job in ask.gz mark; do
	[ -e $job.job/job.db ] || fail "no is no: $job"
done
expect_exit 0 "$PYTHON" ask.py y "$SHARDMILL" clean ask.gz
[ ! -e ask.gz.job ] || fail "yes is yes"

# Somebody else's.
if [ "$(id -u)" = 0 ]; then
	made alien
	chown 65533 alien.gz.job
	expect_exit 7 sm clean alien.gz --yes --unfinished
	expect_text err 'belongs to user 65533'
	expect_exit 0 sm clean alien.gz --yes --trust
fi
exit 0
