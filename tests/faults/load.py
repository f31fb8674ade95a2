"""load.py - the checkpoint rule under load

    load.py

Eight workers, batches of one row, so that each batch is a commit, and beside
them a person who reads the views and writes rows without a pause, in a sqlite3
shell that stays open and in others that come and go.  Nobody gets an error, and
the log begins anew again and again; then the database is sound, each batch was
committed once, and the text is that of an undisturbed run of large batches.

In a second job one reader never ends: the log grows, the run goes on and says
so with the size; when the reader is gone, the log is written back.

SQLite is whichever the program finds (LD_LIBRARY_PATH), the shell that of
PATH.
"""
import gzip
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time

import lab
import zombies

WORKERS = 8
LARGE_BYTES = 64 << 20      # from there on a run speaks of its log
SHELL = ["sqlite3", "-bail", "-cmd", ".timeout 10000"]
READS = ["SELECT * FROM progress;", "SELECT count(*) FROM running;",
         "SELECT * FROM slowest LIMIT 3;", "SELECT max(id) FROM attempt;",
         "SELECT * FROM workers;"]


def data(rows):
    path = os.path.join(lab.work, f"data-{rows}")
    subprocess.run([sys.executable, os.path.join(lab.TESTS, "nasty.py"),
                    "--plain", str(rows), "2", "1", path], check=True)
    with open(os.path.join(path, "args"), encoding="utf-8") as f:
        return [*f.read().splitlines(), "--min-candidates", "1"]


class Beside:
    """The log, watched, and a person's shells, until stop()."""

    def __init__(self, slot, rows, random, shells=True):
        self.job = slot.path("f.gz.job")
        self.rows, self.random = rows, random
        self.most = self.anew = self.reads = self.writes = 0
        self.longest_s = 0.0
        self.errors = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=f) for f in
                        [self._watch, *[self._types] * shells]]
        for thread in self.threads:
            thread.start()

    def wal(self):
        """The log file's size, which does not shrink while the job runs."""
        try:
            return os.stat(os.path.join(self.job, "job.db-wal")).st_size
        except FileNotFoundError:
            return 0

    def _frames(self):
        """Of the log that are in use: walIndexHdr.mxFrame of SQLite's
        wal-index, which is another file format of its documentation."""
        try:
            with open(os.path.join(self.job, "job.db-shm"), "rb") as f:
                f.seek(16)
                return int.from_bytes(f.read(4), sys.byteorder)
        except FileNotFoundError:
            return 0

    def _watch(self):
        before = 0
        while not self.over.wait(0.01):
            self.most = max(self.most, self.wal())
            frames = self._frames()
            self.anew += frames < before
            before = frames

    def _statement(self):
        if self.random.random() < 0.5:
            self.reads += 1
            return self.random.choice(READS)
        self.writes += 1
        return (f"UPDATE batch SET priority = {self.random.randrange(3)} "
                f"WHERE id = {self.random.randrange(self.rows)};")

    def _type(self, stays, path):
        """A statement in the shell that stays, then one in another."""
        began = time.monotonic()
        stays.stdin.write(self._statement() + "\n.print over\n")
        stays.stdin.flush()
        if "over\n" not in iter(stays.stdout.readline, ""):
            raise BrokenPipeError
        middle = time.monotonic()
        r = subprocess.run([*SHELL, path, self._statement()],
                           capture_output=True, text=True, check=False,
                           stdin=subprocess.DEVNULL)
        if r.returncode:
            self.errors.append(r.stderr.strip())
        self.longest_s = max(self.longest_s, middle - began,
                             time.monotonic() - middle)

    def _types(self):
        path = os.path.join(self.job, "job.db")
        stays = subprocess.Popen([*SHELL, path], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, text=True,
                                 stderr=subprocess.PIPE)
        try:
            while not self.over.wait(0.05):
                self._type(stays, path)
        except BrokenPipeError:
            pass
        text = stays.communicate()[1].strip()
        if text or stays.returncode:
            self.errors.append(f"exit {stays.returncode}: {text}")

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise lab.Violation(f"a shell: {self.errors[:3]}")


