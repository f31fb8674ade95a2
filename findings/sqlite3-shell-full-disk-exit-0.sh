#!/bin/bash
# The sqlite3 shell 3.40.1 (Debian 12) exits with 0 when the disk has taken
# nothing of what it printed.
#
# One would guess: a query's rows, or a .dump, that cannot be written to standard
# output end the shell with an error, as they do every tool that a dump would be
# piped into.
# What happens: nothing is said, and the exit status is 0, for a SELECT and for
# .dump.  With .output FILE it is the same.
# Why it matters: `sqlite3 job.db .dump > backup.sql` is how people keep a table;
# a backup that was cut short is found when it is needed.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
shell=3.40.1-2+deb12u2
apt-get download -qq -o APT::Sandbox::User=root sqlite3=$shell libsqlite3-0=$shell
for package in *.deb; do
	dpkg -x "$package" .
done
LD_LIBRARY_PATH=$(dirname "$(find "$dir" -name 'libsqlite3.so.0')")
export LD_LIBRARY_PATH

# try NAME ARGUMENT...
try() {
	local name=$1 code=0
	shift
	usr/bin/sqlite3 "$@" >/dev/full 2>err || code=$?
	echo "$name: exit $code, $(wc -c <err) bytes of messages"
}
usr/bin/sqlite3 t.db 'CREATE TABLE t (n, text);
	WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c
	WHERE n < 10000) INSERT INTO t SELECT n, printf("line %d", n) FROM c'
{
	try select t.db 'SELECT * FROM t'
	try dump t.db .dump
	try output t.db '.output /dev/full' 'SELECT * FROM t'
} >seen
cat >expected <<'END'
select: exit 0, 0 bytes of messages
dump: exit 0, 0 bytes of messages
output: exit 0, 0 bytes of messages
END
echo "sqlite3 $(usr/bin/sqlite3 --version | cut -d ' ' -f 1), full disk:"
cat seen
diff expected seen && echo "as described"
