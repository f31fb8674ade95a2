#!/bin/bash
# Final files of more than 4 GiB, of text and of compressed bytes, in both forms.
# LONG=1 runs it.
. "$(dirname "$0")/lib.sh"
[ -n "${LONG:-}" ] || skip "LONG=1 runs it: 10 GiB of text, some minutes"
free=$(df --output=avail -B 1000000000 . | tail -n 1)
[ "$free" -ge 16 ] || skip "needs 16 GB of disk in $PWD, there are $free"
need pigz igzip node

stream='const fs = require("fs"), { Readable } = require("stream");
(async () => {
	let n = 0;
	for await (const piece of Readable.toWeb(
		fs.createReadStream(process.argv[1]))
		.pipeThrough(new DecompressionStream("gzip")))
		n += piece.length;
	if (n !== Number(process.argv[2]))
		throw new Error("DecompressionStream: " + n + " bytes");
})();'
loop='const fs = require("fs"), zlib = require("zlib");
let n = 0;
fs.createReadStream(process.argv[1]).pipe(zlib.createGunzip())
	.on("data", (piece) => { n += piece.length; })
	.on("end", () => {
		if (n !== Number(process.argv[2]))
			throw new Error("zlib: " + n + " bytes");
	});'
one_member='import sys, zlib
d, n = zlib.decompressobj(31), 0
with open(sys.argv[1], "rb") as f:
    while not d.eof:
        piece = d.unconsumed_tail or f.read(1 << 16)
        assert piece, "it ends too soon"
        n += len(d.decompress(piece, 1 << 24))
    assert not d.unused_data and not f.read(), "more behind it"
assert n == int(sys.argv[2]), n'
python_gzip='import gzip, sys
n = 0
with gzip.open(sys.argv[1]) as f:
    while piece := f.read(1 << 20):
        n += len(piece)
assert n == int(sys.argv[2]), n'

# readers FILE SUM BYTES: its text has this cksum, says everybody; those that
# only count have compared its CRC as well
readers() {
	local tool
	for tool in "sm cat -j 2" "gzip -dc" "pigz -dc" "igzip -dc"; do
		equal "$(set -o pipefail; $tool "$1" | cksum || echo "$?")" \
			"$2" "$tool $1"
	done
	"$PYTHON" -c "$python_gzip" "$1" "$3" || fail "Python's gzip: $1"
	node -e "$loop" "$1" "$3" || fail "node's zlib: $1"
	expect_exit 0 sm verify "$1"
}

# both BATCHES BYTES FROM: so many batches of so many bytes
both() {
	local bytes=$(($1 * $2)) sum
	expect_exit 0 sm exec -o f.gz --range "$1" --level 1 -q \
		-- head -c "$2" "$3"
	sum=$(cat f.gz.job/shards/*.gz | gzip -dc | cksum)
	equal "${sum#* }" "$bytes" "bytes of text"
	readers f.gz "$sum" "$bytes"
	"$PYTHON" -c "$one_member" f.gz "$bytes" || fail "one member by zlib"
	node -e "$stream" f.gz "$bytes" || fail "DecompressionStream"
	expect_exit 0 sm cat f.gz --batch $(($1 - 1))
	gzip -dc "f.gz.job/shards/00000$(($1 - 1)).gz" | cmp - out ||
		fail "the last batch"
	: >out
}

both 5 $((1 << 30)) /dev/zero
rm -rf f.gz f.gz.job
both 9 $((1 << 29)) /dev/urandom
[ "$(stat -c %s f.gz)" -gt $((1 << 32)) ] || fail "the file is too small"
