"""answers_host.py - heartbeats that stop while the work goes on, and workers
of before a reboot, whose pids are others' now
"""
import struct
import subprocess

import lab
import zombies
from answers_lib import OUTCOMES, expect, faulty

NO_BEAT = {"SHARDMILL_FAULT": "pulse.beat:EIO:1+"}
# Batch 0 is finished when the file `go` is there, at its first attempt.
SLOW = ["plan", "f.gz.job", "exec", "-o", "f.gz", "--range", "4", "--size",
        "2", "--lease", "3", "--", "sh", "-c",
        '[ "$1$SHARDMILL_ATTEMPT" != 01 ] || '
        "while [ ! -e go ]; do sleep 0.02; done; "
        'seq "$1" "$2"', "sh", "{first}", "{last}"]


def final_text(slot):
    r = slot.must("cat", "f.gz")
    expect("text", r.out, "0\n1\n2\n3\n")


def heart_stopped(slot, table):
    """Nobody gave it up before its commit, so that counts."""
    faulty(slot, table["work"], NO_BEAT["SHARDMILL_FAULT"], 0)
    expect("outcomes", slot.sql(OUTCOMES), [])
    lab.check_made(slot, table["work"])


def heart_stopped_killed(slot, table):
    """The supervisor takes it for a process that stands still."""
    slot.reset(table["exec"])
    slot.must(*SLOW)
    r = slot.sm("run", "f.gz.job", "-q", "-j", "1", env=NO_BEAT)
    expect(f"exit status ({r.err.strip()})", r.code, 0)
    expect("outcomes", slot.sql(OUTCOMES), [(0, "stalled")])
    final_text(slot)


def heart_stopped_fenced(slot, table):
    """Should it live on, the guard decides: its batch is another's, and it
    changes nothing."""
    slot.reset(table["exec"])
    slot.must(*SLOW)
    slot.sql("UPDATE job SET workers = 0")
    run = zombies.Process(slot, ["run", "f.gz.job", "-q"], zombies.NO_KILL)
    late = zombies.Process(slot, ["work", "f.gz.job", "-q"], NO_BEAT)
    try:
        zombies.wait_for(40, "it is given up", lambda: slot.sql(
            "SELECT 1 FROM attempt WHERE batch = 0 AND outcome = 'stalled'"))
        slot.sql("UPDATE job SET workers = 1")
        zombies.wait_for(40, "another one makes the batch", lambda: slot.sql(
            "SELECT 1 FROM batch WHERE id = 0 AND state = 'done'"))
        made = slot.inodes(["000000.gz"]), zombies.rows(slot)[0]
        with open(slot.path("go"), "w", encoding="utf-8"):
            pass
        expect("the late one's status", late.ended(30, "the late one"), 0)
        expect("the run's status", run.ended(30, "the run"), 0)
        expect("shard and row", (slot.inodes(["000000.gz"]),
                                 zombies.rows(slot)[0]), made)
        expect("attempts", slot.sql("SELECT outcome FROM attempt "
                                    "WHERE batch = 0 ORDER BY id"),
               [("stalled",), ("done",)])
        zombies.no_temporary(slot)
        final_text(slot)
    finally:
        late.end()
        run.end()


def start_of(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
        return int(f.read().rpartition(")")[2].split()[19])


def rebooted(slot, table):
    """What says that a worker lives is its lock, which no reboot survives: by
    its row and slot it may be a process of today, begun at its very tick."""
    s = table["work"]
    for shift in (0, 1):
        slot.reset(s)
        slot.sql("UPDATE job SET max_attempts = 1")
        slot.sm(*s.command, env={"SHARDMILL_FAULT": "work.produced:kill:3"})
        other = subprocess.Popen(["sleep", "600"])
        try:
            start = start_of(other.pid) + shift
            [(slot_of,)] = slot.sql("SELECT slot FROM worker")
            slot.sql(f"UPDATE worker SET pid = {other.pid}, "
                     f"pid_start = {start}")
            with open(slot.path("f.gz.job", "workers"), "r+b") as f:
                f.seek(4096 + 32 * slot_of + 16)
                f.write(struct.pack("=qQ", other.pid, start))
            slot.must(*table["resume"].command)
            expect("outcomes", slot.sql(OUTCOMES), [(2, "interrupted")])
            expect("tries that count", slot.sql(
                "SELECT max(attempts) FROM batch"), [(1,)])
            expect("the other process", other.poll(), None)
        finally:
            other.kill()
            other.wait()
        lab.check_made(slot, s)


CASES = [heart_stopped, heart_stopped_killed, heart_stopped_fenced, rebooted]
