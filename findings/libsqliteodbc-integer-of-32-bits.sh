#!/bin/bash
# libsqliteodbc 0.9998 (Debian 12, through unixODBC and pyodbc) cuts integers of
# SQLite to 32 bits, without an error.
#
# One would guess: SQLite's INTEGER is 64 bits wide, and a driver made for it
# says so to its caller; a value that does not fit what it said is an error
# (22003, "numeric value out of range").
# What happens: a column that is declared INTEGER, or is an expression, is said
# to be SQL_INTEGER, and of a larger value the lower 32 bits are handed out, with
# the sign that they happen to have.  A column declared BIGINT is read right,
# and so is everything with BigInt=1 in the connection string.
# Why it matters: ids, sizes, times in milliseconds or nanoseconds and sums of
# bytes are larger; office programs and reports that read a database by ODBC show
# wrong numbers that look like numbers.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq -o APT::Sandbox::User=root \
	libsqliteodbc=0.9998-3+b1 libodbc2=2.3.11-2+deb12u1 \
	libodbcinst2=2.3.11-2+deb12u1 libltdl7=2.4.7-7~deb12u1 \
	libsqlite3-0=3.40.1-2+deb12u2 python3-pyodbc=4.0.34-1+b2
for package in *.deb; do
	dpkg -x "$package" .
done
driver=$(find "$dir" -name libsqlite3odbc.so)
LD_LIBRARY_PATH=$(dirname "$(find "$dir" -name libodbc.so.2)")
export LD_LIBRARY_PATH PYTHONPATH=$dir/usr/lib/python3/dist-packages
/usr/bin/python3 - "$driver" "$dir/t.db" >seen <<'END'
import sys
import pyodbc

driver, path = sys.argv[1:]
for option in "", "BigInt=1;":
    db = pyodbc.connect(f"DRIVER={driver};DATABASE={path};{option}",
                        autocommit=True)
    db.execute("CREATE TABLE IF NOT EXISTS t (a INTEGER, b BIGINT)")
    db.execute("DELETE FROM t")
    db.execute("INSERT INTO t VALUES (8407140594715641, 8407140594715641)")
    print(option or "plain", *db.execute(
        "SELECT a, b, a + 0, CAST(a AS TEXT) FROM t").fetchone())
END
cat >expected <<'END'
plain -189166599 8407140594715641 -189166599 8407140594715641
BigInt=1; 8407140594715641 8407140594715641 8407140594715641 8407140594715641
END
echo "libsqliteodbc 0.9998: INTEGER, BIGINT, an expression, as text:"
cat seen
diff expected seen && echo "as described"
