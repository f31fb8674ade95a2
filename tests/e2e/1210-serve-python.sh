#!/bin/bash
# tools/shardmill.py, on each Python that can be had; the protocol in shell and
# in Node, as shardmill-jobs(7) shows it.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PYTHONPATH=$("$SHARDMILL" python-path) || fail "no python-path"
export PYTHONPATH
cat >model.py <<'END'
import os, subprocess, sys
import shardmill
print("loading", sys.version_info[:2])
subprocess.run(["sh", "-c", "echo from a child; cat"])

def make(batch):
    print("batch", batch.number)
    if batch.attempt == 1 and batch.number == 2:
        raise ValueError("too\nhot")
    if batch.attempt == 1 and batch.number == 3:
        batch.write("half")
        batch.fail("given\nup")
        return
    if batch.number == 4 and os.fork() == 0:
        os.execvp("sleep", ["sleep", "3"])
    for line in batch:
        batch.write(line if batch.number % 2 else line.encode())
    print("end of", batch.number, file=batch, flush=True)

if sys.argv[1] == "serve":
    shardmill.serve(make)
for batch in shardmill.batches():
    if sys.argv[1] == "with":
        with batch:
            make(batch)
    elif batch.number == 2 and batch.attempt == 1:
        raise ValueError("too hot")
    else:
        make(batch)
END
seq -f 'line %g é' 5000 >lines.txt
for n in 0 1 2 3 4; do
	seq -f 'line %g é' $((1000 * n + 1)) $((1000 * n + 1000))
	echo "end of $n"
done >want
pythons=("$PYTHON")
for python in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python3 /usr/bin/python3.*[0-9]; do
	[ -x "$python" ] && pythons+=("$python")
done
forms=(with serve loop)
for python in "${pythons[@]}"; do
	for form in "${forms[@]}"; do
		rm -rf o o.job
		expect_exit 0 sm exec -q -o o -j 1 --input lines.txt \
			--lines 1000 --serve -- "$python" model.py "$form"
		same_text want o
		case $form in
		loop) want='the command exited with status 1%too hot' ;;
		*) want='ValueError: too hot (model.py, line %)' ;;
		esac
		equal "$(sql o.job "SELECT count(*) FROM attempt WHERE batch = 2
			AND message LIKE '$want'
			AND stderr LIKE '%Traceback%ValueError: too%hot%'")" \
			1 "$python $form: the exception"
		equal "$(sql o.job "SELECT message FROM attempt WHERE batch = 3
			AND message IS NOT NULL")" "given up" "fail()"
		equal "$(sql o.job "SELECT stderr LIKE '%loading%from a child%'
			FROM attempt WHERE id = 1")" 1 "print of the start"
	done
	forms=(with)
done

# Numbers and items; nothing runs without a supervisor.
cat >sum.py <<'END'
import shardmill
shardmill.serve(lambda b: b.write("%s\n" % sum(b) if b.item is None
                                  else b.item + "\n"))
END
expect_exit 0 sm exec -q -o s -j 2 --range 100 --size 10 --serve -- \
	"$PYTHON" sum.py
equal "$(zcat s | tail -n 1)" 945 "sum of the last numbers"
printf 'a\nb\xff\n' >items.txt
expect_exit 0 sm exec -q -o i -j 1 --items items.txt --serve -- "$PYTHON" sum.py
zcat i | cmp - items.txt || fail "items"
expect_exit 1 "$PYTHON" sum.py
expect_text err "shardmill exec --serve"

# As the manual shows them: each example from its name to the end of its text.
page=$tests/../tools/shardmill-jobs.7
example() { # FILE: the text of the example of that name
	sed -n "/^\.\\\\\" example $1\$/,/^\.fi/p" "$page" |
		sed '/^\./d; s/\\e/\\/g; s/\\-/-/g; s/\\(aq/'\''/g; s/\\&//g'
}
example serve.sh >serve.sh
example serve.js >serve.js
example pool.py >pool.py
example served.py >served.py
[ -s pool.py ] && [ -s served.py ] || fail "no examples of Python in the manual"
printf 'def load():\n    return str.upper\n' >model.py
[ -s serve.sh ] && [ -s serve.js ] || fail "no examples in the manual"
[ "$(wc -l <serve.sh)" -le 10 ] || fail "more than ten lines of shell"
sed 's/é/e/' lines.txt >in.txt
tr a-z A-Z <in.txt >upper.txt
"$PYTHON" pool.py <in.txt | cmp - upper.txt || fail "pool.py"
expect_exit 0 sm exec -q -o py.gz -j 2 --input in.txt --lines 500 --serve -- \
	"$PYTHON" served.py
same_text upper.txt py.gz
expect_exit 0 sm exec -q -o sh.gz --input in.txt --lines 500 --serve -- \
	bash serve.sh
same_text upper.txt sh.gz
if command -v node >/dev/null; then
	expect_exit 0 sm exec -q -o js.gz --input in.txt --lines 500 \
		--serve -- node serve.js
	same_text upper.txt js.gz
fi
