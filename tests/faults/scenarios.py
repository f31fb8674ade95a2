"""scenarios.py - fixed small jobs, each at a moment when a command is given

The command is what a fault hits; given again it must bring the job, or the
commands of `finish` after it, to the final file of an undisturbed run.
"""
import os
import random
import shutil
import subprocess
import sys
import threading

import lab

ROWS, WIDTH, BATCH_ROWS = 96, 60, 24
# More than the 16 batches of a group: shards are removed when the index note
# about them is in the final file.
MANY_ROWS = 5


def make_data():
    path = os.path.join(lab.work, "data")
    subprocess.run([sys.executable, os.path.join(lab.TESTS, "nasty.py"),
                    "--plain", str(ROWS), str(WIDTH), "1", path], check=True)
    with open(os.path.join(path, "args"), encoding="utf-8") as f:
        return f.read().splitlines()


NOISE = 500000  # bytes, from which batches are cut that do not compress


def make_noise():
    path = os.path.join(lab.work, "noise")
    with open(path, "wb") as f:
        f.write(random.Random(1).randbytes(NOISE))
    return path


data_args = None
_references = {}
_lock = threading.Lock()


def candidates(*more):
    return ["--batch-rows", str(BATCH_ROWS), *data_args, *more]


def many(*more):
    return ["--batch-rows", str(MANY_ROWS), *data_args, *more]


EXEC = ["--range", "6", "--size", "2", "--", "seq", "{first}", "{last}"]
# The same text by a command that lives.
# In one line, as a log of calls has it.
SERVED = "; ".join((
    "while IFS= read -r ask",
    """do first=${ask##*'"first": '} end=${ask##*'"end": '}""",
    """out=${ask##*'"output": "'}""",
    """seq ${first%%,*} $((${end%%,*} - 1)) >"${out%\\"*}" || exit""",
    "echo ok",
    "done",
))
# A file of each batch; the final file lists them, with their sizes and CRCs.
FILES_TO = ["--to", "made", "--suffix", ".txt", "--", "sh", "-c",
            "seq $1 $2 >$3", "sh", "{first}", "{last}", "{out}"]
FILES = ["--range", "6", "--size", "2", *FILES_TO]
SERVE = ["--range", "6", "--size", "2", "--serve", "--", "sh", "-c", SERVED]


def large(noise):
    """Batches that begin at a block of the final file, and share blocks with
    it where the file system can.  One process: of a pipeline the first may be
    killed, and the shell tell nobody."""
    return ["--range", "3", "--", "sh", "-c",
            f"exec dd status=none bs=64k if={noise} count=270000 "
            "iflag=skip_bytes,count_bytes,fullblock skip=$(($1 * 100000))",
            "sh", "{first}"]


def reference(key, argv):
    """The final file of an undisturbed run of `argv`, which makes f.gz."""
    with _lock:
        if key not in _references:
            path = os.path.join(lab.base, "reference-" + key)
            os.mkdir(path)
            r = lab.run([lab.SHARDMILL, *argv], path)
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
                 keeps=False, redone=(), intact=()):
        self.name = name
        self.command = command    # which a fault hits, and which is repeated
        self._prepare = prepare
        self.finish = finish      # commands from there to the final file
        self.again = again        # statuses of the repeated command
        self.keeps = keeps        # what is done stays done
        self.redone = redone      # batches that had been done, put back
        self.intact = intact      # shards that are never made again
        self.vanishes = vanishes  # the job may be gone, its file complete
        self.key = key
        self.made = made          # the undisturbed run of its own, or None
        if key in ("plain", "many"):
            self.made = ["candidates", "-o", "f.gz", "-q", "-j", "1",
                         *(candidates() if key == "plain" else many())]

    def prepare(self, slot):
        if self._prepare:
            self._prepare(slot)

    def want(self):
        if self.made:
            return reference(self.key, self.made)
        with _lock:
            if self.key not in _references:
                slot = lab.Slot("reference-" + self.key)
                slot.reset(self)
                for argv in [self.command, *self.finish]:
                    slot.must(*argv)
                with open(slot.path("f.gz"), "rb") as f:
                    _references[self.key] = f.read()
            return _references[self.key]


def _planned(slot):
    slot.must("plan", "f.gz.job", "candidates", "-o", "f.gz", *candidates())


def _planned_many(slot):
    slot.must("plan", "f.gz.job", "candidates", "-o", "f.gz", *many())


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


def _damage(slot, at=40):
    """One bit of a shard: by default in its body, which is what is joined."""
    with open(slot.path("f.gz.job", "shards", "000001.gz"), "r+b") as f:
        at = f.seek(at, os.SEEK_END if at < 0 else os.SEEK_SET)
        byte = f.read(1)
        f.seek(at)
        f.write(bytes([byte[0] ^ 1]))


def _damaged(slot, at=40):
    _joinable(slot)
    _damage(slot, at)


def _half(slot, *options):
    """Two batches done, two pending."""
    _planned(slot)
    slot.sql("UPDATE batch SET state = 'failed' WHERE id > 1")
    slot.must("run", "f.gz.job", "-q", "-j", "1", *options, code=1)
    slot.sql("UPDATE batch SET state = 'pending' WHERE id > 1")


def _half_damaged(slot):
    _half(slot, "--no-follow")      # nothing is joined yet
    _damage(slot)


