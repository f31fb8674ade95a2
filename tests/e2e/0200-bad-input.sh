#!/bin/bash
# Bad input is found when planning: exit 3, one line that names the file, and
# nothing is left behind.
. "$(dirname "$0")/lib.sh"

"$PYTHON" - <<'PY'
import gzip, io, json, os, pickle, struct
import numpy as np

os.mkdir("good")
good_c = np.ones((4, 3), np.int32)
good_s = np.full((4, 3), .5, np.float32)
np.save("good/cands.npy", good_c)
np.save("good/scores.npy", good_s)
json.dump({str(n): f"k{n}" for n in range(4)}, open("good/keys.json", "w"))
json.dump(["0", "1", "2"], open("good/vocab.json", "w"))
cases = []

def case(option, name, data, *words):
    """DATA as the file of one option; WORDS must be in the message."""
    folder = f"case{len(cases):03d}"
    os.mkdir(folder)
    if data is not None:
        with open(f"{folder}/{name}", "wb") as f:
            f.write(data.encode() if isinstance(data, str) else data)
    cases.append("\t".join([option, f"{folder}/{name}", *words]))

def npy(array, **kw):
    f = io.BytesIO()
    np.lib.format.write_array(f, array, **kw)
    return f.getvalue()

def header(text, major=1, size=None, data=b"\0" * 48):
    text = text.encode() if isinstance(text, str) else text
    if size is None:
        size = len(text)
    length = struct.pack("<H" if major == 1 else "<I", size)
    return b"\x93NUMPY" + bytes([major, 0]) + length + text + data

def descr(d="'<i4'", order="False", shape="(4, 3)", extra=""):
    return ("{'descr': %s, 'fortran_order': %s, 'shape': %s, %s}" %
            (d, order, shape, extra)).ljust(117) + "\n"

whole = npy(good_c)
case("cands", "missing.npy", None, "missing.npy")
case("cands", "empty.npy", b"")
case("cands", "nine.npy", whole[:9])
case("cands", "magic.npy", b"PNG" + whole[3:])
case("cands", "packed.npy", gzip.compress(whole), "gzip")
case("cands", "zip.npy", b"PK\3\4" + whole, "unzip")
buf = io.BytesIO()
np.savez(buf, a=good_c)
case("cands", "z.npz", buf.getvalue(), "FILE.npz:a")
case("keys", "z.npz", buf.getvalue(), "FILE.npz:a")
case("cands", "pickle.npy", pickle.dumps(good_c, 4), "pickle")
case("cands", "version0.npy", header(descr(), 0))
case("cands", "version9.npy", header(descr(), 9))
case("cands", "len0.npy", header("", 1, 0))
case("cands", "past-end.npy", header(descr(), 1, 60000))
case("cands", "huge-header.npy", header(descr().rstrip().ljust(70000) + "\n",
                                        2))
case("cands", "no-shape.npy",
     header("{'descr': '<i4', 'fortran_order': False}\n"))
case("cands", "double.npy", header(descr(extra="'descr': '<i4', ")))
case("cands", "unknown.npy", header(descr(extra="'color': 1, ")))
case("cands", "nested.npy", header(descr(shape="((4, 3),)")))
case("cands", "trailing.npy", header(descr()[:-1].rstrip() + " x\n"))
case("cands", "object.npy", npy(np.array([[1, None]], object)))
case("cands", "structured.npy", npy(np.zeros((4, 3), "i4,f4")))
case("cands", "string.npy", npy(np.array([["a", "b"]])))
case("cands", "float.npy", npy(good_s))
case("scores", "bool.npy", npy(good_c.astype(bool)))
case("cands", "rank1.npy", npy(np.ones(12, np.int32)))
case("cands", "rank3.npy", npy(np.ones((2, 2, 3), np.int32)))
case("cands", "rank0.npy", npy(np.array(3, np.int32)))
case("cands", "negative.npy", header(descr(shape="(-4, 3)")))
case("cands", "overflow.npy", header(descr(shape="(4611686018427387904, 4)")))
case("cands", "digits.npy", header(descr(shape="(" + "9" * 40 + ", 3)")))
case("cands", "short.npy", whole[:-1])
case("cands", "long.npy", whole + b"\0")
case("scores", "short.npy", npy(good_s)[:-1])
case("cands", "shape.npy", npy(np.ones((5, 3), np.int32)), "scores")
case("scores", "shape.npy", npy(np.ones((4, 2), np.float32)), "cands")
case("scores", "int.npy", npy(good_c))
case("scores", "complex.npy", npy(good_s.astype(complex)))

