#!/bin/bash
# Arrays as they are written: rows or columns, either byte order, small types,
# every name of a type, headers of other writers.  The texts are equal to that
# of the plain form.
. "$(dirname "$0")/lib.sh"

"$PYTHON" - <<'PY'
import json, os, struct
import numpy as np
rng = np.random.default_rng(11)
# More rows than one block has, more columns than are read side by side.
rows, width = 2100, 150
ids = np.array([rng.permutation(width) for _ in range(rows)]) - 20
scores = -np.sort(-rng.random((rows, width)), axis=1)
json.dump([f"user-{i}" for i in range(rows)], open("keys.json", "w"))
json.dump([f"t{i}" if i % 3 else i for i in range(120)], open("vocab.json", "w"))
tests, plains = [], {}

def save(name, array, descr=None, end="\n", pad=64, bare=False):
    """With a header by hand, in which `descr` names the type."""
    fortran = array.ndim > 1 and not array.flags.c_contiguous
    text = "{'descr': %r, 'fortran_order': %s, 'shape': %r, }" % (
        descr or array.dtype.str, fortran, array.shape)
    if bare:
        text = text.replace(" ", "").replace(",}", "}")
    text = text.ljust((pad - 10 - len(text) - len(end)) % pad + len(text)) + end
    with open(name, "wb") as f:
        f.write(b"\x93NUMPY\1\0" + struct.pack("<H", len(text)))
        f.write(text.encode() + array.tobytes("A"))
    loaded = np.load(name)
    assert (loaded == array).all() or loaded.dtype.kind == "f", name
    assert loaded.shape == array.shape

def case(name, c, s, **kw):
    save(f"{name}-c.npy", c, **kw.get("of_c", {}))
    save(f"{name}-s.npy", s, **kw.get("of_s", {}))
    # The plain form of the same numbers.
    plain = {"b": "<u4", "i": "<i4", "u": "<u4"}[c.dtype.kind]
    if c.dtype.itemsize == 8:
        plain = plain[:2] + "8"
    c = np.ascontiguousarray(c, plain)
    s = np.ascontiguousarray(s, s.dtype.newbyteorder("<"))
    number = plains.setdefault(c.tobytes() + s.tobytes(), len(plains))
    np.save(f"plain{number}-c.npy", c)
    np.save(f"plain{number}-s.npy", s)
    tests.append(f"{name} plain{number}")

F, C = np.asfortranarray, np.ascontiguousarray
for i, f in ("i2", "f2"), ("i4", "f4"), ("i8", "f8"):
    case(f"big-{i}", ids.astype(">" + i), scores.astype(">" + f))
    case(f"columns-{i}", F(ids.astype("<" + i)), F(scores.astype("<" + f)))
    case(f"both-{i}", F(ids.astype(">" + i)), C(scores.astype("<" + f)))
    case(f"mixed-{i}", C(ids.astype(i)), F(scores.astype(">" + f)))
up = np.where(ids < 0, 119, ids)
s4 = scores.astype("<f4")
for u in "|u1", ">u2", "<u2", ">u4", ">u8":
    case("unsigned-" + u[1:] + ("big" if u[0] == ">" else ""), F(up.astype(u)), s4)
case("i1", ids.astype("i1"), s4)
case("i1-columns", F(ids.astype("i1")), s4)
case("bool", ids > 60, s4)
# Writers that end the header otherwise, or pad it by their own rule.
case("no-newline", ids.astype("<i4"), s4, of_c=dict(end="", pad=16, bare=True),
     of_s=dict(end="", pad=1))
case("odd-place", ids.astype("<i4"), s4, of_c=dict(pad=7), of_s=dict(pad=1))
for n, (i, f) in enumerate((("i4", "f4"), ("=i4", "=f4"), ("<i", "<f"),
                            ("i", "f"), ("|i4", "|f4"), ("int32", "float32"))):
    o = "<" if i[0] == "<" else "="
    case(f"letter{n}", ids.astype(o + "i4"), s4.astype(o + "f4"),
         of_c=dict(descr=i), of_s=dict(descr=f))
for n, (i, f) in enumerate((("<q", "<d"), ("<l", "d"), ("l", "float"),
                            ("int", "float64"), (">q", ">d"))):
    o = i[0] if i[0] in "<>" else "="
    case(f"wide{n}", ids.astype(o + "i8"), scores.astype(o + "f8"),
         of_c=dict(descr=i), of_s=dict(descr=f))
for n, i in enumerate(("b1", "?", "|b1", "bool")):
    case(f"bool{n}", ids > 60, s4, of_c=dict(descr=i))
case("one-column", F(ids[:, :1].astype(">i4")), F(s4[:, :1]))
case("one-row", F(ids[:1].astype(">i4")), F(s4[:1]))
# So wide that a block has the least rows it may have.
wide = rng.integers(0, 120, (20, 70000))
case("wide", F(wide.astype("<i4")), F(-np.sort(-rng.random(wide.shape)).astype("f8")))
case("no-rows", F(np.ones((0, 5), ">i4")), F(np.ones((0, 5), ">f4")))
open("cases", "w").write("\n".join(tests) + "\n")

# Keys and vocabulary: numbers in big-endian order, short ones, strings.
number = np.arange(rows)
for name, array in (("big", number.astype(">i8")), ("short", number.astype(">u2")),
                    ("letter", number.astype("<i8")),
                    ("text", np.array([f"ü{i}" for i in number], ">U7")),
                    ("bytes", np.array([f"u{i}" for i in number], "S6"))):
    save(f"keys-{name}.npy", array, "l" if name == "letter" else None)
    np.save(f"keys-{name}-plain.npy",
            array.astype(array.dtype.newbyteorder("<") if array.dtype.kind == "U"
                         else "S6" if array.dtype.kind == "S" else "<i8"))
save("vocab-bool.npy", number % 2 > 0)
np.save("vocab-plain.npy", number % 2)
PY

# candidates NAME OUT [KEYS [VOCAB]]
candidates() {
	rm -rf "$2" "$2.job"
	expect_exit 0 sm candidates -q -j 1 -o "$2" --cands "$1-c.npy" \
		--scores "$1-s.npy" --keys "${3:-keys.json}" \
		--vocab "${4:-vocab.json}" --min-candidates 0 --batch-rows 1700
}

equal_texts() {
	gzip -dc plain.gz >plain
	same_text plain f.gz
}

was=
while read -r name plain; do
	candidates "$name" f.gz
	[ "$plain" = "$was" ] || candidates "$plain" plain.gz
	was=$plain
	equal_texts
	[ "$name" = no-rows ] || [ -s plain ] ||
		fail "$name: nothing was written"
done < <(sort -k 2 cases)
i1=$(awk '$1 == "i1" { print $2 }' cases)

for name in big short letter text bytes; do
	candidates i1 f.gz "keys-$name.npy"
	candidates "$i1" plain.gz "keys-$name-plain.npy"
	equal_texts
done
candidates i1 f.gz keys.json vocab-bool.npy
candidates "$i1" plain.gz keys.json vocab-plain.npy
equal_texts