def whole(slot, want):
    """The database is sound, the job done once, the text the right one."""
    found = lab.audit(slot)
    if found:
        raise lab.Violation("; ".join(found))
    lab.check_once(slot)
    with gzip.open(slot.path("f.gz")) as a, gzip.open(want) as b:
        while True:
            one, other = a.read(1 << 20), b.read(1 << 20)
            if one != other:
                raise lab.Violation("the text differs")
            if not one:
                break


def begin(slot, args):
    shutil.rmtree(slot.dir, ignore_errors=True)
    os.mkdir(slot.dir)
    slot.must("plan", "f.gz.job", "candidates", "-o", "f.gz", "--consume",
              "--batch-rows", "1", *args)
    return zombies.Process(slot, ["run", "f.gz.job", "-q", "-j",
                                  str(WORKERS)])


def case_load(slot, driver, rows, args, want):
    run = begin(slot, args)
    beside = Beside(slot, rows, driver.random)
    try:
        code = run.ended(6 * 3600, "the run")
        if code != 0:
            raise lab.Violation(f"run: exit {code}: {run.text()}")
    finally:
        beside.stop()
        run.end()
    # It grows while somebody reads, whose snapshot it has, and no longer.
    if beside.anew * 4 < beside.reads + beside.writes:
        raise lab.Violation(f"the log grew to {beside.most} bytes, and began "
                            f"anew only {beside.anew} times")
    whole(slot, want)
    driver.points += rows - 1   # this case itself is one
    print(f"{rows} commits of {WORKERS} workers in "
          f"{time.monotonic() - driver.began:.0f} s; a shell read "
          f"{beside.reads} times and wrote {beside.writes} times, for at most "
          f"{beside.longest_s:.1f} s; the log had at most "
          f"{beside.most / 1e6:.1f} MB and began anew {beside.anew} times; "
          f"integrity ok; SQLite {sqlite3.sqlite_version}", flush=True)


def case_reader(slot, driver, rows, args, want):
    run = begin(slot, args)
    beside = Beside(slot, rows, driver.random, shells=False)
    # A process of its own: closing the file elsewhere drops a process's locks.
    reader = subprocess.Popen([*SHELL, slot.path("f.gz.job", "job.db")],
                              stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                              text=True)
    try:
        reader.stdin.write("BEGIN; SELECT count(*) FROM batch;\n")
        reader.stdin.flush()
        zombies.wait_for(600, "the log grows", lambda: run.p.poll() is not None
                         or "has grown" in run.text())
        told = re.search(r"job.db-wal has grown to (\d+) MB", run.text())
        if not told or int(told[1]) < LARGE_BYTES >> 20:
            raise lab.Violation(f"nothing was said of the log of {beside.most}"
                                f" bytes: {run.text()}")
        reader.communicate()
        # Written back, it begins anew and grows no further.
        grown = max(beside.wal(), beside.most)
        code = run.ended(3600, "the run")
        if beside.most > grown + LARGE_BYTES // 4:
            raise lab.Violation(f"the log of {grown} bytes grew on to "
                                f"{beside.most} without a reader")
        if code != 0:
            raise lab.Violation(f"run: exit {code}: {run.text()}")
    finally:
        reader.communicate()
        beside.stop()
        run.end()
    whole(slot, want)
    if beside.wal() >= LARGE_BYTES:
        raise lab.Violation("the log was not written back")
    driver.points += rows - 1
    print(f"with a reader that never ends: the log grew, and the run said so "
          f"at {told[1]} MB; {beside.most / 1e6:.0f} MB at most", flush=True)


def main():
    count = int(os.environ.get("COUNT") or (1000000 if lab.LONG else 30000))
    d = lab.Driver("commits under load", jobs=1)
    for case, rows in ((case_load, count), (case_reader, 30000)):
        args = data(rows)
        want = os.path.join(lab.base, f"want-{rows}.gz")
        lab.run([lab.SHARDMILL, "candidates", "-q", "-o", want, *args],
                lab.base)
        d.run(case, [(case.__name__, (d, rows, args, want))])
    lab.finish(d)


if __name__ == "__main__":
    main()
