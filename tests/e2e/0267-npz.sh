#!/bin/bash
# Arrays in .npz archives, by name: stored and deflated, of all four inputs, as
# different writers make them; the job is the same as with the files that are in
# it.  What is damaged, cut short or packed otherwise is refused by name.
. "$(dirname "$0")/lib.sh"

"$PYTHON" - <<'PY'
import io, json, struct, zipfile
import numpy as np
rng = np.random.default_rng(12)
rows, width = 900, 60
a = {"cands": np.array([rng.permutation(500)[:width] for _ in range(rows)], "<i4"),
     "scores": -np.sort(-rng.random((rows, width)), axis=1).astype("<f4"),
     "keys": np.arange(rows) + 7, "vocab": np.array([f"t{i}" for i in range(500)])}
for name, array in a.items():
    np.save(name + ".npy", array)
np.savez("stored.npz", **a)
np.savez_compressed("deflated.npz", **a)
# Rows in Fortran order, unaligned where they are stored.
np.savez("columns.npz", x=np.ones(3, "i1"), **{
    n: np.asfortranarray(v) for n, v in a.items()})

def archive(name, method=zipfile.ZIP_STORED, comment=b"", extra=b"", **kw):
    with zipfile.ZipFile(name, "w", method, **kw) as z:
        for n, v in a.items():
            f = io.BytesIO()
            np.save(f, v)
            info = zipfile.ZipInfo(n + ".npy")
            info.compress_type, info.extra = method, extra
            z.writestr(info, f.getvalue())
        z.writestr("deep/er.npy", open("scores.npy", "rb").read())
        z.writestr("table.json", "{}")
        z.comment = comment
archive("plain.npz")
archive("comment.npz", comment=b"PK\5\6" + b"x" * 60000)
archive("extra.npz", extra=struct.pack("<HH5s", 0x7075, 5, b"hello"))

class Stream(io.RawIOBase):     # sizes come after the data, in descriptors
    def __init__(self, name): self.f = open(name, "wb")
    def writable(self): return True
    def write(self, b): return self.f.write(b)
    def close(self): self.f.close()
for method, name in (0, "stream.npz"), (8, "stream-deflated.npz"):
    out = Stream(name)
    with zipfile.ZipFile(out, "w", method) as z:
        for n in a:
            z.write(n + ".npy")
    out.close()

# zip64 where it is not needed: every number in the extra field, and the end
# record by its 64-bit form.
def zip64(name):
    body = central = b""
    for n in a:
        data, at = open(n + ".npy", "rb").read(), len(body)
        crc, n = zipfile.crc32(data), (n + ".npy").encode()
        body += struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 0, crc,
                            2**32 - 1, 2**32 - 1, len(n), 20) + n
        body += struct.pack("<2H2Q", 1, 16, len(data), len(data)) + data
        central += struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 0, 0, 0, crc,
                               2**32 - 1, 2**32 - 1, len(n), 28, 0, 0, 0, 0,
                               2**32 - 1) + n
        central += struct.pack("<2H3Q", 1, 24, len(data), len(data), at)
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 4, 4,
                      len(central), len(body))
    end += struct.pack("<4sLQL", b"PK\6\7", 0, len(body) + len(central), 1)
    end += struct.pack("<4s4H2LH", b"PK\5\6", 2**16 - 1, 2**16 - 1, 2**16 - 1,
                       2**16 - 1, 2**32 - 1, 2**32 - 1, 0)
    open(name, "wb").write(body + central + end)
zip64("zip64.npz")
assert (np.load("zip64.npz")["cands"] == a["cands"]).all()

# What is refused.
bad = []
def refuse(name, data, word, member="cands"):
    open(name, "wb").write(data)
    bad.append(f"{name}:{member}\t{word}")