def _failed(slot):
    _half(slot)
    slot.sql("UPDATE batch SET state = 'failed' WHERE id = 2")


def _consumed(slot):
    """Finished, its shards consumed, some batches put back."""
    slot.must("candidates", "-o", "f.gz", "-q", "-j", "1", "--consume", *many())
    slot.sql("UPDATE batch SET state = 'pending' WHERE id IN (1, 3)")


def _half_consumed(slot):
    """Killed when some of the shards were removed, before the file is whole;
    then the first batch is put back."""
    _planned_many(slot)
    slot.sm("run", "f.gz.job", "-j", "1", "--consume", "--no-follow",
            env={"SHARDMILL_FAULT": "consume.after_unlink:kill:3"})
    rows = slot.sql("SELECT id FROM batch WHERE joined = token")
    if len(rows) < 2:
        sys.exit(f"the half-consumed job is not what it should be: {rows}")
    slot.sql("UPDATE batch SET state = 'pending' WHERE id = 0")


def _lose_database(slot):
    for name in ("job.db", "job.db-wal", "job.db-shm"):
        if os.path.exists(slot.path("f.gz.job", name)):
            os.unlink(slot.path("f.gz.job", name))


def _consumed_lost(slot):
    """Half consumed, and the database is gone."""
    _half_consumed(slot)
    _lose_database(slot)


def _standing(slot):
    """The final file alone: its job was finished and removed."""
    _done(slot)
    shutil.rmtree(slot.path("f.gz.job"))


def _lost(slot, at=200):
    """No database; one shard damaged, one of another job, two whole."""
    slot.must("candidates", "-o", "other.gz", "-q", *candidates("--encoder", "zlib"))
    _damaged(slot, at)
    shutil.copy(slot.path("other.gz.job", "shards", "000002.gz"),
                slot.path("f.gz.job", "shards", "000002.gz"))
    shutil.rmtree(slot.path("other.gz.job"))
    os.unlink(slot.path("other.gz"))
    _lose_database(slot)


def table():
    """All of them, by name."""
    global data_args
    if data_args is None:
        data_args = make_data()
    one = ["candidates", "-o", "f.gz", "-q", "-j", "1", *candidates()]
    other = ["candidates", "-o", "f.gz", "-q", "-j", "1", *candidates(),
             "--encoder", "zlib"]
    accept = [*other, "--accept-changed"]
    one_many = ["candidates", "-o", "f.gz", "-q", "-j", "1", *many()]
    accept_many = [*one_many, "--encoder", "zlib", "--accept-changed"]
    execs = ["exec", "-o", "f.gz", "-q", "-j", "1", *EXEC]
    filed = ["exec", "-o", "f.gz", "-q", "-j", "1", *FILES]
    served = ["exec", "-o", "f.gz", "-q", "-j", "1", *SERVE]
    larger = ["exec", "-o", "f.gz", "-q", "-j", "1", *large(make_noise())]
    resume = ["run", "f.gz.job", "-q", "-j", "1"]
    all_ = [
        Scenario("whole", one, keeps=True),
        Scenario("exec", execs, key="exec", made=execs,
                 keeps=True),
        Scenario("serve", served, key="serve", made=served, keeps=True),
        Scenario("files", filed, key="files", made=filed, keeps=True),
        Scenario("large", [larger[0], "--consume", *larger[1:]], key="large",
                 made=larger, keeps=True),
        Scenario("plan", ["plan", "f.gz.job", "candidates", "-o", "f.gz",
                          *candidates()], finish=[resume], keeps=True),
        Scenario("resume", resume, _wrecked, keeps=True, redone=(1,)),
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
                 lambda slot: _lost(slot, -160), finish=[resume], again=(0, 7),
                 intact=("000000.gz", "000003.gz")),
        Scenario("recover-whole", ["recover", "f.gz.job"], _done, again=(7,),
                 keeps=True),
        Scenario("restart", one + ["--restart", "--yes"], _wrecked,
                 vanishes=True),
        Scenario("standing", one, _standing, vanishes=True),
        Scenario("zombie", resume, _planned),
        Scenario("rot", resume, _damaged),
        Scenario("half-damaged", resume, _half_damaged),
        Scenario("failed", resume + ["--retry-failed"], _failed, keeps=True),
        Scenario("consume", one_many + ["--consume"], key="many", keeps=True),
        Scenario("unfollowed", one_many + ["--consume", "--no-follow"],
                 key="many", keeps=True),
        Scenario("half-consumed", resume, _half_consumed, key="many",
                 keeps=True, redone=(0,)),
        Scenario("put-back", resume, _consumed, key="many", keeps=True,
                 redone=(1, 3)),
        Scenario("recover-consumed", ["recover", "f.gz.job"], _consumed_lost,
                 finish=[resume], key="many", again=(0, 7)),
        Scenario("accept", accept, _planned, key="other", made=other),
        # What is done stays as it was made, the rest is made anew.
        Scenario("accept-half", accept, _half, key="half", keeps=True),
        Scenario("rewrite", accept_many, _consumed, key="rewrite", keeps=True,
                 redone=(1, 3)),
        Scenario("rewrite-half", accept_many, _half_consumed, key="rewrite-half",
                 keeps=True, redone=(0,)),
    ]
    return {s.name: s for s in all_}
