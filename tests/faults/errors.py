"""errors.py - the n-th system call fails, once and from then on

    errors.py files|sqlite|points|statements [SCENARIO...]

Every call on a file of the job, of its inputs and of the final file, with each
errno that such a call may meet (`files`); those on job.db, its log and its
shared memory alone, as SQLite meets them (`sqlite`); the fault points that
stand for a call or a commit (`points`); and every statement, as it is prepared
and as it runs (`statements`).  The run in which it happens must end
with a documented status, and with a message if that is not 0; what has grown of
the final file stays, to be taken up again; then the oracle of lab.py.
"""
import collections
import os
import re
import sys

import lab
import scenarios

DISK = ["EIO", "ENOSPC", "EDQUOT", "EROFS"]
# Opening what is there needs no space.
CREATED = re.compile(r"\.(tmp|part[.0-9]*|lock)$|"
                     r"/(job\.db-?\w*|workers|consumed)$")
ERRORS = {
    "openat": ["EIO", "ENOSPC", "EDQUOT", "EINTR", "EMFILE", "ENOMEM",
               "EROFS"],
    "read": ["EIO", "EINTR"],
    "pread64": ["EIO", "EINTR"],
    "write": ["EIO", "ENOSPC", "EDQUOT", "EINTR"],
    "pwrite64": ["EIO", "ENOSPC", "EDQUOT", "EINTR"],
    "ioctl": ["EIO", "ENOSPC", "EDQUOT", "EINTR", "EOPNOTSUPP"],
    "fsync": ["EIO", "ENOSPC", "EDQUOT"],
    "fdatasync": ["EIO", "ENOSPC", "EDQUOT"],
    "ftruncate": ["EIO", "ENOSPC", "EDQUOT", "EINTR", "EROFS"],
    "fallocate": ["EIO", "ENOSPC", "EDQUOT", "EINTR"],
    "close": ["EIO", "ENOSPC", "EDQUOT", "EINTR"],
    "newfstatat": ["EIO", "ENOMEM"],
    "fstat": ["EIO", "ENOMEM"],
    "faccessat2": ["EIO", "ENOMEM"],
    "fstatfs": ["EIO"],
    "getdents64": ["EIO", "ENOMEM"],
    "fcntl": ["EIO", "EINTR", "ENOMEM"],
    "flock": ["EINTR", "ENOMEM"],
    "mkdir": DISK + ["ENOMEM"],
    "mkdirat": DISK + ["ENOMEM"],
    "rename": DISK + ["ENOMEM"],
    "renameat": DISK + ["ENOMEM"],
    "unlink": DISK,
    "unlinkat": DISK,
    "rmdir": DISK,
}
# Calls that name no file: what they ask for is of the process.
NAMELESS = {
    "mmap": ["ENOMEM"],
    "clone": ["EAGAIN", "ENOMEM"],
    "clone3": ["EAGAIN", "ENOMEM"],
    "vfork": ["EAGAIN", "ENOMEM"],
    "fork": ["EAGAIN", "ENOMEM"],
    "execve": ["EIO", "ENOMEM"],
    "socketpair": ["EMFILE", "ENOMEM"],
    "pipe2": ["EMFILE", "ENOMEM"],
    "eventfd2": ["EMFILE", "ENOMEM"],
}


# Fault points that can report an errno: sm_fault_errno() in src.
POINTS = ["db.commit", "db.commit_unsaid", "shard.create", "shard.write",
          "shard.pwrite", "shard.sync", "shard.close", "shard.rename",
          "join.sync", "consume.sync", "follow.start", "follow.sync",
          "join.rename", "final.write", "file.sync", "file.rename", "rand.token", "table.reserve",
          "table.write", "table.sync", "digest.read", "digests.start"]
STATEMENTS = ["sql.prepare", "sql.step"]
# SQLite keeps no errno of a file that is closed.
ERRNO_LOST = re.compile(r"cannot choose the journal")
# A commit that is made to fail knows no errno, and what was to be removed is
# told as what it stands in the way of.
SPACELESS = {"db.commit", "db.commit_unsaid", "unlink", "unlinkat", "rmdir"}


def options(kind, slot):
    """What of a run's calls is looked at."""
    if kind == "sqlite":
        return ["-p", slot.path("f.gz.job", "job.db")]
    return ["-p", lab.work]


def undisturbed(slot, scenario, kind):
    """[(role, name, n, path)] of calls that may fail."""
    counts = collections.Counter()
    found = []
    for role, name, path in lab.trapped_calls(slot, scenario,
                                              options(kind, slot)):
        counts[role, name] += 1
        if role < 2 and name in ERRORS:
            found.append((role, name, counts[role, name], path))
    if kind == "sqlite":
        return found
    begun = collections.Counter()
    counts.clear()
    for role, name, path in lab.trapped_calls(slot, scenario, []):
        counts[role, name] += 1
        # Before its first look at the job a process is the loader's.
        begun[role] += path.startswith(lab.work)
        if name in NAMELESS and (name == "execve" or
                                 role < 2 and begun[role]):
            found.append((role, name, counts[role, name], ""))
    return found


