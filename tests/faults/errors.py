"""errors.py - the n-th system call fails, once and from then on

    errors.py files|sqlite [SCENARIO...]

Every call on a file of the job, of its inputs and of the final file, with each
errno that such a call may meet (`files`); those on job.db, its log and its
shared memory alone, as SQLite meets them (`sqlite`).  The run in which it
happens must end with a documented status, and with one message if that is not
0; then the oracle of lab.py.
"""
import collections
import os
import sys

import lab

DISK = ["EIO", "ENOSPC", "EDQUOT", "EROFS"]
ERRORS = {
    "openat": ["EIO", "ENOSPC", "EDQUOT", "EINTR", "EMFILE", "ENOMEM",
               "EROFS"],
    "read": ["EIO", "EINTR"],
    "pread64": ["EIO", "EINTR"],
    "write": ["EIO", "ENOSPC", "EDQUOT", "EINTR"],
    "pwrite64": ["EIO", "ENOSPC", "EDQUOT", "EINTR"],
    "fsync": ["EIO", "ENOSPC", "EDQUOT"],
    "fdatasync": ["EIO", "ENOSPC", "EDQUOT"],
    "ftruncate": ["EIO", "EINTR", "EROFS"],
    "fallocate": ["EIO", "ENOSPC", "EDQUOT", "EINTR"],
    "close": ["EIO", "ENOSPC", "EDQUOT", "EINTR"],
    "newfstatat": ["EIO", "ENOMEM"],
    "fstat": ["EIO", "ENOMEM"],
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
    "socketpair": ["EMFILE", "ENOMEM"],
    "pipe2": ["EMFILE", "ENOMEM"],
    "eventfd2": ["EMFILE", "ENOMEM"],
}


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
        if role < 2 and begun[role] and name in NAMELESS:
            found.append((role, name, counts[role, name], ""))
    return found


def case(slot, scenario, kind, role, name, n, action):
    slot.reset(scenario)
    filter_ = options(kind, slot) if name in ERRORS else []
    result, hit = lab.trapped(slot, scenario, [
        *filter_, "-c", name, "-r", str(role), "-n", str(n), "-a", action])
    lab.check_ended(result)
    lab.check_again(slot, scenario)
    return bool(hit)


def main():
    kind = sys.argv[1]
    table = lab.scenarios()
    chosen = [table[name] for name in sys.argv[2:]] or list(table.values())
    slot = lab.Slot("count")
    once, onwards = [], []
    for s in chosen:
        for role, name, n, path in undisturbed(slot, s, kind):
            for error in (ERRORS.get(name) or NAMELESS[name]):
                args = (s, kind, role, name, n)
                label = (f"{s.name}: {os.path.basename(path)}: -c {name} "
                         f"-r {role} -n {n} -a {error}")
                once.append((label, (*args, error)))
                # EINTR for ever is no fault of any disk; locks that never
                # come look like somebody's, and are waited for.
                if error != "EINTR" and (name, path[-4:]) != ("fcntl", "-shm"):
                    onwards.append((label + "+", (*args, error + "+")))
    count = int(os.environ.get("COUNT") or (1000 if lab.LONG else 150))
    drivers = []
    for when, cases in (("once", once), ("from then on", onwards)):
        d = lab.Driver(f"error of {kind} {when}")
        d.run(case, d.sample(cases, count))
        drivers.append(d)
    lab.finish(*drivers)


if __name__ == "__main__":
    main()
