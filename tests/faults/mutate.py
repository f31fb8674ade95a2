"""mutate.py - is every branch of claim, commit, rescue, finalize and recover
held by some test?

    mutate.py [FILE...]

Each condition in FILES, of `if`, `?:`, loops and what is returned, is negated,
and each is left out; so is each operand of its && and ||, and each condition
that an SQL text of theirs makes.  One build holds them all (mutants.py).  First
the cases of cases.py run on the sound program and write down which conditions
they see true and false, and which SQL; then each mutant meets those to which it
can make a difference, the quickest first, until one fails.  What none notices
is a survivor; survivors.txt gives the reason for those that are known, and any
other fails the test, as do more than one in ten.

From the environment: COUNT mutants, spread evenly (default: all), MUTATE_JOBS
mutants side by side (default 2), MUTATE_REACH, a file that keeps what the cases
reach for a second run over the same sources.
"""
import os
import pickle
import re
import sqlite3
import sys
import time

# A mutant that hangs is one that is noticed.
os.environ.setdefault("FAULTS_LIMIT", "20")

import cases
import lab
import mutants
import scenarios
import tree

FILES = ["src/store/batch.c", "src/store/batch_end.c", "src/store/joined.c",
         "src/store/fence.c", "src/store/txn.c", "src/engine/run/work.c",
         "src/engine/run/rescue.c", "src/engine/join/finalize.c",
         "src/engine/join/join.c", "src/engine/join/choose.c",
         "src/engine/join/rows.c", "src/engine/join/write.c",
         "src/engine/join/damaged.c", "src/engine/join/grow.c",
         "src/engine/join/grow_record.c", "src/engine/join/published.c",
         "src/engine/join/sweep.c",
         "src/engine/job/consumed.c", "src/engine/job/startcheck.c",
         "src/engine/tend/recover.c", "src/engine/tend/recover_final.c"]
SURVIVORS = os.path.join(lab.HERE, "survivors.txt")
JOBS = int(os.environ.get("MUTATE_JOBS") or 2)
# What a mutant meets, if it is reached there: all of these, and of the others
# the quickest and some more.
CLOSE = ("test_", "answer ", "1035")
QUICK, MORE = 8, 16
# And so many seconds of them, on the sound program.
BUDGET_S = 120


def known():
    """{(file, function, kind, text): reason}"""
    with open(SURVIVORS, encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f
                if line.strip() and not line.startswith("#")]
    return {tuple(row[:4]): row[4] for row in rows}


# ------------------------------------------------- in a process of the pool


