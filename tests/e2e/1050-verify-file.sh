#!/bin/bash
# verify FILE, without its job, finds every single bit and every cut.
. "$(dirname "$0")/lib.sh"

data small 300 60
expect_exit 0 sm candidates -o f.gz --batch-rows 40 --sync end "${args[@]}" \
	--max-candidates 3 --min-candidates 1
rm -rf f.gz.job
expect_exit 0 sm verify f.gz
expect_exit 0 sm verify ./f.gz

"$PYTHON" - f.gz "${FLIPS:-400}" <<'PY' || fail "damage was not found"
import os, random, subprocess, sys, zlib
whole = open(sys.argv[1], "rb").read()
random.seed(3)

# Where members begin.
starts, at = [], 0
while at < len(whole):
    starts.append(at)
    d = zlib.decompressobj(31)
    d.decompress(whole[at:])
    at = len(whole) - len(d.unused_data)
ends = starts[1:] + [len(whole)]
member = [whole[a:b] for a, b in zip(starts, ends)]
assert len(member) >= 10, len(member)

def verify(data, what, allowed=(9,)):
    with open("x.gz", "wb") as f:
        f.write(data)
    r = subprocess.run([os.environ["SHARDMILL"], "verify", "x.gz"],
                       stdin=subprocess.DEVNULL, capture_output=True)
    if r.returncode not in allowed:
        sys.exit(f"{what}: exit {r.returncode}\n{r.stderr.decode()}")

last = range(starts[-2] - 20, len(whole))
places = set(range(40)) | set(last)
places |= {s + n for s in starts for n in range(40) if s + n < len(whole)}
places |= set(random.sample(range(len(whole)), 100))
bits = [(p, b) for p in places for b in range(8)]
for p, b in random.sample(bits, min(int(sys.argv[2]), len(bits))):
    data = bytearray(whole)
    data[p] ^= 1 << b
    verify(data, f"bit {b} of byte {p} of {len(whole)}")

# A cut file has our marks, unless next to nothing is left of it.
for n in random.sample(range(100, len(whole)), 40) + [len(whole) - 1]:
    verify(whole[:n], f"cut at {n}")
for n in (0, 1, 11):
    verify(whole[:n], f"cut at {n}", (3, 9))
for n in starts[1:]:
    verify(whole[:n], f"cut at the member at {n}")
    verify(whole[n:], f"begun at the member at {n}")
for n in range(len(member)):
    other = (n + 1) % len(member)
    swapped = list(member)
    swapped[n], swapped[other] = swapped[other], swapped[n]
    verify(b"".join(swapped), f"members {n}, {other} swapped")
    verify(b"".join(member[:n + 1] + member[n:]), f"member {n} doubled")
    verify(b"".join(member[:n] + member[n + 1:]), f"member {n} left out")
verify(whole + whole, "doubled")
verify(whole + b"\0", "a byte appended")
import gzip
verify(whole + gzip.compress(b""), "an empty member appended")
verify(gzip.compress(b"x\n", mtime=0) + whole, "a member put before")
PY

# No mark of ours: refused, with a pointer to gzip -t.
echo hello | gzip >foreign.gz
expect_exit 3 sm verify foreign.gz
expect_text err "gzip -t"
echo hello >plain
expect_exit 3 sm verify plain
expect_exit 3 sm verify missing.gz
mkfifo fifo
expect_exit 3 timeout 20 "$SHARDMILL" verify fifo

# Every reader there is sees the same text.
gzip -dc f.gz >want
for tool in "gzip -dc" "zcat" "pigz -dc" "igzip -dc" "bsdcat" "zstd -dcq" \
	"busybox gzip -dc" "$PYTHON -c 'import gzip, sys
sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())'" \
	"perl -MIO::Uncompress::Gunzip -e 'IO::Uncompress::Gunzip::gunzip(
\$ARGV[0] => \"-\", MultiStream => 1)'"; do
	command -v "${tool%% *}" >/dev/null || continue
	eval "$tool f.gz" >got 2>tool.err || fail "$tool: $(cat tool.err)"
	same want got
done
