"""mutate.py - is every branch of claim, commit, rescue, finalize and recover
held by some test?

    mutate.py [FILE...]

Each condition of an `if` in FILES is negated, and each is left out; so is each
operand of its && and ||, and each clause that an SQL text adds by AND.  Two
builds hold them all (mutants.py).  First the cases of cases.py run on the sound
program and write down which conditions they see true and false; then each
mutant meets those to which it can make a difference, the quickest first, until
one fails.  What none notices is a survivor; survivors.txt gives the reason for
those that are known, by file, kind and text.

From the environment: COUNT mutants, spread evenly (default: all), MUTATE_JOBS
mutants side by side (default 2), MUTATE_REACH, a file that keeps what the cases
reach for a second run over the same sources.
"""
import os
import pickle
import shutil
import sys
import time

# A mutant that hangs is one that is noticed.
os.environ.setdefault("FAULTS_LIMIT", "20")

import cases
import lab
import mutants
import tree

FILES = ["src/store/batch.c", "src/store/batch_end.c", "src/engine/work.c",
         "src/engine/rescue.c", "src/engine/finalize.c", "src/engine/join.c",
         "src/engine/join_check.c", "src/engine/joining.c",
         "src/engine/growing.c", "src/engine/growing_record.c",
         "src/engine/consumed.c", "src/engine/startcheck.c",
         "src/engine/recover.c", "src/engine/recover_final.c"]
SURVIVORS = os.path.join(lab.HERE, "survivors.txt")
JOBS = int(os.environ.get("MUTATE_JOBS") or 2)
# What a mutant meets, if it is reached there: all of these, and of the others
# the quickest and some more.
CLOSE = ("test_", "answer ", "1035")
QUICK, MORE = 8, 16
# Mutants of SQL: which cases run the statement is not known.
OF_SQL = ("test_", "answer ", "zombie ", "1030", "1090", "kill resume")


def known():
    """[(file, kind, text, reason)]"""
    with open(SURVIVORS, encoding="utf-8") as f:
        return [tuple(line.rstrip("\n").split("\t")) for line in f
                if line.strip() and not line.startswith("#")]


# ------------------------------------------------- in a process of the pool


