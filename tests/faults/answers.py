"""answers.py - a fault, and the one answer that is right

    answers.py [CASE...]

Where the oracle of lab.py allows several ways to get to the final file, one is
promised: the status that is ended with, what the table `attempt` says, what is
not done a second time.  Each case is a function with such a fault in it;
answers_db.py has those of an earlier database, answers_disk.py of failing
syncs, answers_host.py of heartbeats that stop and pids of before a reboot.
"""
import gzip
import os
import signal
import sqlite3
import sys
import time

import answers_db
import answers_disk
import answers_host
import answers_twice
import lab
import scenarios
import zombies
from answers_lib import OUTCOMES, expect, faulty, stopped


def made_once(slot, table):
    """Each batch is claimed by the commit of the one before, and only then."""
    passed = faulty(slot, table["work"], "none:EIO", 0)
    expect("claims by themselves", passed.count("work.claimed"), 1)
    expect("commits", passed.count("db.committed"),
           passed.count("batch.marked_done") + 3)   # join, claim, leave


def claim_lost(slot, table):
    """The first claim's commit fails: that is told, and nothing is made."""
    # The first commit is that of the worker's own row.
    faulty(slot, table["work"], "db.commit:EIO:2", 4, "cannot commit")
    expect("attempts", slot.sql("SELECT * FROM attempt"), [])


def commit_lost(slot, table):
    """A batch's commit fails once: it is committed again, not made again."""
    passed = faulty(slot, table["work"], "db.commit:EIO:3", 0)
    expect("shards written", passed.count("work.produced"), 4)
    expect("outcomes", slot.sql(OUTCOMES), [])


def commit_unsaid(slot, table):
    """It had taken effect, with the claim in it: both hold."""
    passed = faulty(slot, table["work"], "db.commit_unsaid:EIO:3", 0)
    expect("shards written", passed.count("work.produced"), 4)
    expect("claims by themselves", passed.count("work.claimed"), 1)
    expect("outcomes", slot.sql(OUTCOMES), [])


def commit_never(slot, table):
    passed = faulty(slot, table["work"], "db.commit:EIO:3+", 4,
                    "tried 3 times")
    expect("tries", passed.count("work.unknown"), 3)


def disk_now_and_then(slot, table):
    """Trouble with the disk that goes away is no reason to end; three times in
    a row it is."""
    faulty(slot, table["work"], "shard.create:EIO:1,shard.create:EIO:3,"
           "shard.create:EIO:5", 0)
    expect("outcomes", slot.sql(OUTCOMES),
           [(0, "returned"), (1, "returned"), (2, "returned")])
    faulty(slot, table["work"], "shard.create:EIO:1+", 4, "cannot create shard")
    expect("outcomes", slot.sql(OUTCOMES), 3 * [(0, "returned")])


def commands_fail(slot, table):
    """Those of batches are no reason: all are tried, which is told once."""
    slot.reset(table["exec"])
    slot.must("plan", "g.gz.job", "exec", "-o", "g.gz", "--range", "6",
              "--size", "1", "--max-attempts", "1", "--", "sh", "-c",
              "echo no >&2; exit 3")
    r = slot.must("work", "g.gz.job", code=1)
    expect("messages", r.err.count("it has failed"), 2)
    expect("count", r.err.count("6 times in all: batch N: "), 1)
    expect("attempts", slot.sql("SELECT outcome, exit_status, stderr, count(*)"
                                " FROM attempt", "g.gz.job"),
           [("error", 3, "no\n", 6)])


def newer_version(slot, table):
    """A database of a later program is no damaged one."""
    slot.reset(table["finalize"])
    slot.sql("PRAGMA user_version = 9999")
    slot.must("recover", "f.gz.job", code=7)
    expect("version", slot.sql("PRAGMA user_version"), [(9999,)])


def unknown_and_put_back(slot, table):
    """Whether it was committed is looked up, and meanwhile it is another's."""
    for fault, edit in (("db.commit", "state = 'pending'"),
                        ("db.commit_unsaid", "state = 'pending'"),
                        ("db.commit", "token = token + 1")):
        stopped(slot, table["work"], f"{fault}:EIO:3,work.unknown:stop",
                lambda _, edit=edit: slot.sql(
                    f"UPDATE batch SET {edit} WHERE id = 0"), 0)
        lab.check_again(slot, table["resume"])


def unknown_and_deleted(slot, table):
    """The same, and its row is gone: the others are made, that is told."""
    stopped(slot, table["work"], "db.commit:EIO:3,work.unknown:stop",
            lambda _: slot.sql("DELETE FROM batch WHERE id = 0"), 0)
    expect("left", slot.sql("SELECT state, count(*) FROM batch"),
           [("done", 3)])
    slot.must("finalize", "f.gz.job", code=6)


