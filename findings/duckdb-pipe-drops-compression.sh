#!/bin/bash
# DuckDB 1.5.6 (npm @duckdb/node-api 1.5.6-r.1) writes plain text into a pipe where
# COMPRESSION gzip or zstd was asked for.
#
# One would guess: COPY … TO writes the same bytes whatever takes them; and if
# compressing needs a regular file, COMPRESSION for a pipe is an error, as a
# compression without a known name is one.
# What happens: into a named pipe, or into /dev/stdout when that is a pipe, CSV
# and JSON go as plain text, without an error or a warning.  Into a file, or into
# /dev/stdout when that is one, they go compressed.
# Why it matters: what reads the pipe stores or sends the text under a name that
# ends in .gz or .zst: several times the size, and unreadable by name.  A test that
# redirects into a file sees nothing of it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit @duckdb/node-api@1.5.6-r.1 >/dev/null
cat >copy.mjs <<'END'
import { DuckDBInstance, version } from '@duckdb/node-api';

const [target, format, compression] = process.argv.slice(2);
if (!target) {
	console.log(version());
} else {
	const db = await (await DuckDBInstance.create()).connect();
	await db.run(`COPY (SELECT range AS n FROM range(1000)) TO '${target}' ` +
		`(FORMAT ${format}, COMPRESSION ${compression})`);
}
END
# kind FILE: what its first bytes are
kind() {
	case $(head -c 4 "$1" | od -An -tx1) in
	*1f\ 8b\ 08*) echo gzip ;;
	*28\ b5\ 2f\ fd) echo zstd ;;
	*6e\ 0a\ 30* | *7b\ 22\ 6e*) echo text ;;
	*) echo something else ;;
	esac
}
# try FORMAT COMPRESSION
try() {
	local reader
	node copy.mjs file "$@"
	mkfifo pipe
	cat pipe >through-pipe &
	reader=$!
	node copy.mjs pipe "$@"
	wait "$reader"
	node copy.mjs /dev/stdout "$@" | cat >through-stdout
	node copy.mjs /dev/stdout "$@" >stdout
	echo "$*: file $(kind file), named pipe $(kind through-pipe)," \
		"piped stdout $(kind through-stdout), stdout to a file $(kind stdout)"
	rm file pipe through-pipe through-stdout stdout
}
{
	node copy.mjs
	try json gzip
	try csv gzip
	try json zstd
	try csv zstd
	node copy.mjs file json lzop 2>/dev/null && echo "lzop is taken" ||
		echo "lzop is refused"
} >seen
cat >expected <<'END'
v1.5.6
json gzip: file gzip, named pipe text, piped stdout text, stdout to a file gzip
csv gzip: file gzip, named pipe text, piped stdout text, stdout to a file gzip
json zstd: file zstd, named pipe text, piped stdout text, stdout to a file zstd
csv zstd: file zstd, named pipe text, piped stdout text, stdout to a file zstd
lzop is refused
END
cat seen
diff expected seen && echo "as described"
