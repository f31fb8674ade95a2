#!/bin/bash
# sqlite-vec 0.1.9 (npm, in the sqlite3 shell 3.40.1 of Debian 12): one vector of
# zeros makes a search by cosine give far rows for near ones.
#
# One would guess: the cosine distance to a vector of zeros is not defined, so
# that such a row is refused, or comes last, or first, with a distance of NULL.
# What happens: it depends on which row it is.  vec0 keeps its rows in chunks of
# 1,024.  The first row of a chunk stands in front of the others when its
# distance is not a number, and when the chunks' answers are put together, what
# stands behind it is passed over.  With zeros in row 1 of 2,000 the nearest
# neighbour, at less than 0.000001, is not found: the answer is rows of the next
# chunk, at 1.4, and no NULL is seen.  In row 2 the zeros do no harm.
# Why it matters: where the vectors of words are added up, an empty text, or one of
# unknown words only, has zeros.  A search then misses a thousand rows, and its
# answer looks like any other.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
shell=3.40.1-2+deb12u2
apt-get download -qq -o APT::Sandbox::User=root sqlite3=$shell libsqlite3-0=$shell
for package in *.deb; do
	dpkg -x "$package" .
done
npm install --silent --no-fund --no-audit sqlite-vec-linux-x64@0.1.9 >/dev/null
LD_LIBRARY_PATH=$(dirname "$(find "$dir" -name 'libsqlite3.so.0')")
export LD_LIBRARY_PATH

# try ROW: 2,000 rows, of which 500, 600 and 700 are near the axis and the others
# a radian or more off; zeros in ROW
try() {
	usr/bin/sqlite3 :memory: <<-END
		.load node_modules/sqlite-vec-linux-x64/vec0.so
		CREATE VIRTUAL TABLE v USING vec0(e float[2] distance_metric=cosine);
		WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c
			WHERE i < 2000),
		angle (i, a) AS (SELECT i, iif(i IN (500, 600, 700), i / 500000.0,
			1 + i / 1000.0) FROM c)
		INSERT INTO v (rowid, e) SELECT i, iif(i = $1, '[0, 0]',
			printf('[%.9f, %.9f]', cos(a), sin(a))) FROM angle;
		SELECT 'zeros in row $1: nearest ' || group_concat(rowid || ' at ' ||
			ifnull(round(distance, 2), 'NULL'), ', ')
			FROM (SELECT rowid, distance FROM v
			WHERE e MATCH '[1, 0]' AND k = 1);
		SELECT 'zeros in row $1: three nearest ' || group_concat(rowid || ' at ' ||
			ifnull(round(distance, 2), 'NULL'), ', ')
			FROM (SELECT rowid, distance FROM v
			WHERE e MATCH '[1, 0]' AND k = 3);
		SELECT 'zeros in row $1: three by ORDER BY ' || group_concat(rowid, ', ')
			FROM (SELECT rowid FROM v
			ORDER BY vec_distance_cosine(e, '[1, 0]') NULLS LAST LIMIT 3);
	END
}
for row in 0 1 2 1025; do
	try $row
done >seen
cat >expected <<'END'
zeros in row 0: nearest 500 at 0.0
zeros in row 0: three nearest 500 at 0.0, 600 at 0.0, 700 at 0.0
zeros in row 0: three by ORDER BY 500, 600, 700
zeros in row 1: nearest 1025 at 1.44
zeros in row 1: three nearest 1025 at 1.44, 1026 at 1.44, 1027 at 1.44
zeros in row 1: three by ORDER BY 500, 600, 700
zeros in row 2: nearest 500 at 0.0
zeros in row 2: three nearest 500 at 0.0, 600 at 0.0, 700 at 0.0
zeros in row 2: three by ORDER BY 500, 600, 700
zeros in row 1025: nearest 1025 at NULL
zeros in row 1025: three nearest 1025 at NULL, 500 at 0.0, 600 at 0.0
zeros in row 1025: three by ORDER BY 500, 600, 700
END
echo "sqlite-vec 0.1.9, nearest rows and their distances (row 0: no zeros):"
cat seen
diff expected seen && echo "as described"