def drained(slot, table):
    """Asked to end in the middle of a batch: that one is finished, and no
    other one claimed."""
    def ask(process):
        db.append(sqlite3.connect(slot.path("f.gz.job", "job.db"),
                                  isolation_level=None))
        db[0].execute("BEGIN IMMEDIATE")
        process.p.send_signal(signal.SIGTERM)

    def hold():
        time.sleep(1)       # until it has heard of it
        db[0].execute("ROLLBACK")
        db[0].close()

    db = []
    stopped(slot, table["work"], "work.produced:stop", ask, 143, hold)
    expect("attempts", slot.sql("SELECT batch, outcome FROM attempt"),
           [(0, "done")])


def finished(slot, table):
    """A final file that is complete is looked at, and not written again."""
    slot.reset(table["finalize"])
    slot.must("finalize", "f.gz.job")
    before = os.stat(slot.path("f.gz"))
    slot.must("finalize", "f.gz.job")
    slot.must(*table["resume"].command)
    after = os.stat(slot.path("f.gz"))
    expect("the file", (after.st_ino, after.st_mtime_ns),
           (before.st_ino, before.st_mtime_ns))


def stopped_joining(slot, table):
    """finalize ends when asked to, and the next one takes up what it has."""
    text = stopped(slot, table["finalize"], "final.write:stop:2",
                   lambda process: process.p.send_signal(signal.SIGTERM), 143)
    if "stopped while joining" not in text:
        raise lab.Violation(f"it says: {text}")
    if os.path.exists(slot.path("f.gz")):
        raise lab.Violation("there is a final file")
    lab.check_again(slot, table["finalize"])


def many_joined(slot, table):
    """More batches than are read at once, by finalize alone and by run."""
    want = "".join(f"{n}\n" for n in range(300))
    for argv in (["--no-follow"], ["--consume"]):
        slot.reset(table["exec"])
        slot.must("exec", "-o", "many.gz", "-q", "-j", "2", *argv, "--range",
                  "300", "--size", "1", "--", "echo", "{first}")
        with gzip.open(slot.path("many.gz"), "rt") as f:
            expect(f"the text with {argv} is right", f.read() == want, True)
        slot.must("verify", "many.gz")


def joined_twice(slot, table):
    """A second finalize is told of the first, which is not disturbed."""
    def again(_):
        r = slot.must("finalize", "f.gz.job", code=8)
        if "another finalize" not in r.err:
            raise lab.Violation(f"it says: {r.err.strip()}")

    stopped(slot, table["finalize"], "final.write:stop:2", again, 0)
    lab.check_again(slot, table["finalize"])


def taken_over(slot, table):
    """Frozen while it begins, it finds the job another's, whose number of the
    run it does not take for its own."""
    def take_over(_):
        slot.must("run", "f.gz.job", "-q", "-j", "1", "--takeover")
        before.append((zombies.files(slot), zombies.rows(slot)))

    run = table["zombie"].command
    for argv in run, [*run, "--takeover"]:
        for point in "run.locked", "run.before_set", "run.set":
            before = []
            text = stopped(slot, table["zombie"], f"{point}:stop", take_over, 8,
                           argv=argv)
            if "took the job" not in text:
                raise lab.Violation(f"{point}: it says: {text}")
            expect("files and rows", (zombies.files(slot), zombies.rows(slot)),
                   before[0])
            expect("takeovers", slot.sql("SELECT run FROM job"),
                   [(2 if argv != run and point == "run.set" else 1,)])


def rotten_to_the_end(slot, table):
    """A shard is found damaged as the last batch is done elsewhere: the same
    run makes it again."""
    faulty(slot, table["half-damaged"], "work.produced:wait" +
           3 * ",join.before_requeue:wait", 0, "making it again")
    lab.check_whole(slot, table["half-damaged"])


REPLAN = ["slurm", "f.gz.job", "--parts", "2", "--print"]


def parts_killed(slot, table):
    """Parts that a kill left half made are no job, and the same command makes
    them anew."""
    plan = [*table["plan"].command, "--parts", "2"]
    for scenario, argv, points in (
            (table["plan"], plan, ("parts.made_one", "parts.before_marker")),
            (table["work"], REPLAN, ("parts.made_one", "parts.before_marker",
                                     "replan.before_unlink"))):
        for point in points:
            slot.reset(scenario)
            r = slot.sm(*argv, env={"SHARDMILL_FAULT": f"{point}:kill"})
            expect(f"exit status at {point}", r.code, -signal.SIGKILL)
            slot.must(*argv)
            slot.must("run", "f.gz.job", "-q", "-j", "1")
            with open(slot.path("f.gz"), "rb") as f:
                if f.read() != scenario.want():
                    raise lab.Violation(f"{point}: another final file")


