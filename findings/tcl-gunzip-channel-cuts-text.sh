#!/bin/bash
# Tcl 8.6.13 (Debian 12): a channel with `zlib push gunzip` ends in front of text
# that it was to read, without an error.
#
# One would guess: the channel ends where the gzip file does, or fails; how many
# bytes of the file make no text is of no matter to who reads text.
# What happens: where some 8,000 compressed bytes in a row make no text, `read`
# and `gets` give what came before them and nothing more, and `close` is silent.
# Of a file whose header has an extra field of 8,000 bytes (65,535 are allowed)
# nothing is read; of one with 3,000 empty blocks in its middle, the first half.
# `zlib gunzip`, which takes the whole file as a string, reads both.
# Why it matters: dictzip keeps its index in that field, and an empty block is what
# a flush leaves.  A script that counts or copies lines goes on with fewer.
set -euo pipefail
version=8.6.13+dfsg-2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq -o APT::Sandbox::User=root \
	tcl8.6=$version libtcl8.6=$version
for package in *.deb; do
	dpkg -x "$package" .
done
LD_LIBRARY_PATH=$(dirname "$(find "$dir" -name libtcl8.6.so.0)")
export LD_LIBRARY_PATH TCL_LIBRARY=$dir/usr/share/tcltk/tcl8.6
/usr/bin/python3 - <<'END'
import struct
import zlib

text = b"".join(b"line %d\n" % n for n in range(2000))
half = len(text) // 2
end = struct.pack("<II", zlib.crc32(text), len(text))


def write(path, extra, empty_blocks):
    c = zlib.compressobj(wbits=-15)
    body = c.compress(text[:half]) + c.flush(zlib.Z_FULL_FLUSH)
    body += b"\0\0\0\xff\xff" * empty_blocks
    body += c.compress(text[half:]) + c.flush()
    field = b"XX" + struct.pack("<H", extra) + bytes(extra)
    with open(path, "wb") as f:
        f.write(b"\x1f\x8b\x08\x04\0\0\0\0\0\xff" +
                struct.pack("<H", len(field)) + field + body + end)


write("plain.gz", 6, 0)
write("field-4000.gz", 4000, 0)
write("field-8000.gz", 8000, 0)
write("blocks-1500.gz", 6, 1500)
write("blocks-3000.gz", 6, 3000)
END
cat >read.tcl <<'END'
foreach path $argv {
	set f [open $path rb]
	zlib push gunzip $f
	set pushed [string length [read $f]]
	close $f
	set f [open $path rb]
	zlib push gunzip $f
	for {set lines 0} {[gets $f line] >= 0} {incr lines} {}
	close $f
	set f [open $path rb]
	set whole [string length [zlib gunzip [read $f]]]
	close $f
	puts "$path: read $pushed, gets $lines lines, zlib gunzip $whole"
}
END
files=(plain.gz field-4000.gz field-8000.gz blocks-1500.gz blocks-3000.gz)
for path in "${files[@]}"; do
	[ "$(gzip -dc "$path" | wc -lc | xargs)" = "2000 18890" ]
done
usr/bin/tclsh8.6 read.tcl "${files[@]}" >seen
cat >expected <<'END'
plain.gz: read 18890, gets 2000 lines, zlib gunzip 18890
field-4000.gz: read 18890, gets 2000 lines, zlib gunzip 18890
field-8000.gz: read 0, gets 0 lines, zlib gunzip 18890
blocks-1500.gz: read 18890, gets 2000 lines, zlib gunzip 18890
blocks-3000.gz: read 9445, gets 1055 lines, zlib gunzip 18890
END
echo "Tcl $version; gzip -dc gives 18890 bytes, 2000 lines, of each file:"
cat seen
diff expected seen && echo "as described"
