"""zombies.py - a worker that wakes up when its batch is another's

    zombies.py [POINT...]

A worker that holds a batch is stopped (SIGSTOP) at a fault point and stays so
past its lease; another one makes the batch; then it goes on (SIGCONT).  It must
change nothing: no row, no shard, no final file; and it removes its own
temporary file.  Five rounds: it wakes while the same run goes on, when that run
is over and the final file stands, under a run that began after it was stopped;
and, its batch put back by a person, so that nobody removes its file, while
another worker still writes, and behind it.

The supervisor's kill is switched off, so that the guard alone is tested, but
for a worker that is stopped inside a write transaction: nobody can go on
before it is killed, which the supervisor must do.  Those, and workers without a
batch, are counted by themselves: none of them wakes up to find it another's.
"""
import os
import signal
import subprocess
import sys
import time

import lab
import scenarios

LEASE_S = "3"
# Within a write transaction: the others wait for it.
LOCKED = {"db.begun", "batch.claimed", "batch.marked_done",
          "file.before_rename", "file.rename",
          "shard.before_rename", "shard.after_rename", "shard.rename",
          "db.before_commit", "db.commit", "db.commit_unsaid", "db.committed",
          "db.checkpoint",
          "follow.before_record", "consume.before_commit",
          "rescue.before_commit", "rand.token",
          "join.before_rename", "join.rename", "join.after_rename"}
# Of these only what is passed between its beginning and its end: a worker's
# mark is drawn before any transaction.
IN_OTHERS, BEGUN, ENDED = {"rand.token"}, "db.begun", "db.committed"
NO_KILL = {"SHARDMILL_FAULT": "watch.kill:EIO:1+"}


class Process:
    def __init__(self, slot, argv, env=None, name=None):
        full = dict(os.environ, LC_ALL="C.UTF-8", **(env or {}))
        self.err = open(os.path.join(
            lab.base, f"{os.path.basename(slot.root)}.{name or argv[0]}"), "w+",
            encoding="utf-8")
        self.p = subprocess.Popen([lab.SHARDMILL, *argv], cwd=slot.dir,
                                  env=full, stdin=subprocess.DEVNULL,
                                  stdout=self.err, stderr=self.err)

    def stopped(self):
        try:
            with open(f"/proc/{self.p.pid}/stat", encoding="utf-8") as f:
                return f.read().rpartition(")")[2].split()[0] in "Tt"
        except OSError:
            return False

    def ended(self, limit, what):
        try:
            code = self.p.wait(limit)
        except subprocess.TimeoutExpired:
            raise lab.Violation(f"{what} does not end: {self.text()}")
        return code

    def text(self):
        self.err.seek(0)
        return self.err.read().strip()

    def end(self):
        if self.p.poll() is None:
            self.p.send_signal(signal.SIGKILL)
            self.p.wait()
        self.err.close()


def wait_for(limit, what, condition):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise lab.Violation(f"waited too long: {what}")
        time.sleep(0.05)


def files(slot):
    """What a late write would change."""
    found = {}
    for top, _, names in os.walk(slot.dir):
        for name in names:
            if name.endswith((".gz", ".tmp", ".part")):
                path = os.path.join(top, name)
                st = os.stat(path)
                found[path] = (st.st_ino, st.st_size, st.st_mtime_ns)
    return found


def shards(slot):
    return {path: what for path, what in files(slot).items()
            if os.path.basename(os.path.dirname(path)) == "shards"
            and path.endswith(".gz")}


def rows(slot):
    return slot.sql("SELECT id, state, token, rows, records, gz_bytes, "
                    "gz_crc32 FROM batch ORDER BY id")


def no_temporary(slot):
    """Its own file is removed by whoever wrote it, or took its batch."""
    left = [path for path in files(slot) if path.endswith(".tmp")]
    if left:
        raise lab.Violation(f"left behind: {left}")


def case(slot, scenario, point, n, when, holds=True, locked=False):
    slot.reset(scenario)
    made = {}       # by the other one, before the zombie wakes
    zombie = supervisor = None
    try:
        slot.sql(f"UPDATE job SET lease_s = {LEASE_S}, workers = 0")
        if when != "later run":
            supervisor = Process(slot, ["run", "f.gz.job", "-q"],
                                 {} if locked else NO_KILL)
            wait_for(20, "the run begins",
                     lambda: slot.sql("SELECT 1 FROM job "
                                      "WHERE started NOT NULL"))
        zombie = Process(slot, ["work", "f.gz.job", "-q"],
                         {"SHARDMILL_FAULT": f"{point}:stop:{n}"})
        wait_for(20, "the worker stops",
                 lambda: zombie.stopped() or zombie.p.poll() is not None)
        if zombie.p.poll() is not None:
            return False                    # not passed so often
        mine = slot.sql("SELECT id, token FROM batch WHERE state = 'running'")
        if holds and not mine:
            raise lab.Violation("the stopped worker holds no batch")
        if supervisor is None:
            supervisor = Process(slot, ["run", "f.gz.job", "-q", "-j", "1"],
                                 {} if locked else NO_KILL)
        elif not locked:
            slot.sql("UPDATE job SET workers = 1")
        if locked:
            wait_for(40, "the stopped worker is killed",
                     lambda: zombie.p.poll() is not None)
            slot.sql("UPDATE job SET workers = 1")
        elif when == "same run":
            wait_for(40, "another worker makes the batch", lambda: all(
                slot.sql(f"SELECT state = 'done' AND token <> {token} "
                         f"FROM batch WHERE id = {id_}") == [(1,)]
                for id_, token in mine))
            made = shards(slot)
            zombie.p.send_signal(signal.SIGCONT)
        code = supervisor.ended(60, "the run")
        if code != 0:
            raise lab.Violation(f"run: exit {code}: {supervisor.text()}")
        before = files(slot), rows(slot)
        if not locked:
            if when != "same run":
                zombie.p.send_signal(signal.SIGCONT)
            code = zombie.ended(30, "the zombie")
            # Fenced off by a newer run it says so, and ends with 4.
            if code not in (0, 4):
                raise lab.Violation(f"zombie: exit {code}: {zombie.text()}")
        after = files(slot), rows(slot)
        gone = [path for path in before[0] if path not in after[0]]
        if any(not path.endswith(".tmp") for path in gone):
            raise lab.Violation(f"a file is gone: {gone}")
        late = [path for path in after[0]
                if after[0][path] != before[0].get(path)]
        late += [path for path in made if after[0].get(path) != made[path]]
        if late or before[1] != after[1]:
            raise lab.Violation(f"late write: {late}")
        no_temporary(slot)
    finally:
        for process in (zombie, supervisor):
            if process:
                process.end()
    lab.check_again(slot, scenario)
    return True


