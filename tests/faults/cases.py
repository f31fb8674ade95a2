"""cases.py - tests that take a moment each, by name, to be run one by one

For mutate.py and coverage.py, which ask of each what it reaches: unit tests,
end-to-end tests and a sample of what the drivers do.  A case is called with a
slot (lab.py) and raises what it finds.
"""
import collections
import ctypes
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor

import allocs
import answers
import edits
import errors
import kills
import lab
import sabotage
import scenarios
import zombies

Case = collections.namedtuple("Case", "name call args")

# Of each kind so many: test_failing_* have what can fail inside one process.
COUNTS = {"kill": 60, "point": 80, "statement": 80, "file": 40,
          "allocation": 20, "edit": 40, "beside": 4, "zombie": 2}
# What the error paths of the modules under test are reached by.
ALLOCATING = ["whole", "work", "resume", "finalize", "recover",
              "recover-consumed", "unfollowed", "half-consumed", "put-back",
              "rewrite-half", "rot"]
UNIT = ["test_attempts", "test_batch", "test_batch_read", "test_checkpoint",
        "test_consumed", "test_dbfile",
        "test_edits", "test_growing", "test_growing_odd", "test_join",
        "test_joining", "test_parts",
        "test_recover_final", "test_rescue", "test_startcheck", "test_store",
        "test_store_memory", "test_txn"]
FAILING = {
    "test_failing_work": ["work", "items", "rescue", "startcheck",
                          "startcheck_lost", "look"],
    "test_failing_finalize": ["named", "finalize", "grown", "grown_unsynced",
                              "other", "part",
                              "part_first", "part_all", "part_again",
                              "missing", "unnamed", "changed", "regrown",
                              "damaged", "other_damaged"],
    "test_failing_follow": ["follow", "follow_consume", "follow_changed",
                            "look_same", "look_token", "look_none",
                            "look_before", "look_back", "look_joined",
                            "look_place", "look_generation", "leave",
                            "spare", "spare_held"],
    "test_failing_consume": ["consume", "unsaid", "unswept", "power_cut",
                             "power_cut_back", "published", "rewritten",
                             "rewritten_last", "rewritten_kept",
                             "kept_unsynced", "lost_final", "part_consumed",
                             "startcheck_consumed",
                             "startcheck_cut"],
    "test_failing_recover": ["recover", "recover_whole", "recover_consumed",
                             "recover_unnamed", "recover_nothing",
                             "recover_rows", "recover_odd", "recover_void",
                             "recover_table", "recover_column",
                             "recover_number", "recover_forged",
                             "recover_growing", "recover_far"],
    "test_failing_parts": ["one", "unnamed", "whole", "recover",
                           "recover_mark"],
}
E2E = ["0010-basic", "1030-retry", "1035-fail-fast", "1036-commands",
       "1040-verify-job",
       "1060-lone-file", "1090-hand-edits", "1120-partial", "1130-recover",
       "1160-follow", "1180-limits", "2105-term-to-all",
       "2230-shrinking-input", "3080-parts"]


E2E_LIMIT_S = 600
unit_limit_s = 600


def run_unit(slot, name, *args):
    """A cmocka program of the build that SHARDMILL is of."""
    path = os.path.join(os.path.dirname(lab.SHARDMILL), "tests", name)
    os.makedirs(slot.dir, exist_ok=True)
    r = lab.run([path, *args], slot.dir, {"FAILING_STEP": "1"}, unit_limit_s)
    if r.code != 0:
        said = [line for line in r.err.splitlines() if "ERROR" in line]
        raise lab.Violation((said or [f"exit {r.code}"])[0])


def run_e2e(slot, name):
    log = os.path.join(lab.base, os.path.basename(slot.root) + ".e2e")
    if not sabotage.passes(sabotage.e2e(name), lab.SHARDMILL, log,
                           E2E_LIMIT_S):
        raise lab.Violation(sabotage.what_was_said(log))


def _kills(d, slot, table):
    cases = [(f"kill {s.name} {role}.{n} {what}",
              (s, "points", role, n, "killall"))
             for s in table.values()
             for role, n, what in kills.undisturbed(slot, s, "points")]
    return kills.case, d.sample(cases, COUNTS["kill"])


