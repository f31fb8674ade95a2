#!/bin/bash
# verify FILE, without its job, finds every single bit and every cut.
. "$(dirname "$0")/lib.sh"

data small 300 60
expect_exit 0 sm candidates -o f.gz --batch-rows 40 --sync end "${args[@]}" \
	--max-candidates 3 --min-candidates 1
rm -rf f.gz.job
expect_exit 0 sm verify f.gz
expect_exit 0 sm verify ./f.gz

expect_exit 0 sm index --json f.gz
cp out index.json
"$PYTHON" - f.gz "${FLIPS:-400}" <<'PY' || fail "damage was not found"
import gzip, json, os, random, subprocess, sys
whole = open(sys.argv[1], "rb").read()
random.seed(3)

# Where bodies begin, then what follows them: index note, end note, tail.
entries = json.load(open("index.json"))["entries"]
starts = [e["at"] for e in entries]
end = entries[-1]["at"] + entries[-1]["bytes"]
body = [whole[e["at"]:e["at"] + e["bytes"]] for e in entries]
head, rest = whole[:10], whole[end:]
assert head + b"".join(body) + rest == whole
assert len(body) == 8, len(body)
# The notes that follow: whole blocks of 109 bytes, then the tail.
assert len(rest) % 109 == 10, len(rest)
starts += range(end, len(whole), 109)

def verify(data, what, allowed=(9,)):
    with open("x.gz", "wb") as f:
        f.write(data)
    r = subprocess.run([os.environ["SHARDMILL"], "verify", "x.gz"],
                       stdin=subprocess.DEVNULL, capture_output=True)
    if r.returncode not in allowed:
        sys.exit(f"{what}: exit {r.returncode}\n{r.stderr.decode()}")

places = set(range(40)) | set(range(end, len(whole)))
places |= {s + n for s in starts for n in range(40) if s + n < len(whole)}
places |= set(random.sample(range(len(whole)), 100))
bits = [(p, b) for p in places for b in range(8)]
for p, b in random.sample(bits, min(int(sys.argv[2]), len(bits))):
    data = bytearray(whole)
    data[p] ^= 1 << b
    verify(data, f"bit {b} of byte {p} of {len(whole)}")

# A cut file has our marks if a note is left of it.
for n in random.sample(range(end + 109 * 2, len(whole)), 10):
    verify(whole[:n], f"cut at {n}", (3, 9))
verify(whole[:-1], "cut by a byte")
for n in random.sample(range(100, len(whole)), 40) + [0, 1, 11]:
    verify(whole[:n], f"cut at {n}", (3, 9))
for n in starts[1:]:
    verify(whole[:n], f"cut at {n}", (3, 9))
for n in starts[:len(body)]:
    verify(whole[n + 1:], f"begun after {n}")
for n in range(len(body)):
    other = (n + 1) % len(body)
    swapped = list(body)
    swapped[n], swapped[other] = swapped[other], swapped[n]
    verify(head + b"".join(swapped) + rest, f"batches {n}, {other} swapped")
    verify(head + b"".join(body[:n + 1] + body[n:]) + rest, f"{n} doubled")
    verify(head + b"".join(body[:n] + body[n + 1:]) + rest, f"{n} left out")
verify(whole + whole, "doubled")
verify(whole + b"\0", "a byte appended")
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

# What shows a file's form shows nothing odd.
equal "$(gzip -l f.gz | awk 'NR == 2 { print $1, $2 }')" \
	"$(stat -c %s f.gz) $(stat -c %s want)" "gzip -l"
if command -v file >/dev/null; then
	equal "$(file -b f.gz)" "gzip compressed data, original size modulo 2^32 $(
		stat -c %s want)" "file"
fi
if command -v 7zz >/dev/null; then
	7zz t f.gz >out || fail "7zz: $(cat out)"
	grep -qE "^ +$(stat -c %s want) +$(stat -c %s f.gz) " <(7zz l f.gz) ||
		fail "7zz l: $(7zz l f.gz)"
	! grep -iE "warning|error|extra" out || fail "7zz is not content"
fi
