#!/bin/bash
# A producer in a program of one's own: its batches are claimed, tried again,
# committed, resumed and joined as those of the program's own kinds, and the
# program itself looks after such a job as after any other.
. "$(dirname "$0")/lib.sh"

build=$(dirname "$SHARDMILL")
cli=$build/tests/example_producers_cli
[ -x "$cli" ] || skip "the examples are not built"
export LD_LIBRARY_PATH=$build${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
# scaled FILE WORD: the text of FILE is "row 0", …, "row 99 * WORD"
scaled() {
	gzip -dc "$1" | cmp - <(seq -f "row %g" 0 "$2" $((99 * $2))) ||
		fail "$1: another text"
}

# --- planned, run, joined; planned again it is the same job, whatever the
# order and the blanks of its options
expect_exit 0 "$cli" both a.job -p rows -o a.gz -j '{"scale": 3, "b": [1]}' \
	range=100 size=10
expect_text out "planned 10 100" "10 done"
scaled a.gz 3
expect_exit 0 "$cli" both a.job -p rows -o a.gz -j '{"b":[1], "scale":3}' \
	range=100 size=10
expect_text out "there 10 100" "10 done"
expect_exit 0 sm verify a.gz
expect_exit 0 sm verify a.job
expect_exit 0 sm cat a.gz --rows 41
expect_text out "row 123"
expect_exit 0 sm status a.job
expect_text out "producer 'rows'" "complete"
expect_exit 0 sm status a.job --json
[ "$("$PYTHON" -c 'import json; s = json.load(open("out"))
print(s["kind"], s["producer"])')" = "producer rows" ] || fail "--json"
cp a.gz undisturbed.gz

# --- other options are refused, by name, and change nothing
expect_exit 7 "$cli" plan a.job -p rows -o a.gz -j '{"scale": 4, "b": [1]}' \
	range=100 size=10
expect_text err "producer-options" '"scale":3' '"scale":4'
expect_exit 7 "$cli" plan a.job -p lines -o a.gz -j '{"scale": 3, "b": [1]}' \
	range=100 size=10
expect_text err "'rows'" "'lines'"
expect_exit 7 "$cli" plan a.job -p rows -o a.gz -j '{"scale": 3, "b": [1]}' \
	range=100 size=20
# … what makes other batches is not offered to be accepted
expect_text err "'size' was 10, is 20" "cannot be kept, sm_plan_opts.restart"
! grep -q -e accept -e --restart err || fail "a way that does not lead there"
scaled a.gz 3
# … and the fingerprint is the options', not the place's
mkdir there
expect_exit 0 "$cli" plan there/a.job -p rows -j '{"scale": 3, "b": [1]}' \
	range=100 size=10
mark=$(awk '{ print $4 }' out)
expect_exit 0 "$cli" plan b.job -p rows -j '{"scale": 3, "b": [2]}' \
	range=100 size=10
[ "$(awk '{ print $4 }' out)" != "$mark" ] || fail "equal fingerprints"
[ "$(sql a.job "SELECT fingerprint FROM job")" = "$mark" ] ||
	fail "other fingerprints"

# --- everything is killed with batches in hand, and resumed: equal bytes
rm -f gate
GATE=$PWD/gate GATE_FROM=4 setsid "$cli" both k.job -p rows -o k.gz -w 3 \
	-j '{"scale": 3, "b": [1]}' range=100 size=10 >kout 2>kerr &
group=$!
keep_pid "-$group"
in_hand() {
	[ "$(sql k.job "SELECT count(*) FILTER (WHERE state = 'done'),
		count(*) FILTER (WHERE state = 'running') FROM batch")" = "4|3" ]
}
wait_for 60 in_hand
kill -KILL -- -$group
wait $group 2>/dev/null
alone() {
	! pgrep -g $group >/dev/null
}
wait_for 30 alone
[ ! -e k.gz ] || fail "a final file of half a job"
touch gate
expect_exit 0 "$cli" both k.job -p rows -o k.gz -w 3 \
	-j '{"scale": 3, "b": [1]}' range=100 size=10
cmp k.gz undisturbed.gz || fail "not the undisturbed bytes"
[ "$(sql k.job "SELECT count(*) FROM attempt WHERE outcome = 'done'")" = 10 ] ||
	fail "a batch was committed twice"
[ "$(sql k.job "SELECT count(*) FROM attempt
	WHERE outcome = 'interrupted'")" = 3 ] || fail "not three interrupted"
[ "$(sql k.job "SELECT max(attempts) FROM batch")" = 1 ] ||
	fail "a kill of all counts as a try"

# --- a crash fails its batch alone, with tries counted
CRASH=3 expect_exit 1 "$cli" both c.job -p rows -o c.gz -w 2 -t 2 \
	-j '{"scale": 3, "b": [1]}' range=100 size=10
expect_text out "9 done, 1 failed"
expect_text err "signal 11" "try 2 of 2" "shardmill retry"
expect_exit 0 "$cli" list c.job
expect_text out "batch 3 failed 2" "attempt 3 signal signal 11 -1 worker" \
	"run run 9 1 1" "failure 2 1 3:"
[ "$(grep -c "^batch" out)" = 10 ] || fail "not ten batches"
[ "$(grep -c "^attempt .* done" out)" = 9 ] || fail "not nine attempts"
expect_exit 0 sm status c.job
expect_text out "next: shardmill retry c.job" "producer 'rows'"
# the program puts it back, but does not have the producer
expect_exit 0 sm retry c.job
expect_text out "1 batch put back" "producer 'rows'"
expect_exit 7 sm run c.job
expect_text err "'rows'" "does not have" "$(realpath "$cli")"
[ "$(sql c.job "SELECT state, attempts FROM batch WHERE id = 3")" = \
	"pending|0" ] || fail "a refused run used a try"
expect_exit 7 sm work c.job
expect_exit 2 sm try c.job 3
expect_text err "made by the producer 'rows'" "$(realpath "$cli")"
expect_exit 1 sm finalize c.job -o part.gz
expect_text err "the program of its producer 'rows', '$(realpath "$cli")', makes"
! grep -q "shardmill run" err || fail "a command that cannot make them"
expect_exit 7 sm exec --job c.job -o c.gz --range 100 -- seq "{first}" "{last}"
expect_text err "kind 'producer', not 'exec'" "producer 'rows'" "goes on with it"
expect_exit 0 "$cli" run c.job
cmp c.gz undisturbed.gz || fail "not the undisturbed bytes after a crash"
rm c.gz
expect_exit 0 sm finalize c.job
cmp c.gz undisturbed.gz || fail "finalize by the program"

# --- a job that is named as its output is beside it, and what is known of a run
# that fails is told
CRASH=3 expect_exit 1 "$cli" both same.gz -p rows -o same.gz -t 1 \
	-j '{"scale": 3, "b": [1]}' range=100 size=10
expect_text out "9 done, 1 failed, 0 left, $(realpath .)/same.gz"
[ -d same.gz.job ] && [ ! -e same.gz ] || fail "not same.gz.job"
expect_exit 0 "$cli" both same.gz -p rows -o same.gz -f \
	-j '{"scale": 3, "b": [1]}' range=100 size=10
expect_text out "there 10 100" "10 done, 0 failed, 0 left"
cmp same.gz undisturbed.gz || fail "same.gz"
CRASHOPEN=1 expect_exit 4 "$cli" both crash.gz -p rows -o crash.gz range=10
expect_text err "signal 11" "open() of the producer 'rows'"
expect_text out "0 done, 0 failed, 10 left, $(realpath .)/crash.gz"
EXIT=3 expect_exit 1 "$cli" both exit.job -p rows -t 1 range=10
expect_exit 0 "$cli" list exit.job
expect_text out "attempt 3 error command -1 5"

# --- failures have the class that the producer says, within bounds
want() { # VARIABLE CLASS TRIES MESSAGE
	rm -rf f.job
	env "$1=5" "$cli" both f.job -p rows -t 2 range=100 size=10 >out 2>err
	[ $? = 1 ] || fail "$1: not 1"
	expect_text out "9 done, 1 failed"
	[ "$(sql f.job "SELECT error_class, count(*) FROM attempt
		WHERE batch = 5 GROUP BY 1")" = "$2|$3" ] || fail "$1: class"
	expect_text err "$4"
}
want FAIL input 1 "row 50 is broken"
want BAD output 2 "try 2"
want HELD output 2 "somebody has it"
want MUTE output 2 "returned -77 and did not say why, as by sm_fail()"
# what it ignores is not lost
want IGNORE usage 1 "not begun"
expect_exit 0 env "$cli" run f.job -f
OPENFAIL=cities expect_exit 3 "$cli" both o.job -p rows range=10
expect_text err "'rows' cannot be opened" "no such table: 'cities'"
[ "$(sql o.job "SELECT count(*) FROM attempt WHERE outcome <> 'running'
	AND outcome <> 'returned'")" = 0 ] || fail "open() failed a batch"

# --- what makes no sense is refused by name, and makes no job
refused() { # WORD ARGUMENT...
	local word=$1
	shift
	expect_exit 2 "$cli" plan no.job "$@"
	expect_text err "$word"
	[ ! -e no.job ] || fail "a job: $*"
}
for name in exec candidates producer; do
	refused "'$name' is that of a kind" -p $name range=1
done
refused "'Rows' must be" -p Rows range=1
refused "no produce()" -p mute range=1
refused "no kind" range=1
refused "none is there" -p rows
refused "more than one" -p rows range=1 items=x
refused "did you mean 'range'" -p rows rang=1
refused "there are input, header, lines," -p rows scale=1
refused "must be a JSON object" -p rows range=1 -j '[1]'
refused "no JSON" -p rows range=1 -j '{"a": 1, "a": 2}'
refused "input goes with" -p rows range=1 input=x
refused "line 1, column 1 of 'a=1'" -p rows range=1 -j a=1
refused "sm_worker_main() was not called" -n -p rows range=1
expect_exit 0 "$cli" plan n.job -p rows range=1
expect_exit 2 "$cli" run n.job -n
expect_text err "worker_argv is missing" "sm_worker_main()"

# --- each way to cut
seq 1 1000 >in.txt
expect_exit 0 "$cli" both l.job -p lines -o l.gz input=in.txt lines=300
gzip -dc l.gz | cmp - <(awk '{ print (NR - 1) % 300, $0 }' in.txt) ||
	fail "lines"
gzip -k in.txt
printf 'a last line' >>in.txt
expect_exit 0 "$cli" both g.job -p copy -o g.gz input=in.txt.gz \
	input=in.txt bytes=1000
gzip -dc g.gz | cmp - <(zcat in.txt.gz; cat in.txt) || fail "gzip and plain"
[ "$(sql g.job "SELECT sum(rows) FROM batch")" = 2001 ] || fail "rows"
printf '%s\n' "x y" "" z >items
expect_exit 0 "$cli" both i.job -p own -o i.gz items=items
[ "$(gzip -dc i.gz)" = "0 1 x y
1 2 z" ] || fail "items"
expect_exit 0 "$cli" both o2.job -p own -o o2.gz -j '{"batches": 4}'
[ "$(gzip -dc o2.gz)" = "0 1 part 1
1 3 -
3 6 part 3
6 10 part 4" ] || fail "a cut of its own"
# … which is stored: the program rebuilds the database without it
expect_exit 7 "$cli" plan o2.job -p own -o o2.gz -j '{"batches": 5}'
expect_text err '"batches":5' "new at the end"
rm o2.job/job.db*
expect_exit 0 sm recover o2.job
expect_text out "4 of 4 batches"
expect_exit 0 "$cli" both o2.job -p own -o o2.gz -j '{"batches": 4}'
expect_text out "there 4 10"
# … and extended
expect_exit 0 "$cli" both e.job -p rows -o e.gz range=50 size=10
expect_exit 0 "$cli" both e.job -p rows -o e.gz -x range=100 size=10
scaled e.gz 1
[ "$(sql e.job "SELECT count(*) FROM attempt")" = 10 ] || fail "made again"

# --- records, text, and rows left out
expect_exit 0 "$cli" both m.job -p mixed -o m.gz range=9000 size=4500
gzip -dc m.gz | cmp - <("$PYTHON" -c 'import json
for i in range(9000):
    key = f"r\u00f6w {i}"
    if i % 3 == 0:
        print(json.dumps(key))
    elif i % 3 == 1:
        print(json.dumps({"key": key, "value": [
            {"id": i, "n": 0.5}, {"id": i, "n": 0.25}]}))') ||
	fail "text and records"
expect_exit 0 sm cat m.gz --rows 8998
expect_text out '"id": 8998'
expect_exit 0 sm cat m.gz --rows 8999
[ ! -s out ] || fail "a row that was left out"
expect_exit 0 sm verify m.gz

# --- files as results
expect_exit 0 "$cli" both files.job -p files to=files suffix=.x range=30 size=10
[ "$(ls files | tr '\n' ' ')" = "000000.x 000001.x 000002.x " ] || fail "files"
[ "$(cat files/*)" = "0-10
10-20
20-30" ] || fail "their content"
expect_exit 0 sm verify files.job
echo more >>files/000001.x
expect_exit 9 sm verify files.job --requeue
expect_exit 0 "$cli" run files.job
[ "$(cat files/000001.x)" = "10-20" ] || fail "made again"
CRASH=1 expect_exit 1 "$cli" both files2.job -p files to=files2 -t 1 range=3
[ "$(ls files2 | tr '\n' ' ')" = "000000 000002 " ] || fail "files of a crash"
# text is no result there
expect_exit 1 "$cli" both files3.job -p rows to=files3 range=1
expect_text err "text was written" "('to', 'no-output')"
[ "$(sql files3.job "SELECT attempts FROM batch")" = 1 ] ||
	fail "what can never be right was tried again"

# --- in parts, and moved
expect_exit 0 "$cli" both p.job -p rows -o p.gz -P 2 \
	-j '{"scale": 3, "b": [1]}' range=100 size=10
cmp p.gz undisturbed.gz || fail "parts"
expect_exit 0 "$cli" list p.job
[ "$(grep -c "^batch" out)" = 10 ] || fail "not the batches of both parts"
expect_exit 0 sm status p.job
expect_text out "producer 'rows'"
