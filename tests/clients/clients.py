"""clients.py [-k REGEX] [-w FOLDER] SHARDMILL - clients of SQLite beside a job

Each client has a job of its own that three workers are at.  It reads the views
and whole tables, makes the documented UPDATEs, and holds a transaction of each
kind; then it makes 200 UPDATEs in a row without a busy timeout, and one that
meets a lock of 8 s.  The job must end well, with every edit in it and a right
file, and no step may fail but those without a timeout.  What came out is
printed as a table.  `clients.py --packages` prints the Debian packages, a line
each client; what is not installed is skipped.  FOLDER keeps what npm brought.
"""
import argparse
import collections
import gzip
import os
import pathlib
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).parent
BATCHES, STORM, HELD_S, TIMEOUT_S, AT_LEAST = 900, 200, 8, 240, 12
ARCH = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")
# name, packages (the first one's version is shown), command, program to build,
# whether it can only read a copy.  The file and the steps are added.
Client = collections.namedtuple("Client", "name needs command make copy")
CLIENTS = []


def add(name, needs, command, make=None, copy=False):
    CLIENTS.append(Client(name, needs.split(), command, make, copy))


def node(version):
    return f"npm:node{version[:2]}@npm:node-linux-{ARCH}@{version}"


NODE = "node_modules/node{}/bin/node --no-warnings client.mjs "
add("sqlite3 (shell)", "sqlite3", "bash client.sh")
for v in ("22.23.5", "24.22.3", "26.12.1"):
    add(f"Node {v[:2]} node:sqlite", node(v),
        NODE.format(v[:2]) + "node:sqlite")
add("Deno node:sqlite", "npm:deno@2.9.6",
    "node_modules/.bin/deno run -q -A client.mjs node:sqlite")
add("Bun bun:sqlite", "npm:bun@1.4.5",
    "node_modules/.bin/bun client.mjs bun:sqlite")
for name in ("better-sqlite3@12.11.1", "libsql@0.5.29",
             "@libsql/client@0.18.0"):
    module = name.rpartition("@")[0]
    add(module, f"npm:{name} " + node("24.22.3"), NODE.format(24) + module)
add("@sqlite.org/sqlite-wasm",
    "npm:@sqlite.org/sqlite-wasm@3.54.1-build1 " + node("24.22.3"),
    NODE.format(24) + "sqlite-wasm", copy=True)
PYTHON = "/usr/bin/python3 client.py "
add("Python sqlite3", "python3", PYTHON + "sqlite3")
add("Python apsw", "python3-apsw", PYTHON + "apsw")
add("Python SQLAlchemy", "python3-sqlalchemy", PYTHON + "sqlalchemy")
add("Python peewee", "python3-peewee", PYTHON + "peewee")
add("ODBC (pyodbc)", "libsqliteodbc python3-pyodbc", PYTHON + "pyodbc")
add("Perl DBD::SQLite", "libdbd-sqlite3-perl", "perl client.pl")
add("PHP PDO", "php8.2-sqlite3 php-cli", "php client.php PDO")
add("PHP SQLite3", "php8.2-sqlite3 php-cli", "php client.php SQLite3")
add("Ruby sqlite3", "ruby-sqlite3", "ruby client.rb")
add("R RSQLite", "r-cran-rsqlite", "Rscript --vanilla client.R")
add("Tcl sqlite3", "libsqlite3-tcl", "tclsh client.tcl")
add("Lua luasql", "lua-sql-sqlite3 lua5.4", "lua5.4 client.lua")
add("Go mattn/go-sqlite3",
    "golang-github-mattn-go-sqlite3-dev golang-go libsqlite3-dev",
    "./client-go", make="go")
add("Java xerial JDBC",
    "libxerial-sqlite-jdbc-java openjdk-17-jdk-headless",
    "java -cp .:/usr/share/java/sqlite-jdbc.jar Client", make="java")
add("DB Browser (script)", "sqlitebrowser", "browser")
BUILDS = {
    "go": "GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$PWD/go-cache "
          "go build -tags libsqlite3 -o client-go client.go",
    "java": "javac Client.java",
}