def check_answer(scenario, result, what, action):
    """A failed call is trouble outside the job: 4, and no other status but
    those of a run in which it was of no consequence.  A full disk is told, and
    once; that the final file does not grow for it is a notice."""
    lab.check_ended(result)
    may = {0, 4, *scenario.again}
    if (what, action) == ("openat", "EROFS+"):
        may.add(3)      # opening for reading too, which no file system does
    if result.code not in may:
        raise lab.Violation(f"exit {result.code}: {result.err.strip()}")
    lines = [line for line in result.err.splitlines() if "make space" in line
             and not line.endswith("; the shards are joined at the end")]
    if result.code == 4 and action.rstrip("+") in ("ENOSPC", "EDQUOT") and \
            what not in SPACELESS and len(lines) != 1 and \
            not ERRNO_LOST.search(result.err):
        raise lab.Violation(f"said {len(lines)} times that space is needed: "
                            f"{result.err.strip()}")


def case(slot, scenario, kind, role, name, n, action):
    slot.reset(scenario)
    filter_ = options(kind, slot) if name in ERRORS else []
    result, hit = lab.trapped(slot, scenario, [
        *filter_, "-c", name, "-r", str(role), "-n", str(n), "-a", action])
    check_answer(scenario, result, name, action)
    lab.check_said(slot, scenario, result)
    lab.check_made(slot, scenario)
    return bool(hit)


def passed_points(slot, scenario, points):
    """[(point, n)] of those that can fail; each process counts for itself."""
    log = os.path.join(lab.base, "points")
    passed = collections.Counter(
        (role, what.rpartition(" ")[2]) for role, _, what in lab.trapped_calls(
            slot, scenario, ["-c", "write", "-p", log],
            {"SHARDMILL_FAULT_LOG": log, "SHARDMILL_FAULT_LOG_SQL": "1"}))
    os.unlink(log)
    return [(point, n) for point in points
            for n in range(1, max(passed[role, point] for role in (0, 1)) + 1)]


def case_point(slot, scenario, point, n, action):
    slot.reset(scenario)
    log = os.path.join(lab.base, os.path.basename(slot.root) + ".points")
    env = {"SHARDMILL_FAULT": f"{point}:{action}:{n}",
           "SHARDMILL_FAULT_LOG": log}
    if point in STATEMENTS:
        env["SHARDMILL_FAULT_LOG_SQL"] = "1"
    result = slot.sm(*scenario.command, env=env)
    with open(log, encoding="utf-8") as f:
        hit = "acted" in f.read().split()
    os.unlink(log)
    check_answer(scenario, result, point, action)
    lab.check_said(slot, scenario, result)
    lab.wait_for_workers(slot)
    lab.check_made(slot, scenario)
    return hit


def main():
    kind = sys.argv[1]
    table = scenarios.table()
    chosen = [table[name] for name in sys.argv[2:]] or list(table.values())
    slot = lab.Slot("count")
    once, onwards = [], []
    by_name = {"points": POINTS, "statements": STATEMENTS}.get(kind)
    for s in chosen if by_name else []:
        for point, n in passed_points(slot, s, by_name):
            # What SQLite says of a statement is always SQLITE_IOERR.
            for error in ("EIO", "ENOSPC", "ENOMEM")[
                    :1 if kind == "statements" else 3]:
                label = f"{s.name}: {point}:{error}:{n}"
                once.append((label, (s, point, n, error)))
                onwards.append((label + "+", (s, point, f"{n}+", error)))
    for s in chosen if not by_name else []:
        for role, name, n, path in undisturbed(slot, s, kind):
            for error in (ERRORS.get(name) or NAMELESS[name]):
                if name == "openat" and error in DISK[1:] and \
                        not CREATED.search(path):
                    continue
                args = (s, kind, role, name, n)
                label = (f"{s.name}: {os.path.basename(path)}: -c {name} "
                         f"-r {role} -n {n} -a {error}")
                once.append((label, (*args, error)))
                # EINTR for ever is no fault of any disk; locks that never
                # come look like somebody's, and are waited for.
                if error != "EINTR" and (name, path[-4:]) != ("fcntl", "-shm"):
                    onwards.append((label + "+", (*args, error + "+")))
    count = int(os.environ.get("COUNT") or (250 if lab.LONG else 150))
    drivers = []
    for when, cases in (("once", once), ("from then on", onwards)):
        d = lab.Driver(f"error of {kind} {when}", reach=0.7)
        d.run(case_point if by_name else case,
              d.sample(cases, count))
        drivers.append(d)
    lab.finish(*drivers)


if __name__ == "__main__":
    main()
