"""pairs.py - a second fault while recovering from the first

    pairs.py [SCENARIO...]

Two faults from the seed, in two runs of the same command: everything killed or
one process killed before some system call, or some call on a file of the job
failing, once or from then on.  Then the oracle of lab.py.
"""
import os
import sys

import errors
import lab
import scenarios


def draw(random, roles, slot):
    """Options of nthcall.c for one fault."""
    kind = random.choice(["killall", "killall", "kill", "error", "error"])
    if kind != "error":
        role = random.choice(sorted(roles))
        return ["-r", str(role), "-n", str(random.randint(1, roles[role])),
                "-a", kind]
    name = random.choice(["openat", "read", "pread64", "write", "pwrite64",
                          "fdatasync", "fsync", "fallocate", "renameat",
                          "unlinkat", "close"])
    error = random.choice(errors.ERRORS[name])
    onwards = "+" if error != "EINTR" and random.random() < 0.5 else ""
    # Low numbers more often: most calls are made a few times only.
    n = min(random.randint(1, 60), random.randint(1, 60))
    return [*errors.options("files", slot), "-c", name, "-n", str(n),
            "-a", error + onwards]


def case(slot, scenario, first, second):
    slot.reset(scenario)
    hits = 0
    for options in (first, second):
        result, hit = lab.trapped(slot, scenario, options)
        hits += bool(hit)
        if "kill" not in options[-1]:
            lab.check_ended(result)
    lab.check_again(slot, scenario)
    return hits == 2


def main():
    table = scenarios.table()
    chosen = [table[name] for name in sys.argv[1:]] or list(table.values())
    slot = lab.Slot("count")
    roles = {}
    for s in chosen:
        roles[s.name] = {}
        for role, _, _ in lab.trapped_calls(slot, s, []):
            roles[s.name][role] = roles[s.name].get(role, 0) + 1
    d = lab.Driver("second fault in the recovery", jobs=lab.JOBS)
    # About one in three pairs is a hit: the recovery may be shorter.
    count = int(os.environ.get("COUNT") or (700 if lab.LONG else 100))
    cases = []
    for _ in range(count):
        s = d.random.choice(chosen)
        pair = [draw(d.random, roles[s.name], slot) for _ in range(2)]
        cases.append((f"{s.name}: {' '.join(pair[0])}; {' '.join(pair[1])}",
                      (s, *pair)))
    d.run(case, cases)
    lab.finish(d)


if __name__ == "__main__":
    main()
