#!/bin/bash
# --single-member: one ordinary gzip member for every reader, the same bytes
# whatever made it, with its index in it.
. "$(dirname "$0")/lib.sh"

one_member='import sys, zlib
d = zlib.decompressobj(31)
out = open(sys.argv[2], "wb")
with open(sys.argv[1], "rb") as f:
    while not d.eof:
        piece = f.read(1 << 16)
        assert piece, "it ends too soon"
        out.write(d.decompress(piece))
    assert not d.unused_data and not f.read(), "more behind it"'
stream='const fs = require("fs"), { Readable } = require("stream");
Readable.fromWeb(Readable.toWeb(fs.createReadStream(process.argv[1]))
	.pipeThrough(new DecompressionStream("gzip"))).pipe(process.stdout);'
sync='const fs = require("fs"), zlib = require("zlib");
process.stdout.write(zlib.gunzipSync(fs.readFileSync(process.argv[1])));'

need pigz igzip zstd libdeflate-gunzip bsdcat busybox node

# members TEXT GZ: all who read any number of members
members() {
	local tool
	for tool in "gzip -dc" "pigz -dc" "igzip -dc" "zstd -dc -q" \
		"libdeflate-gunzip -c" "bsdcat" "busybox gzip -dc"; do
		$tool "$2" >got 2>err || fail "$tool: $(head -n 1 err)"
		same got "$1"
	done
	"$PYTHON" -c 'import gzip, shutil, sys
shutil.copyfileobj(gzip.open(sys.argv[1]), open(sys.argv[2], "wb"))' \
		"$2" got || fail "Python's gzip"
	same got "$1"
	node -e "$sync" "$2" >got || fail "node's zlib"
	same got "$1"
	expect_exit 0 sm verify "$2"
	expect_exit 0 sm cat "$2" -j 2
	same out "$1"
}

# readers TEXT GZ: they, and those who stop behind the first
readers() {
	members "$@"
	"$PYTHON" -c "$one_member" "$2" got || fail "one member by zlib"
	same got "$1"
	node -e "$stream" "$2" >got || fail "DecompressionStream"
	same got "$1"
}

# places HEAD TAIL: so many bytes of each shard are not in many.gz, and the rest
# is where the view says
places() {
	sql many.gz.job "SELECT batch, offset, gz_bytes FROM shards" >places
	"$PYTHON" -c 'import sys
head, tail = int(sys.argv[1]), int(sys.argv[2])
data = open("many.gz", "rb").read()
places = [list(map(int, line.split("|"))) for line in open("places")]
assert len(places) == 1000
for batch, at, size in places:
    shard = open("many.gz.job/shards/%06d.gz" % batch, "rb").read()
    inside = shard[head:size - tail]
    assert data[at:at + len(inside)] == inside, batch' "$@" || fail "places"
}

data small 300 60
oracle
for encoder in record zlib; do
	for rows in 5000 37 1; do
		rm -rf f.gz f.gz.job m.gz
		expect_exit 0 sm candidates -o f.gz "${args[@]}" --sync end \
			--encoder $encoder --batch-rows $rows --single-member
		readers "$set/want" f.gz
		expect_exit 0 sm finalize f.gz -o m.gz --no-single-member
		members "$set/want" m.gz
		"$PYTHON" -c 'import struct, sys
head = open(sys.argv[1], "rb").read(12)
assert head[:4] == b"\x1f\x8b\x08\x04"
assert struct.unpack("<H", head[10:])[0] <= 16384' f.gz || fail "its header"
	done
done
equal "$(gzip -l f.gz | awk 'NR == 2 { print $2 }')" \
	"$(stat -c %s "$set/want")" "length by gzip -l"

# More batches than its index has entries for: rows and batches all the same.
seq 0 2999 >lines
expect_exit 0 sm exec -o many.gz --input lines --lines 3 --sync end -q \
	--single-member -- sed /7/d
expect_exit 0 sm index --json many.gz
equal "$(json out batches_per_entry)" 3
grep -v 7 lines >want
readers want many.gz
places 88 10
expect_exit 0 sm cat many.gz --batch 500
seq 1500 1502 >part
same out part
expect_exit 0 sm cat many.gz --records 1000-1010
sed -n 1001,1011p want >part
same out part
data many 900 60
oracle
expect_exit 0 sm candidates -o rows.gz "${args[@]}" --sync end --batch-rows 1 \
	--min-score 0.6 --min-candidates 37 --single-member
gzip -dc rows.gz >want
expect_exit 0 sm cat rows.gz --rows 400-420
"$PYTHON" -c 'import json, sys
for line in open("want"):
    if 400 <= int(json.loads(line)["key"].split("-")[1]) <= 420:
        sys.stdout.write(line)' >part
same out part

# The form changes freely, the text and its bytes do not.
cp many.gz first.gz
expect_exit 0 sm exec -o many.gz --input lines --lines 3 --sync end -q \
	--no-single-member -- sed /7/d
expect_exit 0 sm index --json many.gz
equal "$(json out single_member)" false
places 0 0
expect_exit 0 sm run many.gz --single-member -q
same many.gz first.gz
expect_exit 0 sm finalize many.gz -o other.gz --no-single-member
expect_exit 0 sm index --json other.gz
equal "$(json out single_member)" false
expect_exit 0 sm finalize many.gz -o again.gz --single-member
same again.gz first.gz
expect_exit 0 sm finalize many.gz -o again.gz --single-member
expect_text out complete

# It is known for the job's own, without the job too.
rm -rf many.gz.job
expect_exit 0 sm exec -o many.gz --input lines --lines 3 --sync end \
	--single-member -- sed /7/d
same many.gz first.gz