def reach(number, sites):
    """(seconds, what it finds, {(site, value)}, {(file, function, SQL)}) on the
    sound program."""
    path = os.path.join(lab.base, f"reach-{os.getpid()}")
    with open(path, "wb") as f:
        f.truncate(2 * sites)
    with open(path + ".sql", "wb"):
        pass
    os.environ.update(SM_REACH=path, SM_REACH_SQL=path + ".sql")
    began = time.monotonic()
    found = cases.attempt(number)
    seconds = time.monotonic() - began
    del os.environ["SM_REACH"], os.environ["SM_REACH_SQL"]
    with open(path, "rb") as f:
        seen = {(i // 2, i % 2) for i, byte in enumerate(f.read()) if byte}
    with open(path + ".sql", encoding="utf-8") as f:
        texts = {tuple(line.split("\t")) for line in f.read().split("\0")[:-1]}
    return seconds, found, seen, texts


def judge(mutant, numbers):
    """Of [(case, its seconds)] the name of the first that fails, or None."""
    env = {"SM_MUTANT": str(mutant.number)}
    if mutant.sql:
        env = dict(zip(("SM_SQL_FROM", "SM_SQL_TO"), mutant.sql))
    os.environ.update(env)
    try:
        for number, seconds in numbers:
            cases.unit_limit_s = 20 + 5 * seconds
            found = cases.attempt(number)
            if found:
                return f"{cases.all_cases[number].name}: {found}"
    finally:
        for name in env:
            del os.environ[name]
    return None


# ------------------------------------------------------------ before and after


def build(names):
    """The tree with all mutants in it: (tree, mutants, number of sites)"""
    t = tree.Tree(build=False)
    numbers, found = mutants.Numbers(), []
    for path, text in mutants.SUPPORT.items():
        t.write(path, text)
    for name in names:
        conditions, all_in_one = mutants.conditions(name, t.read(name), numbers)
        t.write(name, all_in_one)
        found += conditions
    error = t.build()
    if error:
        sys.exit(f"the tree does not build: {error}")
    return t, found, numbers.sites


def of_sql(slot, scenario, texts):
    """Mutants of the SQL texts that the cases met.  Each must be SQL: what does
    not prepare is noticed by anything."""
    slot.reset(scenario)
    db = sqlite3.connect(slot.path("f.gz.job", "job.db"))
    found = [m for one in sorted(texts) for m in mutants.clauses(*one)]
    for m in found:
        try:
            numbers = [int(n) for n in re.findall(r"\?(\d+)", m.sql[1])]
            db.execute("EXPLAIN " + m.sql[1], [None] * max(
                numbers, default=m.sql[1].count("?")))
        except sqlite3.Error as e:
            sys.exit(f"{m.file}: {m.function}(): not SQL ({e}): {m.sql[1]}")
    db.close()
    return found


def reached_by(pool, sites):
    """What reach() says of each case."""
    keep, seen = os.environ.get("MUTATE_REACH"), {}
    if keep and os.path.exists(keep):
        with open(keep, "rb") as f:
            seen = pickle.load(f)
    names = [case.name for case in cases.all_cases]
    new = [i for i, name in enumerate(names)
           if name not in seen or seen[name][1]]
    began = time.monotonic()
    for done, (i, one) in enumerate(zip(new, pool.map(
            reach, new, [sites] * len(new)))):
        name, found = names[i], one[1]
        seen[name] = one
        if done % 200 == 0:
            print(f"{done} of {len(new)} cases: "
                  f"{time.monotonic() - began:.0f} s", flush=True)
        if found:
            print(f"left out, for it fails on the program as it is: "
                  f"{name}: {found[:300]}", flush=True)
    if keep:
        with open(keep, "wb") as f:
            pickle.dump(seen, f)
    return [seen[name] for name in names]


def choose(mutant, seen, by):
    """[(case, its seconds)]: those that this mutant meets."""
    keys = ([mutant.sql[0]] if mutant.sql else
            [(mutant.site, value) for value in mutant.wants])
    numbers = sorted({i for key in keys for i in by.get(key, ())},
                     key=lambda i: seen[i][0])
    # Those that look closely, and of the others the quickest and some more.
    close = [i for i in numbers
             if cases.all_cases[i].name.startswith(CLOSE)]
    others = [i for i in numbers if i not in close]
    if len(others) > QUICK + MORE:
        rest = others[QUICK:]
        others = others[:QUICK] + rest[::-(-len(rest) // MORE)]
    first = sorted(close + others[:QUICK], key=lambda i: seen[i][0])
    chosen, spent = [], 0.0
    for i in first + others[QUICK:]:
        spent += seen[i][0]
        if spent <= BUDGET_S:
            chosen.append((i, seen[i][0]))
    return chosen


def run(d, t, found, sites):
    lab.SHARDMILL = t.program
    all_cases = cases.table(d)
    reasons = known()
    counts = {"caught": 0, "explained": 0, "SURVIVED": 0}
    with cases.pool(all_cases, JOBS) as pool:
        seen = reached_by(pool, sites)
        by, texts = {}, set()       # by (site, value), or an SQL text
        for i, (_, bad, pairs, sql) in enumerate(seen):
            if bad:
                continue
            texts |= sql
            for key in pairs | {one[2] for one in sql}:
                by.setdefault(key, []).append(i)
        found += of_sql(lab.Slot("sql"), scenarios.table()["work"], texts)
        print(f"{len(found)} mutants; {len(all_cases)} cases reach "
              f"{len(by) - len(texts)} of {2 * sites} outcomes, {len(texts)} "
              "SQL texts", flush=True)
        found = d.sample(found, int(os.environ.get("COUNT") or 0) or None)
        chosen = [choose(m, seen, by) for m in found]
        for m, numbers, who in zip(found, chosen, pool.map(
                judge, found, chosen)):
            reason = reasons.get((m.file, m.function, m.kind, m.what))
            verdict = ("caught" if who else
                       "explained" if reason else "SURVIVED")
            counts[verdict] += 1
            note = who or reason or ("" if numbers else "no case reaches it")
            print(f"{verdict:<10}{m.file}:{m.line}: {m.function}(): {m.kind}: "
                  f"{m.what}: {' '.join(note.split())[:150]}", flush=True)
    return counts


def main():
    d = lab.Driver("mutants", jobs=1)
    t, found, sites = build(sys.argv[1:] or FILES)
    try:
        counts = run(d, t, found, sites)
    finally:
        t.remove()
    d.points = sum(counts.values())
    d.violations = counts["SURVIVED"]
    print(f"{counts['caught']} of {d.points} caught "
          f"({100 * counts['caught'] / max(d.points, 1):.1f} %), "
          f"{counts['explained']} explained, {counts['SURVIVED']} survived")
    if counts["caught"] < 0.9 * d.points:
        print("fewer than nine in ten: that is too few")
        d.violations += 1
    lab.finish(d)


if __name__ == "__main__":
    main()