def _points(d, slot, table, kind, points, actions):
    cases = [(f"{kind} {s.name} {point}:{n}{more}:{action}",
              (s, point, f"{n}{more}", action))
             for s in table.values()
             for point, n in errors.passed_points(slot, s, points)
             for action in actions for more in ("", "+")]
    return errors.case_point, d.sample(cases, COUNTS[kind])


def _files(d, slot, table):
    cases = [(f"file {s.name} {role} {name}:{n}:{error}",
              (s, "files", role, name, n, error))
             for s in table.values()
             for role, name, n, _ in errors.undisturbed(slot, s, "files")
             for error in (errors.ERRORS.get(name) or
                           errors.NAMELESS[name])[:1]]
    return errors.case, d.sample(cases, COUNTS["file"])


def _allocations(d, slot, table):
    env = allocs.preload(lab.compile_c("failmalloc", "-shared", "-fPIC"))
    cases = [(f"allocation {name} {role} {n}", (table[name], env, role, str(n)))
             for name in ALLOCATING
             for role, total in allocs.undisturbed(slot, table[name],
                                                   env).items()
             for n in range(1, total + 1)]
    return allocs.case, d.sample(cases, COUNTS["allocation"])


def table(d):
    """All cases, of the sound program `lab.SHARDMILL`."""
    table = scenarios.table()
    for s in table.values():
        s.want()
    slot = lab.Slot("count")
    cases = [Case(name, run_unit, (name,)) for name in UNIT]
    cases += [Case(f"{program} {name}", run_unit, (program, name))
              for program, names in FAILING.items() for name in names]
    for call, some in (
            _points(d, slot, table, "statement", errors.STATEMENTS, ["EIO"]),
            _points(d, slot, table, "point", errors.POINTS,
                    ["EIO", "ENOSPC"]),
            # Where nothing else fails a call.
            (errors.case_point, [
                (f"point consume {point}:1:EIO",
                 (table["consume"], point, "1", "EIO"))
                for point in ("consume.sync", "join.rename")]),
            _kills(d, slot, table), _files(d, slot, table),
            _allocations(d, slot, table),
            (edits.case, d.sample(edits.cases(slot, table), COUNTS["edit"])),
            (edits.case_made_again, [("edit made again",
                                      (table["finalize"],))])):
        cases += [Case(name, call, args) for name, args in some]
    woken, beside, rest = zombies.cases(slot, table["zombie"])
    for call, some, count in ((zombies.case, woken + rest, COUNTS["zombie"]),
                              (zombies.case_beside, beside, COUNTS["beside"])):
        cases += [Case("zombie " + name, call, args)
                  for name, args in d.sample(some, count)]
    cases += [Case("answer " + name, call, args)
              for name, args, call in answers.cases(table)]
    cases += [Case(name, run_e2e, (name,)) for name in E2E]
    return cases


# ------------------------------------------------- in processes of their own

PR_SET_CHILD_SUBREAPER = 36
all_cases, slot = [], None


def _begin(slots):
    global slot
    slot = slots.get()
    # What a case leaves running becomes ours, to be ended.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def pool(some, jobs):
    """Processes that know these cases, each with a slot that is prepared for
    them by the program as it is now."""
    global all_cases
    all_cases = some
    context = multiprocessing.get_context("fork")
    slots = context.Queue()
    used = {id(arg): arg for case in some for arg in case.args
            if isinstance(arg, scenarios.Scenario)}
    for i in range(jobs):
        one = lab.Slot(f"pool-{i}")
        for s in used.values():
            one.reset(s)
        slots.put(one)
    return ProcessPoolExecutor(jobs, context, _begin, (slots,))


def _end_children():
    me = f"/proc/self/task/{os.getpid()}/children"
    for _ in range(50):
        with open(me, encoding="ascii") as f:
            pids = [int(word) for word in f.read().split()]
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass


def attempt(number):
    """What the case finds, or None."""
    case = all_cases[number]
    try:
        case.call(slot, *case.args)
    except lab.Violation as v:
        return str(v) or "?"
    except (Exception, SystemExit) as e:    # an oracle that stumbles
        return f"{type(e).__name__}: {e}"
    finally:
        _end_children()
    return None


def run_all(some):
    """(case, what it finds) of each."""
    with pool(some, lab.JOBS) as p:
        yield from zip(some, p.map(attempt, range(len(some))))
