"""mutate.py - is every branch of claim, commit, rescue, finalize and recover
held by some test?

    mutate.py [FILE...]

Each condition in FILES is negated, and each is left out; each clause that an
SQL text adds by AND is left out.  After each such change the program is built
and a quick suite runs.  What it does not notice is a survivor; survivors.txt
gives the reason for those that are known, by file, kind and text.

From the environment: COUNT mutants, spread evenly (default: all), MUTATE_JOBS
trees side by side (default 2).
"""
import os
import queue
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import lab
import sabotage
import tree

FILES = ["src/store/batch.c", "src/store/batch_end.c", "src/engine/work.c",
         "src/engine/rescue.c", "src/engine/join.c", "src/engine/join_check.c",
         "src/engine/joining.c", "src/engine/growing.c",
         "src/engine/growing_record.c", "src/engine/consumed.c",
         "src/engine/startcheck.c", "src/engine/recover.c"]
UNIT = ["test_attempts", "test_batch", "test_edits", "test_growing",
        "test_startcheck",
        "test_txn"]
SUITE = [
    sabotage.fault("kills.py", "points", "resume", "recover", "whole",
                   count=16),
    sabotage.e2e("1000-steps"),
    sabotage.e2e("0010-basic"),
    sabotage.e2e("1090-hand-edits"),
    sabotage.e2e("1030-retry"),
    sabotage.fault("errors.py", "points", "whole", "work", "finalize",
                   count=16),
    sabotage.fault("errors.py", "sqlite", "work", count=6),
    sabotage.fault("errors.py", "files", "work", "finalize", "recover",
                   count=12),
    sabotage.fault("zombies.py", count=6),
    sabotage.fault("edits.py", count=16),
]
SURVIVORS = os.path.join(lab.HERE, "survivors.txt")


def closing(text, at):
    """Where the bracket that opens at text[at] closes."""
    depth = 0
    for i in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[i], 0)
        if depth == 0:
            return i
    raise ValueError("brackets")


def mutants(name, text):
    """[(kind, line, what it was, text)]"""
    found = []
    for m in re.finditer(r"\bif \(", text):
        start, end = m.end() - 1, closing(text, m.end() - 1)
        cond = text[start + 1:end]
        flat = " ".join(cond.split())
        line = text.count("\n", 0, start) + 1
        for kind, new in (("negated", f"(!({cond}))"),
                          ("left out", f"(0 && ({cond}))")):
            found.append((kind, line, flat,
                          text[:start] + new + text[end + 1:]))
    if name.startswith("src/store/"):
        for m in re.finditer(r"\bAND [^\"()]*?(?= (?:AND|OR|ORDER|LIMIT)\b|\"|\))",
                             text):
            line = text.count("\n", 0, m.start()) + 1
            found.append(("left out", line, m.group().strip(),
                          text[:m.start()] + text[m.end():]))
    return found


def known():
    """[(file, kind, text, reason)]"""
    with open(SURVIVORS, encoding="utf-8") as f:
        return [tuple(line.rstrip("\n").split("\t")) for line in f
                if line.strip() and not line.startswith("#")]


class Judge:
    def __init__(self, number):
        self.tree = tree.Tree()
        self.suite = list(SUITE)
        self.log = os.path.join(lab.base, f"mutant{number}")

    def sound(self):
        """The tests that find nothing in the program as it is."""
        good = []
        for test in self.suite:
            if sabotage.passes(test, self.tree.program, self.log, 300):
                good.append(test)
            else:
                print(f"left out, for it fails on the program as it is: "
                      f"{test[1]}: {sabotage.what_was_said(self.log)}")
        return good

    def notices(self):
        """The name of the test that fails, or None."""
        for name in UNIT:
            try:
                p = subprocess.run(
                    [os.path.join(self.tree.build_dir, "tests", name)],
                    cwd=lab.base, stdin=subprocess.DEVNULL, check=False,
                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    timeout=60)
            except subprocess.TimeoutExpired:
                return name + " (time)"
            if p.returncode:
                return name
        for test in self.suite:
            if not sabotage.passes(test, self.tree.program, self.log, 120):
                return test[1]
        return None

    def judge(self, name, text):
        before = self.tree.read(name)
        self.tree.write(name, text)
        try:
            if self.tree.build():
                return "the compiler"
            return self.notices()
        finally:
            self.tree.write(name, before)


def main():
    # A mutant that hangs is one that is noticed.
    os.environ["FAULTS_LIMIT"] = "20"
    cases = []
    for name in sys.argv[1:] or FILES:
        with open(os.path.join(tree.ROOT, name), encoding="utf-8") as f:
            cases += [(name, *m) for m in mutants(name, f.read())]
    d = lab.Driver("mutants")
    cases = d.sample(cases, int(os.environ.get("COUNT") or 0) or None)
    reasons = known()
    judges = queue.Queue()
    jobs = int(os.environ.get("MUTATE_JOBS") or 2)
    all_judges = [Judge(i) for i in range(jobs)]
    sound = all_judges[0].sound()
    for judge in all_judges:
        judge.suite = sound
        judges.put(judge)
    counts = {"caught": 0, "explained": 0, "SURVIVED": 0}

    def one(name, kind, line, what, text):
        judge = judges.get()
        began = time.monotonic()
        try:
            by = judge.judge(name, text)
        finally:
            judges.put(judge)
        reason = next((r[3] for r in reasons
                       if r[:2] == (name, kind) and r[2] == what), None)
        verdict = "caught" if by else "explained" if reason else "SURVIVED"
        counts[verdict] += 1
        print(f"{verdict:<10}{name}:{line}: {kind}: {what}: "
              f"{by or reason or ''} {time.monotonic() - began:.0f} s",
              flush=True)

    try:
        with ThreadPoolExecutor(jobs) as pool:
            for case in cases:
                pool.submit(one, *case)
    finally:
        for judge in all_judges:
            judge.tree.remove()
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
