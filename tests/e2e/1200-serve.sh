#!/bin/bash
# A command that lives over batches: what it is asked, each rule of what it may
# answer, and who is started anew.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/e2e/serve.sh
. "$tests/e2e/serve.sh"
need jq

# One process, all batches in order, what they are asked.
cat >plain.fn <<'END'
serve() { echo "n $first" >"$out"; echo ok; }
END
job plain --range 5 || fail "plain: $(cat err)"
zcat plain | cmp - <(seq -f 'n %g' 0 4) || fail "plain: other text"
equal "$(processes)" 1 "plain: processes"
equal "$(jq -c 'keys_unsorted' <asked | sort -u)" \
	'["batch","first","end","attempt","slot","item","input","output"]' fields
equal "$(jq -c '[.batch,.first,.end,.attempt,.slot,.item,.input]' asked |
	tail -n 1)" "[4,4,5,1,0,null,null]" values
equal "$(stat -c %a plain.job/pipes)" 700 "mode of pipes"

# Lines, as a pipe; one page and many; not read, read in part.
seq 100000 >lines.txt
cat >lines.fn <<'END'
serve() { cat "$in" >"$out"; echo ok; }
END
job lines --input lines.txt --lines 20000 || fail "lines: $(cat err)"
zcat lines | cmp - lines.txt || fail "lines: other text"
job lines --input lines.txt --lines 2000 || fail "few lines: $(cat err)"
zcat lines | cmp - lines.txt || fail "few lines: other text"
cat >head.fn <<'END'
serve() {
	if [ "$batch" = 1 ]; then echo unread >"$out"; else
		head -n 1 "$in" >"$out"; fi
	echo ok
}
END
job head --input lines.txt --lines 25000 || fail "head: $(cat err)"
equal "$(zcat head | paste -sd ' ')" "1 unread 50001 75001" "head: text"

# Items, with bytes that are no UTF-8 and what JSON escapes.
printf 'a "b"\\\n\xc3\xa4\xff\n' >list
cat >items.fn <<'END'
serve() { echo x >"$out"; echo ok; }
END
job items --items list || fail "items: $(cat err)"
"$PYTHON" - <<'END' || fail "items are asked for otherwise"
import json, os
got = [os.fsencode(json.loads(line)["item"]) for line in open("asked")]
assert got == open("list", "rb").read().splitlines(), got
END

# The output may be opened more than once, and be more than a pipe holds.
cat >twice.fn <<'END'
serve() { echo a >"$out"; sleep 0.1; seq 200000 >>"$out"; echo ok; }
END
job twice --range 2 || fail "twice: $(cat err)"
equal "$(zcat twice | wc -l)" 400002 "twice: lines"
cat >none.fn <<'END'
serve() { : >"$out"; echo ok; }
END
job none --range 3 || fail "none: $(cat err)"
equal "$(zcat none | wc -c)" 0 "none: bytes"

# --- answers, each by batch 1 ---
one error 'echo "error it is too hot"'
fails error "it is too hot"
equal "$(processes)" 1 "error: processes"
one error2 'echo half >"$out"; echo error'
fails error2 "answered 'error'"
equal "$(zcat error2 2>/dev/null; processes)" 1 "error2: processes"
one chat 'echo x >"$out"; echo "3 rows"; echo ok'
fails chat "'3 rows'" "standard error"
equal "$(processes)" 2 "chat: processes"
one nul 'echo x >"$out"; printf "o\0k\n"'
fails nul "'o?k'"
one long 'echo x >"$out"; head -c 100000 /dev/zero | tr "\0" y; echo; echo ok'
fails long yyyy "standard error"
# Both lines in one write: bash's own printf makes two, and a second that comes
# later is the case `late`, below.
one second 'echo x >"$out"; env printf "ok\nok\n"'
fails second "second time: 'ok'"
equal "$(processes)" 2 "second: processes"
one third 'echo x >"$out"; env printf "error a\nok\n"'
fails third "a"
equal "$(processes)" 2 "third: processes"
one early 'exec 9>"$out"; echo ok; sleep 0.5; echo late >&9; exec 9>&-'
job early --range 3 || fail "early: $(cat err)"
equal "$(zcat early | paste -sd ' ')" "x late x" "early: text"
one open 'exec 9>"$out"; echo x >&9; echo ok'
fails open "left its output open"
equal "$(processes)" 1 "open: processes"
one unopened 'echo ok'
fails unopened "had not opened its output"
equal "$(processes)" 2 "unopened: processes"
one shut 'exec 1>&-; sleep 60'
fails shut "closed its standard output"

# --- deaths ---
one before 'echo "last words" >&2; exit 3'
fails before "status 3" "last words"
equal "$(processes)" 2 "before: processes"
one zero 'exit 0'
fails zero "status 0 and has not answered"
one killed 'echo half >"$out"; kill -KILL $$'
fails killed "SIGKILL"
equal "$(sql killed.job "SELECT outcome, signal FROM attempt
	WHERE batch = 1")" "signal|9" "killed: attempt"
one amid 'printf o; exit 4'
fails amid "status 4"
one after 'echo x >"$out"; echo ok; exit 5'
job after --range 3 || fail "after: $(cat err)"
equal "$(processes)" 2 "after: processes"
equal "$(sql after.job "SELECT count(*) FROM attempt")" 3 "after: attempts"
# A second answer that comes late is no answer of the next batch: it is asked
# again, of another process.
one late 'echo $batch >"$out"; echo ok; sleep 0.3; echo ok; sleep 60'
sed -i 's/echo x/echo $batch/' late.fn
job late --range 4 || fail "late: $(cat err)"
equal "$(zcat late | paste -sd ' ')" "0 1 2 3" "late: text"
grep -q "had not opened" <<<"$(sql late.job "SELECT message FROM attempt
	WHERE batch = 2")" || fail "late: it was taken for an answer"
# It leaves by itself after each batch: nothing is a failed try.
cat >leaves.fn <<'END'
serve() { echo x >"$out"; echo ok; exit 0; }
END
job leaves --range 20 || fail "leaves: $(cat err)"
equal "$(sql leaves.job "SELECT count(*) FROM attempt")" 20 "leaves: attempts"
equal "$(processes)" 20 "leaves: processes"
# Some time after its answer, so that the next batch was asked for in vain: its
# lines are not lost.
cat >later.fn <<'END'
serve() { cat "$in" >"$out"; echo ok; sleep 0.05; exit 0; }
END
job later --input lines.txt --lines 10000 || fail "later: $(cat err)"
zcat later | cmp - lines.txt || fail "later: other text"
equal "$(sql later.job "SELECT count(*) FROM attempt")" 10 "later: attempts"
equal "$(processes)" 10 "later: processes"
# It answers, and goes on writing for ever: a limit of time ends that.
one endless '(exec >"$out"; yes) & sleep 0.1; echo ok'
options=(--timeout 1)
fails endless "longer than 1 s"
exit 0
