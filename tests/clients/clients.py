"""clients.py [-k REGEX] [-w FOLDER] SHARDMILL - clients of SQLite beside a job

Each client has a job of its own that three workers are at.  It reads all views
and tables, makes the documented UPDATEs, and holds a transaction of each kind;
then it makes 200 UPDATEs in a row without a busy timeout, and one that meets a
lock of 8 s.  The job must end well, with every edit in it and a right file; a
token must be read as it is; and no step may fail but those without a timeout.
What came out is printed as a table.  `clients.py --packages` prints the Debian
packages, a line each client; what is not installed is skipped, and named.
FOLDER keeps what npm brought.
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
# The last batches wait for the client, however slow it is.
BATCHES, ENDLESS, STORM, HELD_S, TIMEOUT_S = 1500, 1490, 200, 8, 240
AT_LEAST = 12
ARCH = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), "x64")
# name, packages (the first one's version is shown), command, to which the file
# and the steps are added, program to build, and what to try: all that a client
# may do, or a function's name.
Client = collections.namedtuple("Client", "name needs command make how")
CLIENTS = []


def add(name, needs, command, make=None, how="measure"):
    CLIENTS.append(Client(name, needs.split(), command, make, how))


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
# It is compiled for the Node that npm runs in.
add("better-sqlite3", "npm:better-sqlite3@12.11.1",
    "node client.mjs better-sqlite3")
for name in ("libsql@0.5.29", "@libsql/client@0.18.0"):
    module = name.rpartition("@")[0]
    add(module, f"npm:{name} " + node("24.22.3"), NODE.format(24) + module)
add("@sqlite.org/sqlite-wasm",
    "npm:@sqlite.org/sqlite-wasm@3.54.1-build1 " + node("24.22.3"),
    NODE.format(24) + "sqlite-wasm", how="read_copy")
add("Turso", "npm:@tursodatabase/database@0.7.2 " + node("24.22.3"),
    NODE.format(24) + "turso", how="shut_out")
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
add("DB Browser (script)", "sqlitebrowser", "", how="browser")
# Of a package that has SQLite's sources; the driver takes any library.
add("Python, SQLite 3.34", "python3 gcc libc6-dev",
    "LD_PRELOAD=./old.so " + PYTHON + "sqlite3", make="old", how="too_old")
BUILDS = {
    "old": "[ -f old.so ] || { npm pack --silent sqlite3@5.0.2 && "
           "tar -xzf sqlite3-5.0.2.tgz --strip-components=2 package/deps && "
           "tar -xzf sqlite-autoconf-3340000.tar.gz && "
           "gcc -shared -fPIC -DSQLITE_ENABLE_DESERIALIZE -o old.so "
           "sqlite-autoconf-3340000/sqlite3.c -lpthread -ldl -lm; }",
    "go": "GO111MODULE=off GOPATH=/usr/share/gocode GOCACHE=$PWD/go-cache "
          "go build -tags libsqlite3 -o client-go client.go",
    "java": "javac Client.java",
}

VIEWS = ("progress", "failed", "failures", "tries", "runs", "running",
         "stragglers", "usual", "recent", "slowest", "workers", "shards",
         "throughput")
TABLES = ("batch", "attempt", "job", "worker", "input", "run", "pause")
READS = ["value\tSELECT sqlite_version()",
         "value\tSELECT total FROM progress",
         "value\tSELECT count(*) FROM failed",
         *(f"rows\tSELECT * FROM {name}" for name in TABLES + VIEWS)]
# What a floating-point number holds is less than this.
BEYOND = 2 ** 53 + 1
EDITS = ["UPDATE batch SET priority = 7 WHERE id = 1480",
         "UPDATE batch SET max_attempts = 9 WHERE id = 1481",
         "UPDATE batch SET not_before = 0 WHERE state = 'pending'",
         "UPDATE job SET max_attempts = 5",
         "UPDATE job SET paused = 1", "UPDATE job SET paused = 0",
         "UPDATE job SET workers = 2", "UPDATE job SET workers = 3"]
WRITE = ["exec\tBEGIN IMMEDIATE",
         "exec\tUPDATE batch SET priority = 6 WHERE id = 1482",
         "sleep\t1200", "exec\tCOMMIT"]
READ = ["exec\tBEGIN", "rows\tSELECT * FROM batch", "sleep\t1200",
        "exec\tCOMMIT"]
ONE = "UPDATE batch SET max_attempts = 8 WHERE id = 1483"


def sh(command, folder, limit_s=TIMEOUT_S):
    return subprocess.run(["timeout", "-k", "5", str(limit_s), "bash", "-c",
                           command], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", check=False)


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
        if not place.exists() and shutil.which("npm"):
            with open(folder / "npm.log", "a") as log:
                subprocess.run(["npm", "install", "--no-audit", "--no-fund",
                                "--loglevel=error", "--prefix", str(folder),
                                spec], stdout=log, stderr=log, check=False)
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
             f'until [ -e "$0/go" ]; do sleep 0.1; [ "$1" -ge {ENDLESS} ] || '
             'break; done; echo "$1"', str(folder), "{first}"],
            cwd=folder, check=True)
        self.log = open(folder / "run.log", "w")
        self.run = subprocess.Popen([shardmill, "run", "job", "-j", "3", "-q"],
                                    cwd=folder, stdout=self.log,
                                    stderr=self.log)
        while self.ask("SELECT count(*) FROM batch WHERE state = 'done'") < 3:
            if self.run.poll() is not None:
                raise Failed(f"the run ended: {self.said()}")
            time.sleep(0.1)

    def row(self, sql):
        db = sqlite3.connect(self.db, timeout=60, isolation_level=None)
        try:
            return db.execute(sql).fetchone()
        finally:
            db.close()

    def ask(self, sql):
        return self.row(sql)[0]

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

    def missing(self):
        """The first edit that is not in the job, or None."""
        for sql, want in (
                ("SELECT priority FROM batch WHERE id = 1480", 7),
                ("SELECT max_attempts FROM batch WHERE id = 1481", 9),
                ("SELECT priority FROM batch WHERE id = 1482", 6),
                ("SELECT max_attempts FROM job", 5),
                ("SELECT workers FROM job", 3)):
            if (got := self.ask(sql)) != want:
                return f"{sql}: {got}, not {want}"
        return None


def browser(client, folder, job):
    """DB Browser opens the job and runs a script; it is not driven by hand."""
    del client
    (folder / "u.sql").write_text(
        "".join(f"{sql};\n" for sql in EDITS[1:] + EDITS[:1] +
                [WRITE[1].partition("\t")[2]]))
    env = {**os.environ, "HOME": str(folder), "QT_QPA_PLATFORM": "offscreen"}
    log = folder / "browser.log"
    # Without a busy timeout it may meet a commit, and says so in words alone.
    for _ in range(5):
        end = time.monotonic() + TIMEOUT_S / 5
        with open(log, "w") as out, subprocess.Popen(
                ["sqlitebrowser", "-s", "u.sql", str(job.db)], cwd=folder,
                env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=out) as w:
            while (why := job.missing()) and w.poll() is None and \
                    time.monotonic() < end:
                time.sleep(0.2)
            w.terminate()
        if not why:
            return "?", "not measured", "not measured", "not measured"
    raise Failed(f"{why}: {log.read_text()[-160:]!r}")


def integer(answer, want):
    """What became of an integer: it, an error, or another one."""
    _, word, value = answer
    if word != "ok":
        return "an error"
    return "right" if value == str(want) else "rounded"


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
    """(SQLite's version, waits, refused, integers)"""
    batch, token = job.row("SELECT id, token FROM batch WHERE state = 'done'")
    lines = ["timeout\t10000", *READS, *("exec\t" + sql for sql in EDITS),
             *WRITE, *READ,
             f"value\tSELECT token FROM batch WHERE id = {batch}",
             f"value\tSELECT {BEYOND}"]
    answers = steps(client, folder, job.db, lines)
    values = all_good(lines[:-1], answers)
    if float(values[2]) != BATCHES or float(values[3]) != 0:
        raise Failed(f"progress and failed: {values[2:4]}")
    # Some tell no number of rows.
    if values[4] not in ("", str(BATCHES)):
        raise Failed(f"{values[4]} rows of batch")
    if values[-2] != str(token):
        raise Failed(f"the token {token} is read as {values[-2]}")
    (_, word, refused), = steps(client, folder, job.db,
                                [f"storm\t{STORM}\t{ONE}"])
    if word != "ok":
        raise Failed(refused)
    return (values[1], waited(client, folder), f"{float(refused):.0f}",
            integer(answers[-1], BEYOND))


def read_copy(client, folder, job):
    """No shared memory: a copy by VACUUM INTO, which has no log."""
    copy = folder / "copy.db"
    copy.unlink(missing_ok=True)
    job.row(f"VACUUM INTO '{copy}'")
    lines = [*READS, f"value\tSELECT {BEYOND}"]
    answers = steps(client, folder, copy, lines)
    values = all_good(READS, answers)
    if float(values[1]) != BATCHES or values[3] != str(BATCHES):
        raise Failed(f"progress and batch of the copy: {values[1:4]}")
    return (values[0], "reads a copy", "reads a copy",
            integer(answers[-1], BEYOND))


def shut_out(client, folder, job):
    """Its locks are not SQLite's: it must not get in beside a run, in either
    of its modes, and what one of them leaves in an idle job is refused."""
    lines = ["value\tSELECT 1"]
    multi = client._replace(command=client.command + "-multiprocess")
    for mode in client, multi:
        try:
            answers = steps(mode, folder, job.db, lines)
        except Failed as e:
            if not re.search("locked by another|already open", str(e)):
                raise
        else:
            raise Failed(f"it opened the file: {answers}")
    all_good(lines, steps(multi, folder, folder / "held" / "job.db", lines))
    done = sh(f"'{job.shardmill}' status held", folder)
    if done.returncode != 7 or "job.db-tshm" not in done.stdout:
        raise Failed(f"its traces: {done.returncode}: {done.stdout[-200:]!r}")
    return "?", "is shut out", "is shut out", "not measured"


def too_old(client, folder, job):
    """SQLite before 3.37 knows no STRICT tables: it fails and does no harm."""
    lines = READS[:2] + ["exec\t" + EDITS[0]]
    answers = steps(client, folder, job.db, lines)
    for _, word, value in answers[1:]:
        if word != "no" or "malformed" not in value or "STRICT" not in value:
            raise Failed(f"{word}: {value}")
    return answers[0][2], "cannot read", "cannot read", "not measured"


HOW = {"measure": measure, "read_copy": read_copy, "browser": browser,
       "shut_out": shut_out, "too_old": too_old}


def tried(client, folder, shardmill):
    job = Job(shardmill, folder)
    try:
        got = HOW[client.how](client, folder, job)
        job.end()
        if client.how in ("measure", "browser"):
            if why := job.missing():
                raise Failed(why)
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
    shutil.rmtree(folder / "held", ignore_errors=True)
    subprocess.run([shardmill, "plan", "held", "exec", "-q", "--range",
                    str(BATCHES), "--", "true"], cwd=folder, check=True)
    shutil.copy(folder / "held" / "job.db", folder / "held.db")

    built, counts = {}, collections.Counter()
    print("| client | version | SQLite | waits by itself | "
          f"refused of {STORM} | 2^53 + 1 | |\n|---|---|---|---|---|---|---|")
    for client in clients:
        missing = [n for n in client.needs if n not in have]
        version = re.sub(r"^\d+:", "", have.get(client.needs[0], "-"))
        if client.make and not missing and client.make not in built:
            done = sh(BUILDS[client.make], folder, 5 * TIMEOUT_S)
            built[client.make] = done.returncode and done.stdout[-160:]
        got = ("", "", "", "")
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
