"""answers_disk.py - a sync or close that fails is not tried a second time

The kernel tells of lost pages once: behind a failed sync the next one on that
file says nothing of them.  So the file is given up, and made again.
"""
import re

import lab
from answers_lib import OUTCOMES, expect

SHARD, PART = "f.gz.job/shards/0", "f.gz.part"
SYNCS = "fdatasync,fsync"
TOUCHES = {"fdatasync", "fsync", "write", "writev", "pwrite64"}
GONE = " (deleted)"


def failed_calls(slot, scenario, what, path, codes):
    """The scenario's command, with all calls on files of that `path` written
    down: [(name, path, failed)]."""
    slot.reset(scenario)
    names, action, n = what
    r, lines = lab.trapped(slot, scenario, ["-r", "0", "-p", path, "-x", names,
                                            "-n", str(n), "-a", action])
    if r.code not in codes:
        raise lab.Violation(f"exit {r.code}, not {codes}: {r.err.strip()}")
    calls = [line.removesuffix(" !").split(" ", 2) + [line.endswith(" !")]
             for line in lines]
    calls = [(name, file, bad) for _, name, file, bad in calls]
    expect("did a call fail", any(bad for *_, bad in calls), True)
    return calls


def never_again(calls):
    """Once it failed a file is removed, or cut back to what was synced before,
    before anybody writes to it, syncs it or gives it a name."""
    given_up = set()
    for name, file, bad in calls:
        if name in ("unlink", "unlinkat") and file in given_up:
            given_up.remove(file)
            given_up.add(file + GONE)   # as its descriptors call it
        elif name == "ftruncate":
            given_up.discard(file)
        elif name in TOUCHES and file in given_up:
            raise lab.Violation(f"{name} of '{file}', of which a sync failed")
        if bad:
            given_up.add(file)
    left = [file for file in given_up if not file.endswith(GONE)]
    if left:
        raise lab.Violation(f"given up, and not removed: {left}")


def _shards_again(slot, table, names, action, code, failed):
    """Temporary names end in the token of the attempt: none is synced twice,
    and none that failed gets its batch's name."""
    calls = failed_calls(slot, table["work"], (names, action, 1), SHARD, [code])
    never_again(calls)
    bad = [file for _, file, is_bad in calls if is_bad]
    expect("files that failed", (len(bad), len(set(bad))), (failed, failed))
    if not all(re.search(r"/\d{6}\.-?\w+\.tmp$", file) for file in bad):
        raise lab.Violation(f"what failed is no temporary file: {bad}")
    synced = [file for name, file, _ in calls if name in SYNCS.split(",")]
    expect("syncs of one file", len(synced), len(set(synced)))
    expect("outcomes", slot.sql(OUTCOMES), failed * [(0, "returned")])
    lab.check_made(slot, table["work"])


def shard_sync_fails(slot, table):
    """One more attempt makes the batch, in a file of its own."""
    _shards_again(slot, table, SYNCS, "EIO", 0, 1)


def shard_syncs_fail(slot, table):
    """Three attempts in a row are enough."""
    _shards_again(slot, table, SYNCS, "EIO+", 4, 3)


def shard_close_fails(slot, table):
    _shards_again(slot, table, "close", "EIO", 0, 1)


def shard_closes_fail(slot, table):
    _shards_again(slot, table, "close", "EIO+", 4, 3)


def final_sync_fails(slot, table):
    """What was joined is removed, or cut back to what rows rely on.  Where it
    grew beside the run it may be joined anew, at once."""
    for name, n, codes in (("finalize", 1, [4]), ("unfollowed", 1, [4]),
                           ("unfollowed", 2, [4]), ("rewrite", 1, [4]),
                           ("whole", 1, [0, 4])):
        never_again(failed_calls(slot, table[name], (SYNCS, "EIO", n), PART,
                                 codes))
        lab.check_made(slot, table[name])


def consume_sync_full(slot, table):
    """That it was a full disk, of which room could be made, does not make the
    file one that was synced: no shard may go for what is in it."""
    for n in (3, 8, 9):
        failed_calls(slot, table["consume"], (SYNCS, "ENOSPC", n), PART, [0, 4])
        lab.check_made(slot, table["consume"])


CASES = [shard_sync_fails, shard_syncs_fail, shard_close_fails,
         shard_closes_fail, final_sync_fails, consume_sync_full]