def case_beside(slot, scenario, point, n, behind):
    """A person puts the batch back, and it wakes while the other worker still
    writes it, or `behind` that one's end: neither may touch the other's
    file."""
    slot.reset(scenario)
    zombie = other = None
    made = {}
    try:
        zombie = Process(slot, ["work", "f.gz.job", "-q"],
                         {"SHARDMILL_FAULT": f"{point}:stop:{n}"})
        wait_for(20, "the worker stops",
                 lambda: zombie.stopped() or zombie.p.poll() is not None)
        if not slot.sql("SELECT 1 FROM batch WHERE state = 'running'"):
            raise lab.Violation("the stopped worker holds no batch")
        slot.sql("UPDATE batch SET state = 'pending' WHERE state = 'running'")
        fault = {} if behind else {"SHARDMILL_FAULT": "work.produced:stop"}
        other = Process(slot, ["work", "f.gz.job", "-q"], fault, "other")
        if behind:
            other.p.wait(30)
            made = shards(slot)
        else:
            wait_for(20, "the other one stops", other.stopped)
        zombie.p.send_signal(signal.SIGCONT)
        wait_for(20, "the zombie is fenced off",
                 lambda: slot.sql("SELECT 1 FROM attempt "
                                  "WHERE outcome = 'fenced'"))
        if not behind:
            time.sleep(0.2)     # it removes its file, and goes on
            other.p.send_signal(signal.SIGCONT)
        for process in (zombie, other):
            code = process.ended(30, "a worker")
            if code != 0:
                raise lab.Violation(f"exit {code}: {process.text()}")
        odd = slot.sql("SELECT batch, outcome, message FROM attempt "
                       "WHERE outcome NOT IN ('done', 'fenced')")
        if odd:
            raise lab.Violation(f"one took the other's file: {odd}")
        now = shards(slot)
        late = [path for path in made if now.get(path) != made[path]]
        if late:
            raise lab.Violation(f"late write: {late}")
        no_temporary(slot)
    finally:
        for process in (zombie, other):
            if process:
                process.end()
    lab.check_again(slot, scenario)
    return True


def cases(slot, scenario, points=()):
    """[(label, arguments of case())] of those that wake with a batch, the same
    of case_beside(), and the rest of case()'s."""
    # What one worker passes in its life, from its registration to its end.
    slot.reset(scenario)
    log = os.path.join(lab.base, "points")
    slot.sm("work", "f.gz.job", "-q", env={"SHARDMILL_FAULT_LOG": log})
    with open(log, encoding="utf-8") as f:
        passed = f.read().split()
    # Between its first claim and the last commit a worker has a batch.
    first = passed.index("work.claimed")
    last = len(passed) - passed[::-1].index("batch.marked_done")
    counts, woken, beside, rest = {}, [], [], []
    writes = False
    for at, point in enumerate(passed):
        counts[point] = counts.get(point, 0) + 1
        writes = point == BEGUN or writes and point != ENDED
        locked = point in LOCKED and (writes or point not in IN_OTHERS)
        holds = first <= at < last and not locked
        if point == "pulse.beat" or (points and point not in points):
            continue
        for when in ("same run", "finished run", "later run"):
            (woken if holds else rest).append(
                (f"{point}:stop:{counts[point]}, {when}",
                 (scenario, point, counts[point], when, holds, locked)))
        for behind in (False, True) if holds else ():
            beside.append((f"{point}:stop:{counts[point]}, "
                           f"{'behind' if behind else 'beside'} the other",
                           (scenario, point, counts[point], behind)))
    return woken, beside, rest


def main():
    woken, beside, rest = cases(lab.Slot("count"), scenarios.table()["zombie"],
                          sys.argv[1:])
    # Nearly all of a cycle is waiting for the lease.
    d, other = (lab.Driver("zombies", jobs=5 * lab.JOBS),
                lab.Driver("stopped in a write, or idle", jobs=5 * lab.JOBS))
    count = int(os.environ.get("COUNT") or (220 if lab.LONG else 60))
    d.run(case, d.sample(woken, count * 3 // 4))
    d.run(case_beside, d.sample(beside, count // 4))
    other.run(case, other.sample(rest, count // 2))
    lab.finish(*[one for one, some in ((d, woken), (other, rest)) if some])


if __name__ == "__main__":
    sys.exit(main())
