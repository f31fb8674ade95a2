"""client.py DRIVER FILE STEPS - Python's ways to SQLite, and ODBC"""
import sys
import time

driver, path, steps = sys.argv[1:]
if driver == "sqlite3":
    import sqlite3
    db = sqlite3.connect(path, isolation_level=None)
    def rows(sql): return db.execute(sql).fetchall()
elif driver == "apsw":
    import apsw
    db = apsw.Connection(path)
    def rows(sql): return list(db.cursor().execute(sql))
elif driver == "peewee":
    import peewee
    db = peewee.SqliteDatabase(path)
    db.connect()
    # It would commit each statement, a BEGIN among them.
    def rows(sql): return db.execute_sql(sql, commit=False).fetchall()
elif driver == "sqlalchemy":
    import sqlalchemy
    # The API of 1.4 that is not the future's commits as peewee does.
    engine = sqlalchemy.create_engine("sqlite:///" + path, future=True,
                                      isolation_level="AUTOCOMMIT")
    db = engine.connect()
    def rows(sql):
        got = db.exec_driver_sql(sql)
        return got.fetchall() if got.returns_rows else []
else:
    import pyodbc
    # Without BigInt it cuts a column of integers to 32 bits.
    db = pyodbc.connect(f"DRIVER=SQLite3;Database={path};BigInt=1",
                        autocommit=True)
    def rows(sql):
        got = db.execute(sql)
        return got.fetchall() if got.description else []

for line in open(steps):
    op, *args = line.rstrip("\n").split("\t")
    begun, word, value = time.monotonic(), "ok", ""
    try:
        if op == "timeout":
            rows(f"PRAGMA busy_timeout = {args[0]}")
        elif op == "sleep":
            time.sleep(int(args[0]) / 1000)
        elif op == "storm":
            value = 0
            for i in range(int(args[0])):
                try:
                    rows(args[1])
                except Exception:
                    value += 1
        elif op == "value":
            value = rows(args[0])[0][0]
        elif op == "rows":
            value = len(rows(args[0]))
        else:
            rows(args[0])
    except Exception as e:
        word, value = "no", str(e).replace("\n", " ")
    print(round((time.monotonic() - begun) * 1000), word, value, sep="\t",
          flush=True)