ok = '{"0": "a", "1": "b", "2": "c", "3": "d"'
for option in ("keys", "vocab"):
    case(option, "empty.json", b"")
    case(option, "missing.json", None, "missing.json")
    case(option, "number.json", "17")
    case(option, "string.json", '"abc"')
    case(option, "index.json", ok + ', "x": "e"}', "x")
    case(option, "negative.json", ok + ', "-1": "e"}')
    case(option, "float-index.json", ok + ', "1.0": "e"}')
    case(option, "spelling.json", ok + ', "03": "e"}')
    case(option, "twice.json", ok + ', "3": "e"}')
    case(option, "float.json", ok + ', "4": 1.5}')
    case(option, "null.json", ok + ', "4": null}')
    case(option, "list.json", ok + ', "4": ["a"]}')
    case(option, "object.json", ok + ', "4": {}}')
    case(option, "true.json", '["a", "b", "c", "d", true]')
    case(option, "exponent.json", '["a", "b", "c", "d", 1e3]')
    case(option, "utf8.json", ok.encode() + b', "4": "\xff"}')
    case(option, "overlong.json", ok.encode() + b', "4": "\xc0\x80"}')
    case(option, "cut-utf8.json", ok.encode() + b', "4": "\xe2\x82"}')
    case(option, "surrogate-utf8.json", ok.encode() + b', "4": "\xed\xa0\x80"}')
    case(option, "lone.json", ok + ', "4": "\\ud800"}')
    case(option, "lone-low.json", ok + ', "4": "\\udc00x"}')
    case(option, "half-pair.json", ok + ', "4": "\\ud800\\u0041"}')
    case(option, "escape.json", ok + ', "4": "\\x41"}')
    case(option, "control.json", ok + ', "4": "\x01"}')
    case(option, "trailing.json", ok + "} x")
    case(option, "two.json", ok + "}{}")
    case(option, "comma.json", ok + ",}")
    case(option, "comment.json", "/* keys */ " + ok + "}")
    case(option, "nan.json", ok + ', "4": NaN}')
    case(option, "zero.json", ok + ', "4": 007}')
    case(option, "plus.json", ok + ', "4": +7}')
    case(option, "cut.json", ok)
    case(option, "cut-string.json", ok + ', "4": "abc')
    case(option, "bomb.json", "[" * 100000)
    case(option, "bomb2.json", '{"0":' * 100000)
    case(option, "single.json", "{'0': 'a'}")
    case(option, "bad.txt", b"a\nb\xff\nc\nd\n")
    case(option, "rank2.npy", npy(np.ones((4, 4), np.int64)))
    case(option, "float.npy", npy(np.ones(4)))
case("keys", "few.json", '{"0": "a", "1": "b", "3": "d"}', "2")
case("keys", "few.txt", "a\nb\nc\n", "3")
case("keys", "few.npy", npy(np.ones(3, np.int64)), "3")
open("cases", "w").write("\n".join(cases) + "\n")
PY

# try OPTION FILE WORD...: only that option has another file
try() {
	local option=$1 file=$2 word
	shift 2
	args=()
	for name in cands.npy scores.npy keys.json vocab.json; do
		[ "${name%.*}" = "$option" ] || args+=("--${name%.*}=good/$name")
	done
	expect_exit 3 timeout 20 "$SHARDMILL" candidates -o f.gz -j 1 --quiet \
		"--$option=$file" "${args[@]}"
	[ "$(wc -l <err)" = 1 ] || fail "more or less than one line: $file"
	expect_text err "${file##*/}" "$@"
	[ ! -e f.gz ] || fail "$file: an output was made"
	[ ! -e f.gz.job ] || fail "$file: a job was left behind: $(find f.gz.job)"
}

while IFS=$'\t' read -r -a line; do
	try "${line[@]}"
done <cases

mkfifo fifo.npy
mkdir folder.npy
for option in cands scores keys vocab; do
	try $option fifo.npy
	try $option folder.npy
	try $option /dev/zero
done
if [ "$(id -u)" != 0 ]; then
	cp good/cands.npy secret.npy
	chmod 000 secret.npy
	try cands secret.npy
fi

# Options out of range, which are the user's typing: 2, or 3 as a value.
for option in --level=0 --level=10 --batch-rows=0 --min-score=nan \
	--min-score=abc --pad=x --ids=maybe --score-digits=1 --batch-rows=-1; do
	code=0
	sm candidates -o f.gz --cands=good/cands.npy --scores=good/scores.npy \
		--keys=good/keys.json --vocab=good/vocab.json $option \
		>out 2>err || code=$?
	[[ $code = [23] ]] || fail "$option: exit $code"
	[ ! -e f.gz.job ] || fail "$option: a job was left behind"
done

# A command that cannot run is one message at the start, not a failed batch each.
echo "no program" >plain.txt
for command in no-such-command ./plain.txt ./missing/command; do
	expect_exit 3 sm exec -o f.gz --range 6 --size 1 -- $command '{first}'
	[ "$(wc -l <err)" = 1 ] || fail "more or less than one line: $command"
	expect_text err "$command"
	[ ! -e f.gz.job ] || fail "$command: a job was left behind"
done

# Good ones that look odd: padding by -1, 0 rows, 0 columns, other versions.
"$PYTHON" - <<'PY'
import numpy as np
for name, dtype in (("cands", np.int32), ("scores", np.float32)):
    padded = np.ones((4, 3), dtype)
    padded[1:3, 1:] = -1 if name == "cands" else 1
    np.save(f"good/{name}-pad.npy", padded)
    np.save(f"good/{name}-norows.npy", np.ones((0, 3), dtype))
    np.save(f"good/{name}-nocols.npy", np.ones((4, 0), dtype))
    for v in (2, 3):
        with open(f"good/{name}-v{v}.npy", "wb") as f:
            np.lib.format.write_array(f, np.ones((4, 3), dtype), version=(v, 0))
PY
for form in norows nocols v2 v3 pad; do
	args=(--cands="good/cands-$form.npy"
		--scores="good/scores-$form.npy"
		--keys=good/keys.json --vocab=good/vocab.json
		--min-candidates=1)
	[ $form != pad ] || args+=(--pad -1)
	"$PYTHON" "$tests/oracle.py" -o want.gz -j 1 "${args[@]}"
	gzip -dc want.gz >want
	expect_exit 0 sm candidates -o $form.gz "${args[@]}"
	same_text want $form.gz
	expect_exit 0 sm verify $form.gz
done
