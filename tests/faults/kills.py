"""kills.py - SIGKILL at every named fault point and before every system call

Each scenario of scenarios.py is run once undisturbed, which gives its points;
then once per point with the kill there, and once more without.

    kills.py points|calls [SCENARIO...]

A long run kills everything at all fault points and before all system calls of
the scenarios named in COMMANDS, and at 600 of the others'; one process at 500.
What was done when it was killed is not made again.  A point is the n-th of its
role: the program (0), the workers it starts (1), the commands they start (2),
what those start (3).  Before each one everything is killed, and in another
round that one process: a worker's death is then seen by a living supervisor, a
supervisor's by its workers.  Passing a fault point is a write to the log of
fault points, so that both kinds are system calls to nthcall.c.
"""
import os
import sys

import lab
import scenarios

FAULT_LOG = "passed-points"
# plan, run, work, finalize, retry and recover, each as a small job of its own.
COMMANDS = ["plan", "resume", "work", "finalize", "retry", "recover"]
OTHERS, ONE = 600, 500
STARTED = 3     # the role of what a command starts


def options(kind):
    return ["-c", "write", "-p", FAULT_LOG] if kind == "points" else []


def env(slot, kind):
    log = f"{os.path.basename(slot.root)}.{FAULT_LOG}"
    return ({"SHARDMILL_FAULT_LOG": os.path.join(lab.base, log)}
            if kind == "points" else {})


def undisturbed(slot, scenario, kind):
    """[(role, n, what)]"""
    roles = {}
    for role, name, what in lab.trapped_calls(slot, scenario, options(kind),
                                              env(slot, kind)):
        if kind == "points":
            what = what.rpartition(" ")[2]
        roles.setdefault(role, []).append(what if kind == "points" else name)
    # A point is two writes, its name and the newline.
    return [(role, n, what) for role, list_ in sorted(roles.items())
            for n, what in enumerate(list_, 1)
            if not what.endswith(FAULT_LOG)]


def case(slot, scenario, kind, role, n, action):
    slot.reset(scenario)
    lacking = lab.done_tokens(slot, bare=True) if scenario.keeps else {}
    _, hit = lab.trapped(slot, scenario, [
        *options(kind), "-r", str(role), "-n", str(n), "-a", action],
        env(slot, kind))
    done = lab.done_tokens(slot) if scenario.keeps else {}
    if scenario.keeps:
        # No power was cut: what is done was renamed before.
        bare = lab.done_tokens(slot, bare=True).items() - lacking.items()
        if bare:
            raise lab.Violation(f"done without a shard: {sorted(bare)}")
    lab.check_made(slot, scenario)
    after = done and lab.done_tokens(slot)
    if any(after.get(id_) != token for id_, token in done.items()):
        raise lab.Violation(f"made again: {done} became {after}")
    if scenario.keeps:
        odd = slot.sql("SELECT id, outcome FROM attempt WHERE outcome NOT IN "
                       "('done', 'signal', 'interrupted', 'returned')")
        # What a command starts is its own: it says itself that it failed.
        odd = [(id_, outcome) for id_, outcome in odd
               if role < STARTED or outcome != "error"]
        if odd:
            raise lab.Violation(f"attempts ended otherwise: {odd}")
    return bool(hit)


def main():
    kind = sys.argv[1]
    table = scenarios.table()
    chosen = [table[name] for name in sys.argv[2:]] or list(table.values())
    slot = lab.Slot("count")
    where = "at fault points" if kind == "points" else "before system calls"
    # A worker that dies under a living supervisor costs a backoff of 2 s.
    all_, one = (lab.Driver(f"kill all {where}", reach=0.7),
                 lab.Driver(f"kill one {where}", jobs=2 * lab.JOBS, reach=0.7))
    cases = {all_: ([], []), one: ([], [])}     # of COMMANDS, of the others
    for s in chosen:
        points = undisturbed(slot, s, kind)
        other = s.name not in COMMANDS
        for role, n, what in points:
            label = f"{s.name}: {what}: -r {role} -n {n} -a "
            args = (s, kind, role, n)
            cases[all_][other].append((label + "killall", (*args, "killall")))
            if points[-1][0] > 0:   # a process alone is all of them
                cases[one][other].append((label + "kill", (*args, "kill")))
    count = int(os.environ.get("COUNT") or 400)
    if lab.LONG and not os.environ.get("COUNT"):
        all_.run(case, cases[all_][0] + all_.sample(cases[all_][1], OTHERS))
        one.run(case, one.sample(sum(cases[one], []), ONE))
    else:
        all_.run(case, all_.sample(sum(cases[all_], []), count * 3 // 4))
        one.run(case, one.sample(sum(cases[one], []), count // 4))
    for d in all_, one:
        d.kills = d.points
    lab.finish(*[d for d in (all_, one) if any(cases[d])])


if __name__ == "__main__":
    main()
