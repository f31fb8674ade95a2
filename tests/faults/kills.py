"""kills.py - SIGKILL at every named fault point and before every system call

Each scenario of lab.py is run once undisturbed, which gives its points; then
once per point with the kill there, and once more without.

    kills.py points|calls [SCENARIO...]

A point is the n-th of its role: the program (0), the workers it starts (1),
the commands they start (2).  Before each one everything is killed, and in
another round that one process: a worker's death is then seen by a living
supervisor, a supervisor's by its workers.  Passing a fault point is a write to
the log of fault points, so that both kinds are system calls to nthcall.c.
"""
import os
import sys

import lab

FAULT_LOG = "passed-points"


def trap_options(kind):
    return ["-c", "write", "-p", FAULT_LOG] if kind == "points" else []


def trap_env(slot, kind):
    return ({"SHARDMILL_FAULT_LOG": slot.path("..", FAULT_LOG)}
            if kind == "points" else {})


def undisturbed(slot, scenario, trap, kind):
    """{role: [(n, what)]}"""
    log = slot.path("..", "calls")
    slot.reset(scenario)
    r = lab.run([trap, "-o", log, *trap_options(kind), lab.SHARDMILL,
                 *scenario.command], slot.dir, trap_env(slot, kind))
    if r.code != 0 and not lab.requeue_again(scenario, r):
        raise lab.Violation(f"undisturbed: exit {r.code}: {r.err}")
    roles = {}
    with open(log, encoding="utf-8") as f:
        for line in f:
            words = line.split()
            roles.setdefault(int(words[0]), []).append(words[-1])
    if kind == "points":        # each is two writes, the name and its newline
        return {role: [(n + 1, what) for n, what in enumerate(list_)
                       if not what.endswith(FAULT_LOG)]
                for role, list_ in roles.items()}
    return {role: list(enumerate(list_, 1)) for role, list_ in roles.items()}


def case(slot, scenario, trap, kind, role, n, action):
    slot.reset(scenario)
    log = slot.path("..", "hit")
    lab.run([trap, "-o", log, *trap_options(kind), "-r", str(role),
             "-n", str(n), "-a", action, lab.SHARDMILL, *scenario.command],
            slot.dir, trap_env(slot, kind))
    reached = os.path.getsize(log) > 0
    lab.check_again(slot, scenario)
    return reached


def main():
    kind = sys.argv[1]
    table = lab.scenarios()
    chosen = [table[name] for name in sys.argv[2:]] or list(table.values())
    trap = lab.compile_c("nthcall")
    slot = lab.Slot("count")
    all_die, one_dies = [], []
    for s in chosen:
        for role, found in sorted(undisturbed(slot, s, trap, kind).items()):
            for n, what in found:
                label = f"{s.name}: {what}: -r {role} -n {n} -a "
                args = (s, trap, kind, role, n)
                all_die.append((label + "killall", (*args, "killall")))
                one_dies.append((label + "kill", (*args, "kill")))
    count = int(os.environ.get("COUNT") or 1000)
    where = "at fault points" if kind == "points" else "before system calls"
    a = lab.Driver(f"kill all {where}")
    a.run(case, a.sample(all_die, count * 3 // 4))
    # A worker that dies under a living supervisor costs a backoff of 2 s.
    b = lab.Driver(f"kill one {where}", jobs=4 * lab.JOBS)
    b.run(case, b.sample(one_dies, count // 4))
    lab.finish(a, b)


if __name__ == "__main__":
    main()
