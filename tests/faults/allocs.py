"""allocs.py - the n-th allocation fails, for every n

    allocs.py [SCENARIO...]

failmalloc.c counts and fails the allocations of one role, workers or the
others.  No crash, no sanitizer report (SHARDMILL is best a build with the
address sanitizer), a documented status, and the rerun is whole.  A short run
takes a sample.
"""
import os
import subprocess
import sys

import lab
import scenarios


def preload(shim):
    """Before the sanitizer's library, if the program needs it."""
    needed = subprocess.run(["ldd", lab.SHARDMILL], check=True,
                            capture_output=True, text=True).stdout
    asan = [line.split()[2] for line in needed.splitlines()
            if "libasan" in line]
    return {"LD_PRELOAD": " ".join([shim, *asan]),
            "ASAN_OPTIONS": "verify_asan_link_order=0:exitcode=99:"
                            "allocator_may_return_null=1",
            "UBSAN_OPTIONS": "exitcode=99", "LSAN_OPTIONS": "exitcode=99"}


def log_of(slot):
    return os.path.join(lab.base, os.path.basename(slot.root) + ".allocs")


def read_log(slot):
    try:
        with open(log_of(slot), encoding="utf-8") as f:
            lines = f.read().splitlines()
        os.unlink(log_of(slot))
    except FileNotFoundError:
        lines = []
    return [line.split() for line in lines]


def undisturbed(slot, scenario, env):
    """{role: allocations}"""
    slot.reset(scenario)
    r = slot.sm(*scenario.command, env={**env, "FAILMALLOC_LOG": log_of(slot)})
    if r.code not in scenario.again:
        sys.exit(f"{scenario.name} undisturbed: exit {r.code}: {r.err}")
    return {role: int(n) for role, n in read_log(slot)}


def case(slot, scenario, env, role, nth):
    slot.reset(scenario)
    r = slot.sm(*scenario.command,
                env={**env, "FAILMALLOC_LOG": log_of(slot),
                     "FAILMALLOC_ROLE": role, "FAILMALLOC": nth})
    hit = bool(read_log(slot))
    # The sanitizer's own threads cannot do without memory.
    if "AddressSanitizer: CHECK failed" not in r.err:
        lab.check_ended(r)
        lab.check_said(slot, scenario, r)
    if " died by signal " in r.err or "ended with status 99" in r.err:
        raise lab.Violation(f"a worker crashed: {r.err}")
    lab.check_again(slot, scenario)
    return hit


def main():
    table = scenarios.table()
    chosen = [table[name] for name in sys.argv[1:]] or list(table.values())
    env = preload(lab.compile_c("failmalloc", "-shared", "-fPIC"))
    slot = lab.Slot("count")
    once, onwards = [], []
    for s in chosen:
        for role, total in undisturbed(slot, s, env).items():
            for n in range(1, total + 1):
                label = f"{s.name}: allocation {n}"
                once.append((f"{label} ({role})", (s, env, role, str(n))))
                onwards.append((f"{label}+ ({role})",
                                (s, env, role, f"{n}+")))
    count = int(os.environ.get("COUNT") or (1500 if lab.LONG else 100))
    drivers = []
    for when, cases in (("once", once), ("from then on", onwards)):
        d = lab.Driver(f"failed allocation {when}")
        d.run(case, d.sample(cases, count))
        drivers.append(d)
    lab.finish(*drivers)


if __name__ == "__main__":
    main()
