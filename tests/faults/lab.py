"""lab.py - what the fault drivers share

A driver makes small jobs in directories of its own under /dev/shm, lets a
fault happen, and asks the oracle: the same command again must end with 0, the
final file must be that of an undisturbed run, byte for byte, `verify` must find
the job whole, shards/ must hold shards alone, no batch may have failed, and by
the table `attempt` each batch was committed once.

Options of every driver: --long (the counts of a release, not a sample), --seed
N.  From the environment: SHARDMILL (a build with the fault points), CC, SEED
and FAULTS_LONG (as the options), COUNT (so many cases), FAULTS_JOBS (cases at
once), FAULTS_TABLE (a file for the closing table).
"""
import atexit
import collections
import os
import queue
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)


def _option(name, words):
    """Is it among the arguments?  Taken out, with `words` values behind it."""
    if name not in sys.argv[1:]:
        return None
    at = sys.argv.index(name, 1)
    found = sys.argv[at:at + 1 + words]
    del sys.argv[at:at + 1 + words]
    return found[-1]


LONG = bool(_option("--long", 0) or os.environ.get("FAULTS_LONG"))
SEED = int(_option("--seed", 1) or os.environ.get("SEED") or
           random.SystemRandom().randrange(1, 10**6))
# Cases wait, for polls and for each other's locks, more than they compute.
JOBS = int(os.environ.get("FAULTS_JOBS") or 2 * (os.cpu_count() or 1))
SHARDMILL = os.path.realpath(os.environ.get(
    "SHARDMILL", os.path.join(TESTS, "..", "build-faults", "shardmill")))
LIMIT_S = int(os.environ.get("FAULTS_LIMIT") or 60)
DOCUMENTED = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}

base = tempfile.mkdtemp(prefix="shardmill-faults.", dir="/dev/shm"
                        if os.access("/dev/shm", os.W_OK) else None)
work = os.path.join(base, "work")   # jobs and inputs: what a fault may hit
os.mkdir(work)
kept = []


@atexit.register
def _tidy():
    if kept or os.environ.get("KEEP"):
        print(f"kept: {base}", flush=True)
        shutil.rmtree(work, ignore_errors=True)
    else:
        shutil.rmtree(base, ignore_errors=True)


class Violation(Exception):
    """What the program did is not what was promised."""


Result = collections.namedtuple("Result", "code out err")


def compile_c(name, *flags):
    """tests/faults/NAME.c as a program (or, with -shared, a library)."""
    target = os.path.join(base, name)
    subprocess.run([os.environ.get("CC", "gcc"), "-std=c11", "-D_GNU_SOURCE",
                    "-O2", "-Wall", "-o", target,
                    os.path.join(HERE, name + ".c"), *flags], check=True)
    return target


