#!/bin/bash
# A final file of more than 4 GiB of text, in both forms.  LONG=1 runs it.
. "$(dirname "$0")/lib.sh"
[ -n "${LONG:-}" ] || skip "LONG=1 runs it: 5 GiB of text, some minutes"

gib=$((1 << 30))
expect_exit 0 sm exec -o f.gz --range 5 --level 1 -q --single-member -- \
	head -c $gib /dev/zero
expect_exit 0 sm finalize f.gz -o m.gz --no-single-member
bytes=$((5 * gib))

# counted CMD...: it prints so many zeros
counted() {
	local sum
	sum=$("$@" | tr -d '\0' | wc -c) || fail "$*"
	equal "$sum" 0 "bytes of $* that are no zeros"
	equal "$("$@" | wc -c)" "$bytes" "bytes of $*"
}
for file in f.gz m.gz; do
	expect_exit 0 sm verify $file
	counted sm cat $file -j 2
	counted gzip -dc $file
	for tool in pigz igzip; do
		command -v $tool >/dev/null && counted $tool -dc $file
	done
	expect_exit 0 sm cat $file --batch 4
	equal "$(stat -c %s out)" $gib "bytes of the last batch"
	: >out
done
"$PYTHON" - f.gz $bytes <<'END' || fail "one member by zlib"
import sys, zlib
d, n = zlib.decompressobj(31), 0
with open(sys.argv[1], "rb") as f:
    while not d.eof:
        piece = d.unconsumed_tail or f.read(1 << 16)
        assert piece, "it ends too soon"
        n += len(d.decompress(piece, 1 << 24))
    assert not d.unused_data and not f.read(), "more behind it"
assert n == int(sys.argv[2]), n
END
if command -v node >/dev/null; then
	node -e 'const fs = require("fs"), { Readable } = require("stream");
(async () => {
	let n = 0;
	for await (const piece of Readable.toWeb(fs.createReadStream("f.gz"))
		.pipeThrough(new DecompressionStream("gzip")))
		n += piece.length;
	if (n !== Number(process.argv[1]))
		throw new Error("DecompressionStream: " + n + " bytes");
})();' $bytes || fail "DecompressionStream"
else
	echo "no node here: DecompressionStream was not tried"
fi