READS = ["value\tSELECT sqlite_version()",
         "value\tSELECT total FROM progress",
         "value\tSELECT count(*) FROM failed",
         "rows\tSELECT * FROM batch", "rows\tSELECT * FROM attempt",
         "rows\tSELECT * FROM job", "rows\tSELECT * FROM worker"]
EDITS = ["UPDATE batch SET priority = 7 WHERE id = 880",
         "UPDATE batch SET max_attempts = 9 WHERE id = 881",
         "UPDATE batch SET not_before = 0 WHERE state = 'pending'",
         "UPDATE job SET max_attempts = 5",
         "UPDATE job SET paused = 1", "UPDATE job SET paused = 0",
         "UPDATE job SET workers = 2", "UPDATE job SET workers = 3"]
WRITE = ["exec\tBEGIN IMMEDIATE",
         "exec\tUPDATE batch SET priority = 6 WHERE id = 882",
         "sleep\t1200", "exec\tCOMMIT"]
READ = ["exec\tBEGIN", "rows\tSELECT * FROM batch", "sleep\t1200",
        "exec\tCOMMIT"]
ONE = "UPDATE batch SET max_attempts = 8 WHERE id = 883"


def sh(command, folder, **more):
    return subprocess.run(["timeout", "-k", "5", str(TIMEOUT_S), "bash", "-c",
                           command], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False, **more)