def worked_meanwhile(slot, table):
    """A job that is begun while it is planned again in parts stays as it is; a
    worker that comes late does not begin one that is gone."""
    text = stopped(slot, table["work"], "parts.before_marker:stop",
                   lambda _: slot.must("work", "f.gz.job", "-q"), 7,
                   argv=REPLAN)
    if "were begun" not in text:
        raise lab.Violation(f"it says: {text}")
    expect("parts", [name for name in os.listdir(slot.path("f.gz.job"))
                     if name.startswith("part-")], [])
    lab.check_again(slot, table["resume"])
    text = stopped(slot, table["work"], "work.opened:stop",
                   lambda _: slot.must(*REPLAN), 3)
    if "planned anew" not in text:
        raise lab.Violation(f"it says: {text}")


def files_of(slot):
    """Those of the job that are work done: databases and shards."""
    return sorted(os.path.join(top, name)
                  for top, _, names in os.walk(slot.path("f.gz.job"))
                  for name in names if name.endswith((".gz", "job.db")))


def looks_fail(slot, table):
    """What cannot be looked at is trouble with the disk, and not what is not
    there, or somebody else's: 4, nothing is lost, nothing made anew."""
    def unmarked(slot):
        slot.must(*plan)
        slot.must("run", "f.gz.job", "-q", "-j", "1")
        os.unlink(slot.path("f.gz"))
        os.unlink(slot.path("f.gz.job", "spec.json"))
        # So that one look alone finds any.
        for name in os.listdir(slot.path("f.gz.job", "part-0000", "shards")):
            os.unlink(slot.path("f.gz.job", "part-0000", "shards", name))

    plan = [*table["plan"].command, "--parts", "2"]
    for s, where in (
            (table["rewrite-half"], "f.gz.part"),
            (scenarios.Scenario("ordinary", plan, table["work"].prepare,
                                again=(7,)), "f.gz.job/"),
            (scenarios.Scenario("unmarked", plan, unmarked, again=(6,)),
             "f.gz.job/part-")):
        options = ["-r", "0", "-p", where, "-c", "newfstatat,fstat,faccessat2"]
        calls = len(lab.trapped_calls(slot, s, options))
        if calls == 0:
            raise lab.Violation(f"{s.name}: it looks at nothing")
        for n, action in [(n, a) for n in range(1, calls + 1)
                          for a in ("EIO", "EIO+")]:
            slot.reset(s)
            before = files_of(slot)
            r, _ = lab.trapped(slot, s, [*options, "-n", str(n), "-a", action])
            lab.check_ended(r)
            what = f"{s.name}, {n} {action} ({r.err.strip()})"
            if r.code not in (4, *s.again):
                raise lab.Violation(f"{what}: exit {r.code}")
            if s.again != (0,):
                expect(f"{what}: files", files_of(slot), before)
            slot.must(*s.command, code=s.again[0])


def locks_kept(slot, table):
    """A second connection that cannot be opened costs the first one no lock,
    although SQLite closes a database file that it cannot fstat: what is
    committed after that is not in a log that the worker has removed."""
    where = ["-r", "0", "-p", "f.gz.job/job.db", "-c"]
    told = 0
    for name in "consume", "half-consumed":
        calls = lab.trapped_calls(slot, table[name],
                                  [*where, "openat,newfstatat,fstat"])
        # Counted without the openat; another thread's call may come between.
        after = {sum(c != "openat" for _, c, _ in calls[:i]) + more
                 for i, (_, call, path) in enumerate(calls)
                 if call == "openat" and path.endswith("/job.db")
                 for more in (1, 2)}
        for n in sorted(after):
            slot.reset(table[name])
            r, _ = lab.trapped(slot, table[name], [
                *where, "newfstatat,fstat", "-n", str(n), "-a", "EIO+"])
            lab.check_ended(r)
            if r.code not in (0, 4):
                raise lab.Violation(f"exit {r.code}: {r.err.strip()}")
            told += r.code == 0 and "cannot open the database" in r.err
            lab.check_said(slot, table[name], r)
            lab.check_made(slot, table[name])
    if not told:
        raise lab.Violation("no second connection met the fault")


CASES = [made_once, claim_lost, commit_lost, commit_unsaid, commit_never,
         disk_now_and_then, commands_fail, newer_version,
         unknown_and_put_back, unknown_and_deleted, drained, finished,
         stopped_joining, many_joined, joined_twice, taken_over,
         parts_killed, worked_meanwhile, rotten_to_the_end, locks_kept, looks_fail,
         *answers_db.CASES, *answers_disk.CASES, *answers_host.CASES,
         *answers_twice.CASES]


def cases(table):
    return [(c.__name__.replace("_", " "), (table,), c) for c in CASES]


def main():
    table = scenarios.table()
    d = lab.Driver("one right answer")
    some = [case for case in cases(table)
            if not sys.argv[1:] or case[0].replace(" ", "_") in sys.argv[1:]]
    d.run(lambda slot, call, args: call(slot, *args),
          [(label, (call, args)) for label, args, call in some])
    lab.finish(d)


if __name__ == "__main__":
    main()
