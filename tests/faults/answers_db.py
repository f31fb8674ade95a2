"""answers_db.py - the database is of an earlier moment than the files

Its log was cut or lost, or a person put back an old copy: the rows are those
of an earlier moment, and what was done behind it is made again.
"""
import os
import shutil
import signal
import sqlite3

import lab
import zombies
from answers_lib import expect


def backup(slot, name):
    """A copy as a person makes one: sqlite3 job.db '.backup FILE'."""
    db = sqlite3.connect(slot.path("f.gz.job", "job.db"), timeout=10)
    copy = sqlite3.connect(slot.path(name))
    db.backup(copy)
    copy.close()
    db.close()


def put_back(slot, name):
    """It takes the place of what the job has come to since."""
    for end in ("-wal", "-shm"):
        if os.path.exists(slot.path("f.gz.job", "job.db" + end)):
            os.unlink(slot.path("f.gz.job", "job.db" + end))
    os.rename(slot.path(name), slot.path("f.gz.job", "job.db"))


def killed(slot, scenario, fault, *argv):
    r = slot.sm(*(argv or scenario.command), env={"SHARDMILL_FAULT": fault})
    expect(f"exit status with {fault} ({r.err.strip()})", r.code,
           -signal.SIGKILL)
    lab.wait_for_workers(slot)


def shards(slot, batches):
    return slot.inodes([f"{id_:06}.gz" for id_ in batches])


def file_stands(slot, scenario):
    with open(slot.path("f.gz"), "rb") as f:
        if f.read() != scenario.want():
            raise lab.Violation("the final file that stood is not whole")


def log_lost(slot, table):
    """Everything is killed in the third batch, and the log is cut, or gone:
    the job is as planned or some batches further, never half a commit."""
    s = table["work"]
    log = slot.path("f.gz.job", "job.db-wal")
    seen = set()
    for keep in (None, 0, 0.4, 0.7, 0.95, 1):
        slot.reset(s)
        r = slot.sm(*s.command, env={"SHARDMILL_FAULT": "work.produced:kill:3"})
        expect("exit status", r.code, -signal.SIGKILL)
        old = shards(slot, (0, 1))
        if keep is None:
            os.unlink(log)
        else:
            os.truncate(log, int(os.path.getsize(log) * keep))
        done = sorted(lab.done_tokens(slot))
        seen.add(len(done))
        expect("done batches", done, list(range(len(done))))
        lab.check_made(slot, s)
        # One that is still done keeps its shard, another has a new one.
        expect("shards that were kept",
               [a == b for a, b in zip(old, shards(slot, (0, 1)))],
               [id_ in done for id_ in (0, 1)])
    expect("batches done by what is left of the log", seen, {0, 1, 2})


def log_lost_beside_reader(slot, table):
    """While a reader keeps an old snapshot a checkpoint copies some pages and
    not others, so that job.db without its log is no moment at all: if that is
    damage it is said, and recover takes up every shard."""
    rows = 400
    slot.reset(table["exec"])
    slot.must("plan", "f.gz.job", "exec", "-o", "f.gz", "--range", str(rows),
              "--size", "1", "--sync", "end", "--", "echo", "{first}")
    worker = zombies.Process(slot, ["work", "f.gz.job", "-q"], {
        "SHARDMILL_FAULT": "work.produced:stop:85,work.produced:kill:330"})
    db = sqlite3.connect(slot.path("f.gz.job", "job.db"), isolation_level=None)
    try:
        zombies.wait_for(20, "the worker stops", worker.stopped)
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM batch").fetchall()
        worker.p.send_signal(signal.SIGCONT)
        expect("exit status", worker.ended(30, "the worker"), -signal.SIGKILL)
        # Before the reader ends: it copies the rest.
        shutil.copyfile(slot.path("f.gz.job", "job.db"), slot.path("half.db"))
    finally:
        worker.end()
        db.close()
    put_back(slot, "half.db")
    r = slot.sm("run", "f.gz.job", "-q")
    if r.code == 6:
        if "'shardmill recover'" not in r.err:
            raise lab.Violation(f"it says: {r.err.strip()}")
        r = slot.must("recover", "f.gz.job")
        if "329 of 400 batches were whole" not in r.out:
            raise lab.Violation(f"recover says: {r.out.strip()}")
        r = slot.must("run", "f.gz.job", "-q")
    expect(f"exit status ({r.err.strip()})", r.code, 0)
    expect("text", slot.must("cat", "f.gz").out,
           "".join(f"{n}\n" for n in range(rows)))
    slot.must("verify", "f.gz.job")
    expect("findings", lab.audit(slot), [])


def backup_back(slot, table):
    """A copy from the third batch, put back when the job is finished: two are
    done as they were, two are made again, and the final file stands."""
    s = table["resume"]
    slot.reset(table["work"])
    killed(slot, s, "work.produced:kill:3", *table["work"].command)
    backup(slot, "old.db")
    slot.must(*s.command)
    first, later = shards(slot, (0, 1)), shards(slot, (2, 3))
    put_back(slot, "old.db")
    slot.must("finalize", "f.gz.job", code=1)
    file_stands(slot, s)
    lab.check_again(slot, s)
    expect("shards of the done", shards(slot, (0, 1)), first)
    if set(later) & set(shards(slot, (2, 3))):
        raise lab.Violation("a shard of no done batch was kept")
    lab.check_once(slot)


def backup_consumed(slot, table):
    """The same where the shards went into the final file: that is kept whole,
    and what neither it nor a shard has by the rows is made again."""
    s = table["whole"]
    slot.reset(table["work"])
    killed(slot, s, "work.produced:kill:3", *table["work"].command)
    backup(slot, "old.db")
    slot.must("run", "f.gz.job", "-q", "-j", "1", "--consume")
    expect("shards", os.listdir(slot.path("f.gz.job", "shards")), [])
    put_back(slot, "old.db")
    slot.must("finalize", "f.gz.job", code=1)
    file_stands(slot, s)
    r = slot.must("run", "f.gz.job", "-j", "1")
    if "2 done batches lost the shard" not in r.err:
        raise lab.Violation(f"it says: {r.err.strip()}")
    lab.check_whole(slot, s)


def backup_half_consumed(slot, table):
    """A copy from when the growing file had some, put back when it has all and
    its name: those are not made again."""
    s = table["half-consumed"]
    slot.reset(s)
    backup(slot, "old.db")
    joined = [id_ for id_, in slot.sql("SELECT id FROM batch WHERE "
                                       "state = 'done' AND joined = token")]
    slot.must(*s.command)
    put_back(slot, "old.db")
    file_stands(slot, s)
    lab.check_again(slot, s)
    expect("commits of what the file has", slot.sql(
        "SELECT DISTINCT n FROM (SELECT count(*) AS n FROM attempt WHERE "
        f"outcome = 'done' AND batch IN ({', '.join(map(str, joined))}) "
        "GROUP BY batch)"), [(1,)])


CASES = [log_lost, log_lost_beside_reader, backup_back, backup_consumed,
         backup_half_consumed]