def installed():
    out = subprocess.run(["dpkg-query", "-W", "-f",
                          "${db:Status-Status} ${Package} ${Version}\n"],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    rows = (line.split() for line in out.splitlines())
    return {row[1]: row[2] for row in rows if row[0] == "installed"}


def npm_install(folder, clients):
    """What was asked for by name, if it is there; one at a time, since a
    package that cannot be had must not keep the others away."""
    have = {}
    for spec in dict.fromkeys(n[4:] for c in clients for n in c.needs
                              if n.startswith("npm:")):
        alias = re.match(r"(@?[^@]+)@", spec)[1]
        place = folder / "node_modules" / alias / "package.json"
        if not place.exists():
            subprocess.run(["npm", "install", "--no-audit", "--no-fund",
                            "--no-save", "--loglevel=error", "--prefix",
                            str(folder), spec], stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)
        if place.exists():
            have["npm:" + spec] = spec.rpartition("@")[2]
    return have


class Failed(Exception):
    """What a client, or the job beside it, did wrong."""


def steps(client, folder, file, lines):
    """The steps' answers: (ms, "ok" or "no", value)."""
    (folder / "steps").write_text("\n".join(lines) + "\n")
    done = sh(f"{client.command} '{file}' steps", folder)
    answers = [line.split("\t", 2) for line in done.stdout.splitlines()
               if re.match(r"\d+\t(ok|no)\t", line)]
    if done.returncode or len(answers) != len(lines):
        raise Failed(f"exit {done.returncode}: {done.stdout[-200:]!r}")
    return [(int(ms), word, value) for ms, word, value in answers]


def all_good(lines, answers):
    for line, (_, word, value) in zip(lines, answers):
        if word != "ok":
            raise Failed(f"{line!r}: {value}")
    return [value for _, _, value in answers]


class Job:
    """A job and its run, which goes slowly until it is told to end."""

    def __init__(self, shardmill, folder):
        self.shardmill, self.folder = shardmill, folder
        self.dir, self.db = folder / "job", folder / "job" / "job.db"
        for name in ("job", "out.gz", "out.gz.part", "go", "run.log"):
            path = folder / name
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() \
                else path.unlink(missing_ok=True)
        subprocess.run(
            [shardmill, "plan", "job", "exec", "-o", "out.gz", "--range",
             str(BATCHES), "--sync", "end", "-q", "--", "sh", "-c",
             '[ -e "$0/go" ] || sleep 0.1; echo "$1"', str(folder),
             "{first}"], cwd=folder, check=True)
        self.log = open(folder / "run.log", "w")
        self.run = subprocess.Popen([shardmill, "run", "job", "-j", "3", "-q"],
                                    cwd=folder, stdout=self.log,
                                    stderr=self.log)
        while self.ask("SELECT count(*) FROM batch WHERE state = 'done'") < 3:
            if self.run.poll() is not None:
                raise Failed(f"the run ended: {self.said()}")
            time.sleep(0.1)

    def ask(self, sql):
        db = sqlite3.connect(self.db, timeout=60)
        try:
            return db.execute(sql).fetchone()[0]
        finally:
            db.close()

    def said(self):
        return (self.folder / "run.log").read_text()[-300:]

    def end(self):
        """The run's exit status and the file, after the client."""
        live = self.run.poll() is None
        (self.folder / "go").touch()
        try:
            code = self.run.wait(TIMEOUT_S)
        finally:
            self.run.kill()
            self.log.close()
        if code:
            raise Failed(f"the run: exit {code}: {self.said()}")
        want = "".join(f"{i}\n" for i in range(BATCHES)).encode()
        with gzip.open(self.folder / "out.gz") as f:
            if f.read() != want:
                raise Failed("the final file is wrong")
        if self.ask("PRAGMA integrity_check") != "ok":
            raise Failed("job.db is damaged")
        if n := self.ask("SELECT count(*) FROM attempt WHERE outcome NOT IN "
                         "('done', 'returned')"):
            raise Failed(f"{n} attempts failed")
        done = subprocess.run([self.shardmill, "verify", "job", "-q"],
                              cwd=self.folder, check=False,
                              stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise Failed(f"verify: {done.stderr[-200:]}")
        if not live:
            raise Failed("the run had ended before the client had")

    def edits(self):
        for sql, want in (
                ("SELECT priority FROM batch WHERE id = 880", 7),
                ("SELECT max_attempts FROM batch WHERE id = 881", 9),
                ("SELECT priority FROM batch WHERE id = 882", 6),
                ("SELECT max_attempts FROM job", 5),
                ("SELECT workers FROM job", 3)):
            if (got := self.ask(sql)) != want:
                raise Failed(f"{sql}: {got}, not {want}")


def browser(client, folder, job):
    """DB Browser runs a script and quits; what it shows is not seen."""
    del client
    # It wants a database of its own choice of timeouts: none.
    for sql in EDITS + [WRITE[1][5:]]:
        (folder / "u.sql").write_text(sql + ";\n")
        for _ in range(20):
            done = sh(f"HOME={folder} QT_QPA_PLATFORM=offscreen sqlitebrowser "
                      f"-q -s u.sql {job.db}", folder)
            if done.returncode == 0 and "locked" not in done.stdout:
                break
            time.sleep(0.2)
        else:
            raise Failed(f"{sql}: {done.stdout[-200:]!r}")
    return "?", "not measured", "not measured"


def waited(client, folder):
    """An UPDATE without a timeout that meets a lock of HELD_S seconds, from
    the answer to a first step on."""
    file = folder / "held.db"
    db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    db.execute("BEGIN IMMEDIATE")
    (folder / "steps").write_text(f"value\tSELECT 1\nexec\t{ONE}\n")
    with subprocess.Popen(["bash", "-c", f"{client.command} '{file}' steps"],
                          cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace") as run:
        first = run.stdout.readline()
        timer = threading.Timer(HELD_S, lambda: db.execute("COMMIT"))
        timer.start()
        said = run.stdout.read()
        timer.cancel()
        timer.join()
    if db.in_transaction:
        db.execute("COMMIT")
    db.close()
    got = re.match(r"(\d+)\t(ok|no)\t", said)
    if not got or "\tok\t" not in first:
        raise Failed(f"a locked file: {(first + said)[-200:]!r}")
    if got[2] == "ok":
        return f"over {HELD_S} s"
    return "no" if int(got[1]) < 500 else f"{int(got[1]) / 1000:.1f} s"


def measure(client, folder, job):
    """(SQLite's version, waits, refused)"""
    lines = ["timeout\t10000", *READS, *("exec\t" + sql for sql in EDITS),
             *WRITE, *READ]
    values = all_good(lines, steps(client, folder, job.db, lines))
    if float(values[2]) != BATCHES or float(values[3]) != 0:
        raise Failed(f"progress and failed: {values[2:4]}")
    if values[4] not in ("", str(BATCHES)):
        raise Failed(f"{values[4]} rows of batch")
    (_, word, refused), = steps(client, folder, job.db,
                                [f"storm\t{STORM}\t{ONE}"])
    if word != "ok":
        raise Failed(refused)
    return values[1], waited(client, folder), f"{float(refused):.0f}"


def read_copy(client, folder, job):
    """No shared memory: a copy by VACUUM INTO, which has no log."""
    copy = folder / "copy.db"
    copy.unlink(missing_ok=True)
    job.ask("SELECT 1")
    db = sqlite3.connect(job.db, timeout=60, isolation_level=None)
    db.execute(f"VACUUM INTO '{copy}'")
    db.close()
    values = all_good(READS, steps(client, folder, copy, READS))
    if float(values[1]) != BATCHES or values[3] != str(BATCHES):
        raise Failed(f"progress and batch of the copy: {values[1:4]}")
    return values[0], "reads a copy", "reads a copy"


def tried(client, folder, shardmill):
    job = Job(shardmill, folder)
    try:
        if client.copy:
            got = read_copy(client, folder, job)
        elif client.command == "browser":
            got = browser(client, folder, job)
        else:
            got = measure(client, folder, job)
        job.end()
        if not client.copy:
            job.edits()
        return got
    finally:
        if job.run.poll() is None:
            job.run.terminate()
            job.run.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-k", default=".", help="clients whose names match")
    parser.add_argument("-w", help="folder for packages and jobs, kept")
    parser.add_argument("--packages", action="store_true")
    parser.add_argument("shardmill", nargs="?")
    args = parser.parse_args()
    clients = [c for c in CLIENTS if re.search(args.k, c.name)]
    if args.packages:
        for needs in dict.fromkeys(tuple(c.needs) for c in clients):
            names = [n for n in needs if not n.startswith("npm:")]
            if names:
                print(*names)
        return 0
    tmp = tempfile.TemporaryDirectory(prefix="shardmill-clients.")
    folder = pathlib.Path(args.w or tmp.name).resolve()
    folder.mkdir(exist_ok=True)
    for file in HERE.iterdir():
        if file.is_file():
            shutil.copy(file, folder)
    shardmill = os.path.abspath(args.shardmill)
    have = {**installed(), **npm_install(folder, clients)}
    subprocess.run([shardmill, "plan", "held", "exec", "--restart", "-q",
                    "--range", str(BATCHES), "--", "true"], cwd=folder,
                   check=False, stderr=subprocess.DEVNULL)
    shutil.copy(folder / "held" / "job.db", folder / "held.db")

    built, counts = {}, collections.Counter()
    print("| client | version | SQLite | waits by itself | "
          f"refused of {STORM} | |\n|---|---|---|---|---|---|")
    for client in clients:
        missing = [n for n in client.needs if n not in have]
        version = re.sub(r"^\d+:", "", have.get(client.needs[0], "-"))
        if client.make and not missing and client.make not in built:
            done = sh(BUILDS[client.make], folder)
            built[client.make] = done.returncode and done.stdout[-160:]
        wrong, got = None, ("", "", "")
        if missing:
            verdict = f"skipped: {' '.join(missing)} not installed"
        elif client.make and built[client.make]:
            verdict = f"skipped: does not build: {built[client.make]!r}"
        else:
            try:
                got = tried(client, folder, shardmill)
                verdict = "right"
            except (Failed, sqlite3.Error, subprocess.SubprocessError) as e:
                verdict = f"FAILED: {e}"
        counts[verdict.partition(":")[0]] += 1
        print(f"| {client.name} | {version} | {' | '.join(got)} | {verdict} |",
              flush=True)
    print(f"{counts['right']} clients right, {counts['FAILED']} failed, "
          f"{counts['skipped']} skipped")
    enough = counts["right"] >= (AT_LEAST if args.k == "." else 1)
    return 0 if enough and not counts["FAILED"] else 1


if __name__ == "__main__":
    sys.exit(main())
