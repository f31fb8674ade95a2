#!/bin/bash
# fflate 0.8.3 (npm): gunzipSync reads a file made by bgzip (1.16, Debian 12) as
# empty, without an error.
#
# One would guess: as a reader of gzip it reads all members, as its own streaming
# Gunzip does; or, as the simple readers do, the first one.
# What happens: the output is as long as the last four bytes of the file say,
# which is the length of the last member's text, and is filled from the first
# member.  bgzip ends each file with an empty member, so that the output is empty;
# of members with "AAAAAAAA" and "BB" one gets "AA".
# Why it matters: files of sequencing are made by bgzip, and rotated or collected
# logs by cat.  The call that is the easiest to write shows nothing, or
# something that was never in the file, where the other one of the same library
# shows it all.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit fflate@0.8.3 >/dev/null
apt-get download -qq -o APT::Sandbox::User=root tabix=1.16+ds-3 \
	libdeflate0=1.14-1 libhtscodecs2=1.3.0-4
for package in *.deb; do
	dpkg -x "$package" .
done
LD_LIBRARY_PATH=$(dirname "$(find "$dir" -name 'libhtscodecs.so.2')")
export LD_LIBRARY_PATH
seq 10000 | usr/bin/bgzip -c >bgzip.gz
seq 10000 | gzip -c >plain.gz
{
	printf AAAAAAAA | gzip -c
	printf BB | gzip -c
} >two.gz
node --input-type=module - >seen <<'END'
import fs from 'fs';
import { gunzipSync, Gunzip } from 'fflate';

for (const path of ['plain.gz', 'bgzip.gz', 'two.gz']) {
	const bytes = fs.readFileSync(path);
	const whole = Buffer.from(gunzipSync(bytes));
	const parts = [];
	new Gunzip((part) => parts.push(part)).push(bytes, true);
	const streamed = Buffer.concat(parts);
	const text = streamed.length < 20 ? ` (${whole}, ${streamed})` : '';
	console.log(`${path}: gunzipSync ${whole.length}, ` +
		`Gunzip ${streamed.length}${text}`);
}
END
cat >expected <<'END'
plain.gz: gunzipSync 48894, Gunzip 48894
bgzip.gz: gunzipSync 0, Gunzip 48894
two.gz: gunzipSync 2, Gunzip 10 (AA, AAAAAAAABB)
END
echo "fflate 0.8.3, bytes read (gzip -dc: 48894, 48894, 10):"
cat seen
diff expected seen && echo "as described"
