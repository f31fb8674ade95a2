#!/bin/bash
# What README says is not guaranteed is as it says: inputs, moves, readers that
# stop early, time.
. "$(dirname "$0")/lib.sh"

# A change that keeps size and mtime is not seen; once the mtime differs, it is.
data small 300 60
cp -r "$set" in
sed "s|$set|$PWD/in|" "$set/args" >args.now
mapfile -t args <args.now
expect_exit 0 sm plan f.gz.job candidates -o f.gz --batch-rows 100 "${args[@]}"
cp -p in/keys.json keys.bak
sed -i 's/user-7"/user-8"/' in/keys.json
touch -r keys.bak in/keys.json
expect_exit 0 sm run f.gz.job
touch in/keys.json
expect_exit 7 sm run f.gz.job
expect_text err keys.json "CRC-32"

# Of lines samples are read, all of them with --digest full.
truncate -s 100M lines
for full in "" "--digest full"; do
	# shellcheck disable=SC2086
	expect_exit 0 sm plan l.job exec --input lines --bytes 50000000 $full -- cat
	equal "$(sql l.job "SELECT sampled FROM input WHERE name = 'input'")" "$([ -z "$full" ] &&
		echo 1 || echo 0)" "sampled"
	rm -r l.job
done

# Items from - are stored; the job directory may move.
printf 'one\ntwo\n' | sm plan i.job exec --items - -- echo 'item {}' \
	>out 2>err || fail "items from -"
mkdir elsewhere
mv i.job elsewhere/moved
expect_exit 0 sm run elsewhere/moved
expect_exit 0 sm finalize elsewhere/moved -o i.gz
printf 'item one\nitem two\n' >want
same_text want i.gz

# The file is one member: all of it is in the first, and gzip -l is right.
first_member() {
	"$PYTHON" -c 'import sys, zlib
sys.stdout.buffer.write(zlib.decompressobj(31).decompress(
    open(sys.argv[1], "rb").read()))' "$1"
}
listed() {
	gzip -l "$1" | awk 'NR == 2 { print $2 }'
}
equal "$(first_member i.gz)" "$(cat want)" "the first member"
equal "$(listed i.gz)" "$(stat -c %s want)" "gzip -l"

# --timeout ends commands.
expect_exit 1 timeout 60 "$SHARDMILL" exec -o t.gz --range 1 --timeout 0.3 \
	--max-attempts 1 -- sleep 1000
equal "$(sql t.gz.job 'SELECT outcome FROM attempt')" timeout "outcome"
