#!/bin/bash
# Every query in schema/queries.sql runs, on a new job and on a finished one,
# and every table and view is in one of them or opens with its question.
. "$(dirname "$0")/lib.sh"
need sqlite3
queries=$tests/../schema/queries.sql

data small 300 60
expect_exit 0 sm plan job candidates --batch-rows 50 "${args[@]}"
for state in new done; do
	[ $state = new ] || expect_exit 0 sm run job
	sqlite3 -bail -box -cmd '.timeout 10000' job/job.db <"$queries" \
		>out 2>err || fail "on a $state job: $(cat err)"
done
[ -s out ] || fail "no query answers"
expect_exit 0 sm run job
expect_exit 0 sm verify job

# Each view answers, by itself.
for view in $(sql job "SELECT name FROM sqlite_schema WHERE type = 'view'"); do
	sql job "SELECT * FROM \"$view\"" >out || fail "view $view"
done
equal "$(sql job 'SELECT count(*) FROM progress')" 1
equal "$(sql job 'SELECT percent FROM progress')" 100.0
equal "$(sql job 'SELECT count(*) FROM shards')" 6

# JavaScript, and some drivers of other languages, round an integer from 2^53
# on, or fail: no column has one.
"$PYTHON" - job/job.db <<-'END' || fail "an integer beyond 2^53"
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	names = db.execute("SELECT name FROM sqlite_schema "
	                   "WHERE type IN ('table', 'view')").fetchall()
	found = rows = 0
	for name, in names:
	    cursor = db.execute(f'SELECT * FROM "{name}"')
	    columns = [c[0] for c in cursor.description]
	    for row in cursor:
	        rows += 1
	        for column, value in zip(columns, row):
	            if isinstance(value, int) and abs(value) >= 2 ** 53:
	                print(f"{name}.{column}: {value}", file=sys.stderr)
	                found += 1
	sys.exit(found > 0 or rows < 20)
END

# Other libraries fail to read TEXT that is no UTF-8: what a command said is
# made such; and what is said to a terminal does not control it.
expect_exit 1 sm exec --job odd --no-output --range 2 --max-attempts 1 -- \
	sh -c "printf 'caf\351 \302\233 ok\n' >&2; exit 1"
! grep -q $'\302\233' err || fail "a control character reaches the terminal"
expect_exit 0 sm status odd
! grep -q $'\302\233' out || fail "a control character reaches the terminal"
"$PYTHON" - odd/job.db <<-'END' || fail "TEXT that is no UTF-8"
	import sqlite3, sys
	db = sqlite3.connect(sys.argv[1])
	for name in "attempt", "failed", "failures", "batch", "tries":
	    db.execute(f"SELECT * FROM {name}").fetchall()
	text, = db.execute("SELECT stderr FROM failed").fetchone()
	sys.exit(text.rstrip("\n") != "caf\ufffd \x9b ok")
END
# Tries that are over have no command.
expect_exit 0 sm status odd --batch 0 --json
"$PYTHON" - out <<-'END' || fail "the pid of a command that is over"
	import json, sys
	def walk(v):
	    if isinstance(v, dict):
	        for k, x in v.items():
	            if k == "command_pid" and x:
	                sys.exit(f"command_pid: {x}")
	            walk(x)
	    elif isinstance(v, list):
	        for x in v:
	            walk(x)
	walk(json.load(open(sys.argv[1])))
END
