"""edits.py - a person changes the table while the program stands at a point

    edits.py

`finalize` and `work` are stopped at each fault point that they pass; a batch is
put back, or all are, by the sqlite3 shell's UPDATE or by `retry`; they go on.
They must end with a documented status, finalize with 0 only if the file that
it made is the file of the rows as they are; and the next run is whole.
"""
import os
import signal

import lab
import scenarios
import zombies

EDITS = {
    "one": "UPDATE batch SET state = 'pending' WHERE id = 1",
    "all": "UPDATE batch SET state = 'pending'",
    "fail": "UPDATE batch SET state = 'failed' WHERE state = 'running'",
    # ... and is made again at once, by another worker.
    "remade": "UPDATE batch SET state = 'pending' WHERE id = 1",
}
# job.db is opened after this: what is made again by then is in the file.
UNREAD = {"reach.marked"}


def complete(slot):
    """Does the program say that the final file is this job's, whole?"""
    r = slot.sm("finalize", "f.gz.job")
    return r.code == 0


def case(slot, scenario, point, n, edit):
    slot.reset(scenario)
    process = zombies.Process(slot, scenario.command,
                              {"SHARDMILL_FAULT": f"{point}:stop:{n}"})
    try:
        zombies.wait_for(20, "the program stops", lambda: process.stopped() or
                         process.p.poll() is not None)
        if process.p.poll() is not None:
            return False
        slot.sql(EDITS[edit])
        if edit == "remade":
            slot.must("work", "f.gz.job", "-q")
        process.p.send_signal(signal.SIGCONT)
        code = process.ended(30, "the program")
        if code not in lab.DOCUMENTED:
            raise lab.Violation(f"exit {code}: {process.text()}")
        left = slot.sql("SELECT id FROM batch WHERE state <> 'done'")
        if scenario.command[0] == "finalize" and left and (
                code == 0 or os.path.exists(slot.path("f.gz"))):
            raise lab.Violation(f"finalize: exit {code} with {left} put back")
        if (scenario.command[0], edit, code) == ("finalize", "remade", 0):
            if point not in UNREAD:
                raise lab.Violation("finalized what was made again meanwhile")
            before = os.stat(slot.path("f.gz")).st_ino
            slot.must("finalize", "f.gz.job")
            if os.stat(slot.path("f.gz")).st_ino != before:
                raise lab.Violation("the file is of the batch before")
        if left and complete(slot):
            raise lab.Violation(f"called complete with {left} put back")
    finally:
        process.end()
    slot.must("run", "f.gz.job", "-q", "-j", "1", "--retry-failed")
    lab.check_whole(slot, scenario)
    return True


def case_made_again(slot, scenario):
    """Done, but by another attempt than the file's: joined once more."""
    slot.reset(scenario)
    slot.must(*scenario.command)
    before = os.stat(slot.path("f.gz")).st_ino
    slot.sql("UPDATE batch SET state = 'pending' WHERE id = 3")
    slot.must("work", "f.gz.job", "-q")
    slot.must("finalize", "f.gz.job")
    if os.stat(slot.path("f.gz")).st_ino == before:
        raise lab.Violation("an older file was called complete")
    lab.check_whole(slot, scenario)
    return True


def cases(slot, table):
    """[(label, arguments of case())]"""
    found = []
    for name in ("finalize", "work"):
        scenario = table[name]
        slot.reset(scenario)
        log = os.path.join(lab.base, "points")
        slot.sm(*scenario.command, env={"SHARDMILL_FAULT_LOG": log})
        with open(log, encoding="utf-8") as f:
            passed = f.read().split()
        os.unlink(log)
        counts = {}
        for point in passed:
            counts[point] = counts.get(point, 0) + 1
            # In a transaction nobody can edit; what comes behind is too late.
            if point in zombies.LOCKED or point == "pulse.beat":
                continue
            found += [(f"{name}: {point}:stop:{counts[point]}, {edit}",
                       (scenario, point, counts[point], edit))
                      for edit in EDITS if (name, edit) not in
                      (("work", "remade"), ("finalize", "fail"))]
    return found


def main():
    table = scenarios.table()
    slot = lab.Slot("count")
    d = lab.Driver("edits by hand")
    d.run(case, d.sample(cases(slot, table), int(os.environ.get("COUNT") or
                                    (0 if lab.LONG else 60)) or None))
    d.run(case_made_again, [("made again", (table["finalize"],))])
    lab.finish(d)


if __name__ == "__main__":
    main()
