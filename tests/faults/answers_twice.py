"""answers_twice.py - a batch fails, and then what would record that does"""
import os

import lab
from answers_lib import expect

# Statements behind a batch's failure that are let fail, one after the other.
BEHIND = 8


def faults(slot, begin, command, first):
    """`first`, and besides each statement that runs or is prepared soon after
    the batch was begun, as values of SHARDMILL_FAULT."""
    log = slot.path("passed")
    begin()
    slot.sm(*command, env={"SHARDMILL_FAULT": first or "none:EIO",
                           "SHARDMILL_FAULT_LOG": log,
                           "SHARDMILL_FAULT_LOG_SQL": "1"})
    with open(log, encoding="utf-8") as f:
        passed = f.read().split()
    os.unlink(log)
    begun = passed.index("shard.create")
    for point in ("sql.prepare", "sql.step"):
        before = passed[:begun].count(point)
        for n in range(before + 1, before + 1 + BEHIND):
            yield ",".join(filter(None, [first, f"{point}:EIO:{n}"]))


def disk_and_database(slot, table):
    """The shard cannot be made, and the batch cannot be given back: either is
    told, and the same command again makes all."""
    s = table["work"]
    for fault in faults(slot, lambda: slot.reset(s), s.command,
                        "shard.create:EIO:1"):
        slot.reset(s)
        r = slot.sm(*s.command, env={"SHARDMILL_FAULT": fault})
        lab.check_ended(r)
        if r.code not in (0, 4) or (r.code and not r.err.strip()):
            raise lab.Violation(f"{fault}: exit {r.code}: {r.err.strip()}")
        lab.check_again(slot, table["resume"])


def command_and_database(slot, table):
    """A command fails, and that cannot be recorded: its try counts once."""
    def begin():
        slot.reset(table["exec"])
        slot.must("plan", "g.gz.job", "exec", "-o", "g.gz", "--range", "2",
                  "--size", "1", "--max-attempts", "1", "--", "sh", "-c",
                  "exit 3")

    command = ["work", "g.gz.job"]
    for fault in faults(slot, begin, command, ""):
        begin()
        r = slot.sm(*command, env={"SHARDMILL_FAULT": fault})
        lab.check_ended(r)
        if r.code not in (1, 4) or not r.err.strip():
            raise lab.Violation(f"{fault}: exit {r.code}: {r.err.strip()}")
        slot.must(*command, code=1)
        expect(f"attempts with {fault}", slot.sql(
            "SELECT batch, count(*) FROM attempt WHERE outcome = 'error' "
            "GROUP BY batch", "g.gz.job"), [(0, 1), (1, 1)])


CASES = [disk_and_database, command_and_database]
