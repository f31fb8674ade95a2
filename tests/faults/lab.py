"""lab.py - what the fault drivers share

A driver makes small jobs in directories of its own under /dev/shm, lets a
fault happen, and asks the oracle: the same command again must end with 0, the
final file must be that of an undisturbed run, byte for byte, `verify` must find
the job whole, shards/ must hold shards alone, no batch may have failed, and by
the table `attempt` each batch was committed once.

From the environment: SHARDMILL (a build with the fault points), CC, SEED,
FAULTS_JOBS (cases at once), FAULTS_TABLE (a file for the closing table),
FAULTS_LONG (not empty: everything, not a sample).
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
LONG = bool(os.environ.get("FAULTS_LONG"))
SEED = int(os.environ.get("SEED") or random.SystemRandom().randrange(1, 10**6))
JOBS = int(os.environ.get("FAULTS_JOBS") or os.cpu_count() or 1)
SHARDMILL = os.path.realpath(os.environ.get(
    "SHARDMILL", os.path.join(TESTS, "..", "build-faults", "shardmill")))
ROWS, WIDTH, BATCH_ROWS = 96, 60, 24
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


def make_data():
    path = os.path.join(work, "data")
    subprocess.run([sys.executable, os.path.join(TESTS, "nasty.py"), "--plain",
                    str(ROWS), str(WIDTH), "1", path], check=True)
    with open(os.path.join(path, "args"), encoding="utf-8") as f:
        return f.read().splitlines()


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


data_args = None
_references = {}
_lock = threading.Lock()


def candidates(*more):
    return ["--batch-rows", str(BATCH_ROWS), *data_args, *more]


EXEC = ["--range", "6", "--size", "2", "--", "seq", "{first}", "{last}"]


def reference(key, argv):
    """The final file of an undisturbed run of `argv`, which makes f.gz; or, if
    it is callable, what that leaves."""
    with _lock:
        if key not in _references and callable(argv):
            slot = Slot("reference-" + key)
            os.mkdir(slot.dir)
            argv(slot)
            with open(slot.path("f.gz"), "rb") as f:
                _references[key] = f.read()
            shutil.rmtree(slot.root)
        if key not in _references:
            path = os.path.join(base, "reference-" + key)
            os.mkdir(path)
            r = run([SHARDMILL, *argv], path)
            if r.code != 0:
                sys.exit(f"the undisturbed run failed: {r.err}")
            with open(os.path.join(path, "f.gz"), "rb") as f:
                _references[key] = f.read()
            shutil.rmtree(path)
        return _references[key]


class Scenario:
    """A fixed small job, at the moment when `command` is given."""

    def __init__(self, name, command, prepare=None, finish=(), key="plain",
                 made=None, again=(0,), vanishes=False,
                 keeps=False, intact=()):
        self.name = name
        self.command = command    # which a fault hits, and which is repeated
        self._prepare = prepare
        self.finish = finish      # commands from there to the final file
        self.again = again        # statuses of the repeated command
        self.keeps = keeps        # what is done stays done
        self.intact = intact      # shards that are never made again
        self.vanishes = vanishes  # the job may be gone, its file complete
        self.key = key
        self.made = made or ["candidates", "-o", "f.gz", "-q", "-j", "1",
                             *candidates()]

    def prepare(self, slot):
        if self._prepare:
            self._prepare(slot)

    def want(self):
        return reference(self.key, self.made)


def _planned(slot):
    slot.must("plan", "f.gz.job", "candidates", "-o", "f.gz", *candidates())


def _done(slot):
    slot.must("candidates", "-o", "f.gz", "-q", "-j", "1", *candidates())


def _joinable(slot):
    _done(slot)
    os.unlink(slot.path("f.gz"))


def _wrecked(slot):
    """Everything that a crash or a power cut may leave: a batch in the hand of
    a dead worker with its file, a done one whose rename was forgotten, one
    without its shard, a stray temporary file, a pending one."""
    _planned(slot)
    slot.sm("run", "f.gz.job", "-j", "1",
            env={"SHARDMILL_FAULT": "shard.after_sync:kill:3,"
                                    "rescue.before_commit:kill"})
    rows = slot.sql("SELECT id, state, token FROM batch ORDER BY id")
    if [r[1] for r in rows] != ["done", "done", "running", "pending"]:
        sys.exit(f"the wrecked job is not what it should be: {rows}")
    shards = slot.path("f.gz.job", "shards")
    os.rename(os.path.join(shards, "000000.gz"),
              os.path.join(shards, f"000000.{rows[0][2]}.tmp"))
    os.unlink(os.path.join(shards, "000001.gz"))
    with open(os.path.join(shards, "000003.4711.tmp"), "wb") as f:
        f.write(b"stray")


def _consumed(slot, *more):
    """Finished, its shards consumed, some batches put back."""
    slot.must("candidates", "-o", "f.gz", "-q", "-j", "1", "--consume",
              *candidates())
    slot.sql("UPDATE batch SET state = 'pending' WHERE id IN (1, 3)")


def _half_consumed(slot):
    """Killed when all but one of the shards were removed, before the file is
    whole; then the first batch is put back."""
    _planned(slot)
    slot.sm("run", "f.gz.job", "-j", "1", "--consume", "--no-follow",
            env={"SHARDMILL_FAULT": "consume.after_unlink:kill:3"})
    rows = slot.sql("SELECT id FROM batch WHERE joined = token")
    if len(rows) < 2:
        sys.exit(f"the half-consumed job is not what it should be: {rows}")
    slot.sql("UPDATE batch SET state = 'pending' WHERE id = 0")


def _consumed_lost(slot):
    """Half consumed, and the database is gone."""
    _half_consumed(slot)
    for name in ("job.db", "job.db-wal", "job.db-shm"):
        if os.path.exists(slot.path("f.gz.job", name)):
            os.unlink(slot.path("f.gz.job", name))


def _damaged(slot, at=60):
    """One bit of a shard: by default of the number of records in its header,
    which stands under no CRC that gzip knows."""
    _joinable(slot)
    with open(slot.path("f.gz.job", "shards", "000001.gz"), "r+b") as f:
        f.seek(at)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 1]))


def _standing(slot):
    """The final file alone: its job was finished and removed."""
    _done(slot)
    shutil.rmtree(slot.path("f.gz.job"))


def _lost(slot, at=200):
    """No database; one shard damaged, one of another job, two whole."""
    slot.must("candidates", "-o", "other.gz", "-q", *candidates("--level", "1"))
    _damaged(slot, at)
    shutil.copy(slot.path("other.gz.job", "shards", "000002.gz"),
                slot.path("f.gz.job", "shards", "000002.gz"))
    shutil.rmtree(slot.path("other.gz.job"))
    os.unlink(slot.path("other.gz"))
    for name in ("job.db", "job.db-wal", "job.db-shm"):
        if os.path.exists(slot.path("f.gz.job", name)):
            os.unlink(slot.path("f.gz.job", name))


def scenarios():
    """All of them, by name."""
    global data_args
    if data_args is None:
        data_args = make_data()
    one = ["candidates", "-o", "f.gz", "-q", "-j", "1", *candidates()]
    level = ["candidates", "-o", "f.gz", "-q", "-j", "1", *candidates(),
             "--level", "1"]
    execs = ["exec", "-o", "f.gz", "-q", "-j", "1", *EXEC]
    resume = ["run", "f.gz.job", "-q", "-j", "1"]

    other = [*one, "--encoder", "zlib", "--accept-changed"]

    def mixed(prepare):
        """What comes of `prepare` and new batches with other bytes."""
        def make(slot):
            prepare(slot)
            slot.must(*other)
        return make

    table = [
        Scenario("whole", one, keeps=True),
        Scenario("exec", execs, key="exec", made=execs,
                 keeps=True),
        Scenario("plan", ["plan", "f.gz.job", "candidates", "-o", "f.gz",
                          *candidates()], finish=[resume], keeps=True),
        Scenario("resume", resume, _wrecked, keeps=True),
        Scenario("work", ["work", "f.gz.job", "-q"], _planned,
                 finish=[resume], keeps=True),
        Scenario("finalize", ["finalize", "f.gz.job"], _joinable, keeps=True),
        Scenario("retry", ["retry", "f.gz.job", "--all"], _done,
                 finish=[resume]),
        Scenario("requeue", ["verify", "f.gz.job", "--requeue"], _damaged,
                 finish=[resume], again=(0, 1, 9)),   # while it finds some
        Scenario("recover", ["recover", "f.gz.job"], _lost,
                 finish=[resume], again=(0, 7),       # nothing to recover
                 intact=("000000.gz", "000003.gz")),
        Scenario("recover-head", ["recover", "f.gz.job"],
                 lambda slot: _lost(slot, 60), finish=[resume], again=(0, 7),
                 intact=("000000.gz", "000003.gz")),
        Scenario("restart", one + ["--restart", "--yes"], _wrecked,
                 vanishes=True),
        Scenario("standing", one, _standing, vanishes=True),
        Scenario("zombie", resume, _planned),
        Scenario("rot", resume, _damaged),
        Scenario("consume", one + ["--consume"], keeps=True),
        Scenario("unfollowed", one + ["--consume", "--no-follow"], keeps=True),
        Scenario("half-consumed", resume, _half_consumed, keeps=True),
        Scenario("put-back", resume, _consumed, keeps=True),
        Scenario("rewrite", other, _consumed,
                 key="rewrite", made=mixed(_consumed), keeps=True),
        Scenario("rewrite-half", other, _half_consumed,
                 key="rewrite-half", made=mixed(_half_consumed)),
        Scenario("recover-consumed", ["recover", "f.gz.job"], _consumed_lost,
                 finish=[resume], again=(0, 7)),
        Scenario("accept", level + ["--accept-changed"], _planned,
                 key="level", made=level),
    ]
    return {s.name: s for s in table}


def done_tokens(slot, job="f.gz.job"):
    """{id: token} of the done batches that have their file.  Read from a copy:
    who closes a database last tidies up what a crash left."""
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
        rows = db.execute("SELECT id, token, joined IS token FROM batch "
                          "WHERE state = 'done'").fetchall()
    except sqlite3.OperationalError:    # no table yet
        rows = []
    finally:
        db.close()
    there = set(os.listdir(slot.path(job, "shards")))
    return {id_: token for id_, token, joined in rows
            if joined or there & {f"{id_:06}.gz", f"{id_:06}.{token}.tmp"}}


def leftovers(slot, job="f.gz.job"):
    odd = [name for name in os.listdir(slot.path(job, "shards"))
           if not re.fullmatch(r"\d{6}\.gz", name)]
    for top, _, files in os.walk(slot.dir):
        odd += [os.path.join(top, name) for name in files
                if name.endswith(".tmp") or ".part" in name]
    tables = os.listdir(slot.path(job, "tables"))
    if len(tables) > 1:
        odd += tables
    return odd


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
            ("workers not ended", "SELECT id, pid FROM worker "
                                  "WHERE ended IS NULL"),
            ("integrity", "SELECT * FROM pragma_integrity_check "
                          "WHERE integrity_check <> 'ok'")):
        rows = slot.sql(text, job)
        if rows:
            found.append(f"{what}: {rows}")
    return found


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
    if r.code != 0 and not last.startswith("shardmill: "):
        raise Violation(f"exit {r.code} without a message: {r.err}")
    if "Sanitizer" in r.err or "runtime error" in r.err:
        raise Violation(r.err)


class Driver:
    """Cases run side by side, counted, and told in one line of the table."""

    def __init__(self, kind, jobs=JOBS):
        self.kind = kind
        self.jobs = jobs
        self.points = self.violations = self.missed = 0
        self.began = time.monotonic()
        self.slots = queue.Queue()
        self.made = 0
        self.lock = threading.Lock()
        self.random = random.Random(f"{SEED} {kind}")
        self.messages = collections.Counter()
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
        with ThreadPoolExecutor(self.jobs) as pool:
            for label, args in cases:
                pool.submit(self._case, case, label, args)

    def sample(self, cases, count):
        """So many (None: all), spread over the list as the seed says."""
        cases = list(cases)
        if count is None or count >= len(cases):
            return cases
        step = len(cases) / count   # one of each so many
        return [cases[int((i + self.random.random()) * step)]
                for i in range(count)]

    def end(self):
        seconds = time.monotonic() - self.began
        for text, n in self.messages.most_common():
            print(f"  {n:6} {text}")
        line = (f"{self.kind:<34}{self.points:>8}{self.violations:>12}"
                f"{seconds:>10.1f}  {SEED}")
        print(f"{line}" + (f"  ({self.missed} not reached)"
                           if self.missed else ""), flush=True)
        table = os.environ.get("FAULTS_TABLE")
        if table:
            with open(table, "a", encoding="utf-8") as f:
                f.write(line + "\n")
        return self.violations


def finish(*drivers):
    bad = sum(d.end() for d in drivers)
    empty = [d.kind for d in drivers if d.points == 0]
    if empty:
        print(f"nothing was tested: {', '.join(empty)}")
    sys.exit(1 if bad or empty else 0)