for kind in "stored", "deflated":
    whole = open(kind + ".npz", "rb").read()
    end = whole.rindex(b"PK\1\2")
    z = zipfile.ZipFile(kind + ".npz").getinfo("cands.npy")
    at = z.header_offset + 30 + len("cands.npy") + 20
    refuse(f"flipped-{kind}.npz", whole[:at + 5000] + bytes([whole[at + 5000] ^ 4])
           + whole[at + 5001:], "the archive is damaged")
    refuse(f"cut-{kind}.npz", whole[:-1], "cut short")
    refuse(f"half-{kind}.npz", whole[:len(whole) // 2], "cut short")
    refuse(f"nowhere-{kind}.npz", whole, "the archive has no such member; it has "
           "cands, scores, keys, vocab", "candidates")
    first = whole.index(b"PK\1\2")
    def patch(offset, what):
        p = first + offset
        return whole[:p] + what + whole[p + len(what):]
    refuse(f"encrypted-{kind}.npz", patch(8, b"\1"), "encrypted")
    refuse(f"method-{kind}.npz", patch(10, b"\x63\0"), "an unknown method")
    refuse(f"crc-{kind}.npz", patch(16, b"\0\0\0\0"), "the member's CRC is another")
    refuse(f"long-{kind}.npz", patch(20, b"\xf0\xff\xff\x0f"), "is damaged")
    refuse(f"size-{kind}.npz", patch(24, struct.pack("<L", z.file_size - 1)),
           "is damaged")
    refuse(f"larger-{kind}.npz", patch(24, struct.pack("<L", z.file_size + 1)),
           "is damaged")
    refuse(f"far-{kind}.npz", patch(42, b"\xff\xff\xff\x7f"), "is damaged")
    refuse(f"names-{kind}.npz", patch(28, b"\xff\xff"), "directory is damaged")
    refuse(f"front-{kind}.npz", b"x" * 9 + whole, "no zip archive")
    refuse(f"parts-{kind}.npz", whole[:-18] + b"\1\0" + whole[-16:], "parts")
    refuse(f"directory-{kind}.npz", whole[:-6] + b"\xff\xff\xff\x7f" + whole[-2:],
           "directory is damaged")
archive("bzip2.npz", zipfile.ZIP_BZIP2)
archive("lzma.npz", zipfile.ZIP_LZMA)
bad += ["bzip2.npz:cands\tby bzip2 (method 12)", "lzma.npz:cands\tby lzma",
        "plain.npz:table.json\tis no .npy file", "plain.npz:deep\tno such member",
        "plain.npz:keys\t1-dimensional",
        "missing.npz:cands\tNo such file", "cands.npy:x\tNo such file",
        "plain.npz\tarchive of arrays (cands, scores, keys, vocab, deep/er); "
        "name one, as FILE.npz:cands"]
with zipfile.ZipFile("twice.npz", "w") as z:
    z.write("cands.npy")
    z.write("scores.npy", "cands")
bad.append("twice.npz:cands\tseveral members")
with zipfile.ZipFile("none.npz", "w") as z:
    z.write("keys.npy", "a.txt")
bad += ["none.npz:cands\thas no .npy files", "none.npz\tby unzip"]
open("bad", "w").write("\n".join(bad) + "\n")
PY

# candidates OUT CANDS SCORES KEYS VOCAB OPTION...
candidates() {
	sm candidates -q -j 1 -o "$1" --cands "$2" --scores "$3" --keys "$4" \
		--vocab "$5" --min-candidates 1 --batch-rows 300 "${@:6}"
}
# of ARCHIVE OUT: with all four of it
of() { candidates "$2" "$1:cands" "$1:scores" "$1:keys" "$1:vocab"; }

expect_exit 0 candidates want.gz cands.npy scores.npy keys.npy vocab.npy
gzip -dc want.gz >want
# Equal content is an equal job: the same bytes, fingerprint and all.
for name in stored deflated plain comment extra stream stream-deflated zip64; do
	expect_exit 0 of $name.npz $name.gz
	same want.gz $name.gz
done
expect_exit 0 of columns.npz columns.gz
same_text want columns.gz
expect_exit 0 candidates mixed.gz cands.npy plain.npz:deep/er.npy \
	stored.npz:keys.npy deflated.npz:vocab
same want.gz mixed.gz

# No copy of what is read in place, one of what is not; nothing else is left.
[ -z "$(find stored.gz.job -name '*.npy')" ] || fail "a copy"
equal "$(cd deflated.gz.job/tables/*/ && echo *)" \
	"cands.npy keys scores.npy vocab" tables

while IFS=$'\t' read -r name word; do
	expect_exit 3 candidates f.gz "$name" scores.npy keys.npy vocab.npy
	[ "$(wc -l <err)" = 1 ] || fail "more or less than one line: $name"
	expect_text err "${name%%:*}" "$word"
	[ ! -e f.gz.job ] || fail "$name: a job was left behind"
done <bad
expect_exit 3 candidates f.gz flipped-stored.npz:cands scores.npy keys.npy vocab.npy
expect_exit 3 candidates f.gz cands.npy scores.npy flipped-deflated.npz:cands \
	vocab.npy
expect_exit 3 candidates f.gz cands.npy scores.npy keys.npy bzip2.npz:vocab

# A file that has such a name is that file; the archive is no output.
cp cands.npy x.npz:cands
expect_exit 0 candidates x.gz x.npz:cands scores.npy keys.npy vocab.npy
same want.gz x.gz
cp stored.npz y.npz
expect_exit 7 of y.npz y.npz --force
expect_text err "is the input"
same stored.npz y.npz

# Other members may change; the array may not.  The job may be gone on with
# when the archive has been moved with it.
for kind in stored deflated; do
	rm -rf f.gz f.gz.job
	cp $kind.npz z.npz
	expect_exit 0 sm plan f.gz.job candidates -o f.gz --cands z.npz:cands \
		--scores z.npz:scores --keys z.npz:keys --vocab z.npz:vocab \
		--min-candidates 1 --batch-rows 300
	"$PYTHON" - <<'PY'
import zipfile
with zipfile.ZipFile("z.npz", "a") as z:
    z.writestr("more.npy", "more")
PY
	expect_exit 0 sm run -q f.gz.job -j 1
	same want.gz f.gz
	"$PYTHON" -c '
import numpy as np
z = dict(np.load("'$kind'.npz"))
z["cands"] = z["cands"][::-1]
np.savez("z.npz", **z)'
	expect_exit 7 sm run -q f.gz.job -j 1
	expect_text err "z.npz:cands" changed
done
mkdir one
cp stored.npz one/s.npz
expect_exit 0 sm plan one/f.gz.job candidates -o one/f.gz --cands one/s.npz:cands \
	--scores one/s.npz:scores --keys one/s.npz:keys --vocab one/s.npz:vocab \
	--min-candidates 1 --batch-rows 300
mv one two
expect_exit 0 sm run -q two/f.gz.job -j 1
same want.gz two/f.gz

# A copy that was lost or cut in the job's tables is told as that.
truncate -s -1 deflated.gz.job/tables/*/cands.npy
rm -f deflated.gz deflated.gz.job/shards/*
expect_exit 9 sm verify --requeue deflated.gz.job
expect_exit 6 sm run -q deflated.gz.job -j 1
expect_text err "unpacked copy" "--restart"