def run(argv, cwd, env=None, limit=LIMIT_S):
    """Run a command; whatever it leaves running is ended."""
    full = dict(os.environ, LC_ALL="C.UTF-8")
    full.pop("SHARDMILL_FAULT", None)
    full.update(env or {})
    with tempfile.TemporaryFile(dir=base) as out, \
            tempfile.TemporaryFile(dir=base) as err:
        p = subprocess.Popen(argv, cwd=cwd, env=full, stdout=out, stderr=err,
                             stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            code = p.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        if code is None:
            os.killpg(p.pid, signal.SIGKILL)
            p.wait()
            raise Violation(f"took longer than {limit} s: "
                            f"{' '.join(map(str, argv))}")
        out.seek(0)
        err.seek(0)
        return Result(code, out.read().decode(errors="replace"),
                      err.read().decode(errors="replace"))


class Slot:
    """A directory in which one case at a time happens, always the same one:
    jobs hold absolute paths."""

    def __init__(self, number):
        self.root = os.path.join(work, f"slot-{number}")
        self.dir = os.path.join(self.root, "w")
        self.template = {}
        self.intact = []
        os.makedirs(self.root)

    def reset(self, scenario):
        shutil.rmtree(self.dir, ignore_errors=True)
        if scenario.name not in self.template:
            os.mkdir(self.dir)
            scenario.prepare(self)
            self.template[scenario.name] = os.path.join(self.root,
                                                        scenario.name)
            shutil.copytree(self.dir, self.template[scenario.name],
                            symlinks=True)
        else:
            shutil.copytree(self.template[scenario.name], self.dir,
                            symlinks=True)
        self.intact = self.inodes(scenario.intact)
        self.old = None     # the final file that stood before
        if os.path.exists(self.path("f.gz")):
            with open(self.path("f.gz"), "rb") as f:
                self.old = f.read()

    def inodes(self, names):
        return [os.stat(self.path("f.gz.job", "shards", name)).st_ino
                for name in names]

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def sm(self, *args, env=None, limit=LIMIT_S):
        return run([SHARDMILL, *args], self.dir, env, limit)

    def must(self, *args, code=0):
        r = self.sm(*args)
        if r.code != code:
            raise Violation(f"exit {r.code}, not {code}: shardmill "
                            f"{' '.join(args)}: {r.err.strip()}")
        return r

    def sql(self, text, job="f.gz.job"):
        db = sqlite3.connect(self.path(job, "job.db"), timeout=10)
        try:
            rows = db.execute(text).fetchall()
            db.commit()
            return rows
        finally:
            db.close()


_lock = threading.Lock()


def done_tokens(slot, job="f.gz.job", bare=False):
    """{id: token} of the done batches that have their file; or, with `bare`,
    those that lack it under its name.  The final file counts only where shards
    were removed behind it: else nobody synced it.  Read from a copy: who closes
    a database last tidies up what a crash left."""
    copy = os.path.join(base, os.path.basename(slot.root) + ".db")
    for end in ("", "-wal"):
        if os.path.exists(copy + end):
            os.unlink(copy + end)
        if os.path.exists(slot.path(job, "job.db" + end)):
            shutil.copyfile(slot.path(job, "job.db" + end), copy + end)
    if not os.path.exists(copy):
        return {}
    db = sqlite3.connect(copy)
    try:
        rows = db.execute("SELECT id, token, joined IS token AND EXISTS "
                          "(SELECT 1 FROM job WHERE generation > 0) "
                          "FROM batch WHERE state = 'done'").fetchall()
    except sqlite3.OperationalError:    # no table yet
        rows = []
    finally:
        db.close()
    there = set(os.listdir(slot.path(job, "shards")))
    if bare:
        return {id_: token for id_, token, joined in rows
                if not joined and f"{id_:06}.gz" not in there}
    return {id_: token for id_, token, joined in rows
            if joined or there & {f"{id_:06}.gz", f"{id_:06}.{token}.tmp"}}


def alive(pid):
    """A process is as long as a thread of it is: the first one may be a zombie
    while another still has its files, and so its locks."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
            ended = f.read().rpartition(")")[2].split()[0] in "ZX"
        return not ended or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def wait_for_workers(slot, job="f.gz.job", limit=10):
    """Those of a run that ended end by themselves; until then their rows are
    theirs."""
    end = time.monotonic() + limit
    try:
        pids = [pid for pid, in slot.sql("SELECT pid FROM worker "
                                         "WHERE ended IS NULL", job)]
    except sqlite3.OperationalError:    # no job yet, or no longer
        return
    while any(map(alive, pids)):
        if time.monotonic() > end:
            raise Violation(f"workers outlive their run: {pids}")
        time.sleep(0.02)


def leftovers(slot, job="f.gz.job"):
    odd = [name for name in os.listdir(slot.path(job, "shards"))
           if not re.fullmatch(r"\d{6}\.gz", name)]
    # No scenario damages a database: one that recover set aside was whole.
    odd += [name for name in os.listdir(slot.path(job)) if ".damaged" in name]
    for top, _, files in os.walk(slot.dir):
        odd += [os.path.join(top, name) for name in files
                if ".tmp" in name or ".part" in name]
    tables = os.listdir(slot.path(job, "tables"))
    if len(tables) > 1:
        odd += tables
    return odd


TOTALS = ("batches, done, joined, rows, records, entries, low_score, too_few, "
          "of_too_few, padding, skipped, nan, over_maximum, raw_bytes, "
          "gz_bytes, run_rows")


def audit(slot, job="f.gz.job"):
    """What the tables must say of a job that is whole."""
    found = []
    for what, text in (
            ("batches not done", "SELECT id, state FROM batch "
                                 "WHERE state <> 'done'"),
            ("attempts not closed", "SELECT id, batch FROM attempt "
                                    "WHERE outcome = 'running'"),
            ("done batches without exactly one done attempt of their token",
             "SELECT id FROM batch b WHERE (SELECT count(*) FROM attempt a "
             "WHERE a.batch = b.id AND a.token = b.token "
             "AND a.outcome = 'done') <> 1"),
            # A job that is complete needs no other run, which would end them.
            ("workers not ended", "SELECT id, pid FROM worker WHERE ended IS "
                                  "NULL AND (SELECT ended FROM job) > 0"),
            ("totals that are not the sums of the rows",
             f"SELECT {TOTALS} FROM sums EXCEPT SELECT {TOTALS} FROM total"),
            ("integrity", "SELECT * FROM pragma_integrity_check "
                          "WHERE integrity_check <> 'ok'")):
        rows = slot.sql(text, job)
        if rows:
            found.append(f"{what}: {rows}")
    return found


def check_once(slot, redone=(), job="f.gz.job"):
    """A batch that is done is not made again, but for those in `redone`, which
    had been done when they were put back."""
    rows = slot.sql("SELECT batch, sum(outcome = 'done') FROM attempt "
                    "GROUP BY batch", job)
    odd = [row for row in rows if row[1] != 1 + (row[0] in redone)]
    if odd or not rows:
        raise Violation(f"(batch, commits): {odd or 'none'}")


def check_whole(slot, scenario, job="f.gz.job"):
    """The oracle's second half: the job is whole."""
    for argv in scenario.finish:
        slot.must(*argv)
    with open(slot.path("f.gz"), "rb") as f:
        if f.read() != scenario.want():
            raise Violation("the final file differs")
    if scenario.vanishes and not os.path.exists(slot.path(job)):
        slot.must("verify", "f.gz")     # the file stands for the job
        return
    slot.must("verify", job)
    if slot.intact != slot.inodes(scenario.intact):
        raise Violation("a shard that was whole was made again")
    odd = leftovers(slot, job)
    if odd:
        raise Violation(f"left behind: {odd}")
    with open(slot.path(job, "spec.json"), encoding="utf-8") as f:
        if [(f.read(),)] != slot.sql("SELECT spec FROM job", job):
            raise Violation("spec.json is not the job's")
    found = audit(slot, job)
    if found:
        raise Violation("; ".join(found))


def check_again(slot, scenario):
    """The oracle: a final file that stands is whole; the same command again,
    then everything is."""
    if os.path.exists(slot.path("f.gz")):
        with open(slot.path("f.gz"), "rb") as f:
            if f.read() not in (scenario.want(), slot.old):
                raise Violation("the final file is not whole")
    r = slot.sm(*scenario.command)
    if r.code not in scenario.again:
        raise Violation(f"the same command again: exit {r.code}: "
                        f"{r.err.strip()}")
    check_whole(slot, scenario)


def check_made(slot, scenario):
    """check_again() where no person and no second fault puts batches back."""
    check_again(slot, scenario)
    if scenario.keeps:
        check_once(slot, scenario.redone)


_trap = []


def trapped(slot, scenario, options, env=None):
    """The scenario's command under nthcall: its result, and what nthcall.c
    wrote down, as lines."""
    with _lock:
        if not _trap:
            _trap.append(compile_c("nthcall"))
    log = os.path.join(base, os.path.basename(slot.root) + ".calls")
    r = run([_trap[0], "-o", log, *options, SHARDMILL, *scenario.command],
            slot.dir, env)
    with open(log, encoding="utf-8", errors="replace") as f:
        lines = f.read().splitlines()
    os.unlink(log)
    return r, lines


def trapped_calls(slot, scenario, options, env=None):
    """The calls of an undisturbed run: [(role, name, what)]."""
    slot.reset(scenario)
    r, lines = trapped(slot, scenario, options, env)
    if r.code not in scenario.again:
        sys.exit(f"{scenario.name} undisturbed: exit {r.code}: {r.err}")
    words = [(line + " ").split(" ", 2) for line in lines]
    return [(int(role), name, what.strip()) for role, name, what in words]


def check_ended(r):
    """A run that met trouble ends with a documented status and one message."""
    if r.code not in DOCUMENTED:
        raise Violation(f"exit {r.code}: {r.err.strip()}")
    # Notices, which begin so too, come before it.
    last = ([""] + r.err.splitlines())[-1]
    if r.code != 0 and not re.match(r"(\d\d:\d\d:\d\d )?shardmill: ", last):
        raise Violation(f"exit {r.code} without a message: {r.err}")
    if "Sanitizer" in r.err or "runtime error" in r.err:
        raise Violation(r.err)
    # What only the program itself can do wrong (SM_EBUG).
    if re.search(r"nested write|outside a transaction|SQLite error (1|21)\)",
                 r.err):
        raise Violation(f"a bug, by its own words: {r.err.strip()}")


def check_said(slot, scenario, r, job="f.gz.job"):
    """Who ends with 0 has done what was asked for, and not only the next run:
    trouble that was met is told."""
    if r.code != 0:
        return
    if not scenario.finish:
        with open(slot.path("f.gz"), "rb") as f:
            if f.read() != scenario.want():
                raise Violation("exit 0, and the final file is not whole")
    if scenario.command[0] == "work":
        rows = slot.sql("SELECT id, state FROM batch WHERE state <> 'done'")
        if rows:
            raise Violation(f"exit 0 with batches left: {rows}")
    # Beside a file that stands, what could not be removed of a plan is no job.
    if not scenario.vanishes and os.path.exists(slot.path(job)) and \
            not slot.sql("SELECT 1 FROM job"):
        raise Violation("exit 0, and there is no job")


_headed = []


def row(kind, points, kills, states, violations, seconds, seed):
    """A line of the closing table, as tests/config/faults.sh has it too."""
    return (f"{kind:<34}{points or '-':>8}{kills or '-':>8}{states:>9}"
            f"{violations:>12}{seconds:>10}  {seed}")


class Driver:
    """Cases run side by side, counted, and told in one line of the table.
    `reach` is the least share of them whose fault must come about: what an
    undisturbed run passes comes in another order now and then."""

    def __init__(self, kind, jobs=JOBS, reach=0.0):
        self.kind = kind
        self.reach = reach
        self.jobs = jobs
        self.points = self.kills = self.violations = self.missed = 0
        self.began = time.monotonic()
        self.seconds = 0.0      # of run(), or else since it began
        self.slots = queue.Queue()
        self.made = 0
        self.lock = threading.Lock()
        self.random = random.Random(f"{SEED} {kind}")
        for _ in range(jobs):
            self.made += 1
            self.slots.put(Slot(f"{kind.replace(' ', '-')}-{self.made}"))

    def _violation(self, slot, label, text):
        with self.lock:
            self.violations += 1
            number = self.violations
        print(f"VIOLATION {self.kind}: {label}: {text}", flush=True)
        if number <= 5:
            place = os.path.join(base, f"violation-{self.kind}-{number}"
                                 .replace(" ", "-"))
            shutil.copytree(slot.dir, place, symlinks=True,
                            ignore_dangling_symlinks=True)
            kept.append(place)

    def _case(self, case, label, args):
        slot = self.slots.get()
        try:
            hit = case(slot, *args)
            with self.lock:
                if hit is False:
                    self.missed += 1
                else:
                    self.points += 1
        except Violation as v:
            self._violation(slot, label, str(v))
            with self.lock:
                self.points += 1
        except Exception as e:          # the driver's own trouble
            self._violation(slot, label, f"{type(e).__name__}: {e}")
        finally:
            self.slots.put(slot)

    def run(self, case, cases):
        """case(slot, *args) for each (label, args); False: not reached."""
        began = time.monotonic()
        with ThreadPoolExecutor(self.jobs) as pool:
            for label, args in cases:
                pool.submit(self._case, case, label, args)
        self.seconds += time.monotonic() - began

    def sample(self, cases, count):
        """So many (None: all), spread over the list as the seed says."""
        cases = list(cases)
        if count is None or count >= len(cases):
            return cases
        step = len(cases) / count   # one of each so many
        return [cases[int((i + self.random.random()) * step)]
                for i in range(count)]

    def end(self):
        seconds = self.seconds or time.monotonic() - self.began
        if not _headed:
            _headed.append(True)
            print(row("kind", "points", "kills", "states", "violations",
                      "seconds", "seed"))
        line = row(self.kind, self.points, self.kills, "-", self.violations,
                   f"{seconds:.1f}", SEED)
        print(f"{line}" + (f"  ({self.missed} not reached)"
                           if self.missed else ""), flush=True)
        table = os.environ.get("FAULTS_TABLE")
        if table:
            with open(table, "a", encoding="utf-8") as f:
                f.write(line + "\n")
        return self.violations


def finish(*drivers):
    bad = sum(d.end() for d in drivers)
    for d in drivers:
        if d.points < d.reach * (d.points + d.missed):
            bad += 1
            print(f"{d.kind}: {d.missed} of {d.points + d.missed} faults did "
                  "not come about")
    empty = [d.kind for d in drivers if d.points + d.kills == 0]
    if empty:
        print(f"nothing was tested: {', '.join(empty)}")
    sys.exit(1 if bad or empty else 0)