def reach(number, sites):
    """(seconds, what it finds, {(site, value)}) on the sound program."""
    path = os.path.join(lab.base, f"reach-{os.getpid()}")
    with open(path, "wb") as f:
        f.truncate(2 * sites)
    os.environ["SM_REACH"] = path
    began = time.monotonic()
    found = cases.attempt(number)
    seconds = time.monotonic() - began
    del os.environ["SM_REACH"]
    with open(path, "rb") as f:
        seen = {(i // 2, i % 2) for i, byte in enumerate(f.read()) if byte}
    return seconds, found, seen


def judge(selector, program, numbers):
    """Of [(case, its seconds)] the name of the first that fails, or None."""
    lab.SHARDMILL = program
    if selector is not None:
        os.environ["SM_MUTANT"] = str(selector)
    try:
        for number, seconds in numbers:
            cases.unit_limit_s = 10 + 3 * seconds
            found = cases.attempt(number)
            if found:
                return f"{cases.all_cases[number].name}: {found}"
    finally:
        os.environ.pop("SM_MUTANT", None)
    return None


# ------------------------------------------------------------ before and after


def build(names):
    """The tree with all mutants in it: (tree, mutants, number of sites)"""
    t = tree.Tree(build=False)
    numbers, found = mutants.Numbers(), []
    for path, text in mutants.SUPPORT.items():
        t.write(path, text)
    for name in names:
        text = t.read(name)
        conditions, all_in_one = mutants.conditions(name, text, numbers)
        t.write(name, all_in_one)
        found += conditions + mutants.clauses(name, text)
    error = t.build()
    if error:
        sys.exit(f"the tree does not build: {error}")
    return t, found, numbers.sites


def keep(t, name):
    """The program as it is built now, where no later build changes it."""
    place = os.path.join(t.root, name)
    os.makedirs(os.path.join(place, "tests"))
    shutil.copy2(t.program, place)
    for test in [*cases.FAILING, *cases.UNIT]:
        shutil.copy2(os.path.join(t.build_dir, "tests", test),
                     os.path.join(place, "tests"))
    return os.path.join(place, "shardmill")


def build_sql(t, mutant, number):
    """A build of that mutant alone."""
    before = t.read(mutant.file)
    t.write(mutant.file, mutant.text)
    error = t.build("shardmill", *cases.FAILING, *cases.UNIT)
    t.write(mutant.file, before)
    return None if error else keep(t, f"sql-{number}")


def reached_by(pool, sites):
    """What reach() says of each case."""
    keep, seen = os.environ.get("MUTATE_REACH"), {}
    if keep and os.path.exists(keep):
        with open(keep, "rb") as f:
            seen = pickle.load(f)
    names = [case.name for case in cases.all_cases]
    new = [i for i, name in enumerate(names)
           if name not in seen or seen[name][1]]
    for done, (i, one) in enumerate(zip(new, pool.map(
            reach, new, [sites] * len(new)))):
        name, found = names[i], one[1]
        seen[name] = one
        if done % 200 == 0:
            print(f"{done} of {len(new)} cases", flush=True)
        if found:
            print(f"left out, for it fails on the program as it is: "
                  f"{name}: {found[:300]}", flush=True)
    if keep:
        with open(keep, "wb") as f:
            pickle.dump(seen, f)
    return [seen[name] for name in names]


def choose(mutant, seen, by_site):
    """[(case, its seconds)]: those that this mutant meets."""
    if mutant.site is None:
        numbers = [i for i, case in enumerate(cases.all_cases)
                   if case.name.startswith(OF_SQL) and not seen[i][1]]
    else:
        numbers = {i for value in mutant.wants
                   for i in by_site.get((mutant.site, value), ())}
    numbers = sorted(numbers, key=lambda i: seen[i][0])
    # Those that look closely, and of the others the quickest and some more.
    close = [i for i in numbers
             if cases.all_cases[i].name.startswith(CLOSE)]
    others = [i for i in numbers if i not in close]
    if len(others) > QUICK + MORE:
        rest = others[QUICK:]
        others = others[:QUICK] + rest[::-(-len(rest) // MORE)]
    first = sorted(close + others[:QUICK], key=lambda i: seen[i][0])
    return [(i, seen[i][0]) for i in first + others[QUICK:]]


def run(d, t, found, sites):
    lab.SHARDMILL = every = keep(t, "every")
    all_cases = cases.table(d)
    reasons = known()
    counts = {"caught": 0, "explained": 0, "SURVIVED": 0}
    with cases.pool(all_cases, JOBS) as pool:
        began = time.monotonic()
        seen = reached_by(pool, sites)
        by_site = {}
        for i, (_, bad, pairs) in enumerate(seen):
            for pair in () if bad else pairs:
                by_site.setdefault(pair, []).append(i)
        print(f"{len(all_cases)} cases reach {len(by_site)} of {2 * sites} "
              f"outcomes: {time.monotonic() - began:.0f} s", flush=True)
        futures = []
        for number, m in enumerate(found):
            program = every
            if m.text:
                program = build_sql(t, m, number)
            futures.append((m, program and pool.submit(
                judge, m.number, program, choose(m, seen, by_site))))
        for m, future in futures:
            by = future.result() if future else "the compiler"
            reason = next((r[3] for r in reasons if r[:3] == (
                m.file, m.kind, m.what)), None)
            verdict = "caught" if by else "explained" if reason else "SURVIVED"
            counts[verdict] += 1
            note = by or reason or ("" if m.site is None or choose(
                m, seen, by_site) else "no case reaches it")
            print(f"{verdict:<10}{m.file}:{m.line}: {m.kind}: {m.what}: "
                  f"{' '.join(note.split())[:150]}", flush=True)
    return counts


def main():
    d = lab.Driver("mutants", jobs=1)
    t, found, sites = build(sys.argv[1:] or FILES)
    try:
        found = d.sample(found, int(os.environ.get("COUNT") or 0) or None)
        counts = run(d, t, found, sites)
    finally:
        t.remove()
    d.points = sum(counts.values())
    d.violations = counts["SURVIVED"]
    print(f"{counts['caught']} of {d.points} caught "
          f"({100 * counts['caught'] / max(d.points, 1):.1f} %), "
          f"{counts['explained']} explained, {counts['SURVIVED']} survived")
    # Nine in ten is what is asked for; those that remain are to be looked at.
    if counts["caught"] >= 0.9 * d.points:
        d.violations = 0
    lab.finish(d)


if __name__ == "__main__":
    main()
