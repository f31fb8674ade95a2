#!/bin/bash
# The examples of how a program uses the library do what they say: producers in
# C and in C++17, a run beside a program's own loop, one that is asked to end,
# and a binding by hand.
. "$(dirname "$0")/lib.sh"

build=$(dirname "$SHARDMILL")
examples=$build/tests
[ -x "$examples/example_export" ] || skip "the examples are not built"
export LD_LIBRARY_PATH=$build${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}

# --- an array of structs
expect_exit 0 "$examples/example_export" stars.gz 12000
gzip -dc stars.gz | "$PYTHON" -c 'import json, sys
rows = [json.loads(line) for line in sys.stdin]
assert [r["id"] for r in rows] == list(range(12000))
assert rows[11999] == {"id": 11999, "ra": 11999 * 7919 % 360000 / 1000,
    "dec": round(11999 * 104729 % 180000 / 1000 - 90, 3),
    "mag": 11999 % 97 / 4}, rows[11999]' || fail "export"
cp stars.gz first.gz
expect_exit 0 "$examples/example_export" stars.gz 12000
same stars.gz first.gz
expect_exit 7 "$examples/example_export" stars.gz 13000
expect_text err "export:" "'range' was 12000, is 13000" "sm_plan_opts.extend" \
	"sm_plan_opts.restart"

# --- words of lines
if [ -x "$examples/example_words" ]; then
	"$PYTHON" -c 'for i in range(1000):
    print("the", i, "\u00e4 \"quoted\"\tthe", "x" * (i % 7))' >text
	expect_exit 0 "$examples/example_words" text words.gz
	gzip -dc words.gz | "$PYTHON" -c 'import collections, json, sys
for n, (line, text) in enumerate(zip(sys.stdin, open("text"))):
    r = json.loads(line)
    assert r["line"] == n, r
    want = collections.Counter(text.split())
    assert {w["word"]: w["count"] for w in r["words"]} == want, r
assert n == 999' || fail "words"
	# bytes that are no text fail their batch, as an exception would
	printf 'one \xff two\n' >broken
	expect_exit 1 "$examples/example_words" broken broken.gz
	expect_exit 0 sm status broken.gz
	expect_text out "not UTF-8"
fi

# --- beside a loop
expect_exit 0 "$examples/example_progress" squares.gz
[ "$(tail -n 1 out)" = done ] || fail "progress: not done"
grep -q "^run: [0-9]* of 200 batches$" out || fail "progress: nothing was drawn"
[ "$(gzip -dc squares.gz | tail -n 1)" = "39999600001" ] || fail "squares"

# --- asked to end, and gone on with
"$examples/example_embed" embed.gz >first.out 2>first.err &
pid=$!
keep_pid $pid
some_done() {
	[ "$(sql embed.gz.job \
		"SELECT count(*) FROM batch WHERE state = 'done'")" -gt 3 ]
}
wait_for 60 some_done
kill -INT $pid
wait $pid
equal $? 1 "embed's exit status"
grep -q "^embed: stopped with" first.err || fail "embed: not stopped"
done=$(sed -n 's/^\([0-9]*\) batches done.*/\1/p' first.out)
[ "$done" -gt 3 ] && [ "$done" -lt 400 ] || fail "embed: $done batches"
equal "$(sql embed.gz.job "SELECT count(*) FROM batch
	WHERE state = 'done'")" "$done" "batches that are done"
expect_exit 0 "$examples/example_embed" embed.gz
expect_text out "400 batches done, 0 left"
gzip -dc embed.gz | cmp - <(seq 0 399) || fail "embed"

# --- from Python, by hand
case $build in
*asan* | *tsan*) exit 0 ;; # its runtime would have to be loaded first
esac
expect_exit 0 "$PYTHON" "$tests/examples/binding.py" \
	"$build/libshardmill.so" "$SHARDMILL" b.job b.gz
grep -q "^run [0-9]* of 100$" out || fail "binding: no progress"
gzip -dc b.gz | cmp - <(seq 0 499) || fail "binding"
expect_exit 1 "$PYTHON" "$tests/examples/binding.py" \
	"$build/libshardmill.so" "$SHARDMILL" b.job /none/there/b.gz
expect_text err "binding.py:" "/none/there"
