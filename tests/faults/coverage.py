"""coverage.py - which branches of claim, commit, rescue, finalize and recover
does no test take?

    coverage.py

Runs the cases of cases.py with SHARDMILL, a build for gcov (`tests/run
coverage`), and reads what gcov says of the modules.  untaken.txt gives a reason
for each branch that is never taken, by file, function, the text of its line and
its number there; a branch that is not in that list fails the test, and so does
a case that does.

From the environment: COVERAGE_AGAIN, read what an earlier run left.
"""
import glob
import json
import os
import subprocess
import sys

import cases
import lab

ROOT = os.path.dirname(lab.TESTS)
BUILD = os.path.dirname(lab.SHARDMILL)
MODULES = ["store/batch", "engine/run/work.", "engine/run/rescue",
           "engine/join/finalize", "engine/join/join", "engine/join/choose",
           "engine/join/rows", "engine/join/write", "engine/join/damaged",
           "engine/join/grow", "engine/join/grow_record",
           "engine/join/published", "engine/join/sweep",
           "engine/job/consumed", "engine/job/startcheck",
           "engine/tend/recover"]
UNTAKEN = os.path.join(lab.HERE, "untaken.txt")


def known():
    """{(file, function, text, branch): reason}"""
    found = {}
    with open(UNTAKEN, encoding="utf-8") as f:
        for line in f:
            if line.strip() and not line.startswith("#"):
                file, function, text, branches, reason = \
                    line.rstrip("\n").split("\t")
                for n in branches.split(","):
                    found[file, function, text, int(n)] = reason
    return found


def counts(gcda):
    """gcov's: [(file, [line])]"""
    p = subprocess.run(["gcov", "--json-format", "--stdout",
                        "--branch-probabilities", gcda], check=True,
                       capture_output=True, text=True, cwd=lab.base)
    for line in p.stdout.splitlines():
        for file in json.loads(line)["files"]:
            yield os.path.relpath(file["file"], ROOT), file["lines"]


def look(all_untaken, reasons):
    """The table; the number of branches that are neither taken nor listed."""
    bad, table = 0, []
    for gcda in sorted(glob.glob(os.path.join(BUILD, "CMakeFiles", "**",
                                              "*.gcda"), recursive=True)):
        for name, lines in counts(gcda):
            if not name.startswith("src/") or \
                    not name[4:].startswith(tuple(MODULES)):
                continue
            with open(os.path.join(ROOT, name), encoding="utf-8") as f:
                source = f.read().splitlines()
            total = taken = listed = 0
            for line in lines:
                text = " ".join(source[line["line_number"] - 1].split())
                for n, branch in enumerate(line["branches"]):
                    total += 1
                    key = (name, line.get("function_name", ""), text, n)
                    if branch["count"]:
                        taken += 1
                    elif key in reasons:
                        listed += 1
                        all_untaken.add(key)
                    else:
                        bad += 1
                        all_untaken.add(key)
                        print(f"UNTAKEN {name}:{line['line_number']}: "
                              f"{key[1]}(): {text}: branch {n}", flush=True)
            table.append((name, total, taken, listed))
    print(f"{'file':<32}{'branches':>9}{'taken':>7}{'listed':>8}{'':>9}")
    table.append(("all", *map(sum, zip(*(row[1:] for row in table)))))
    for name, total, taken, listed in table:
        share = 100 * (taken + listed) / total if total else 100
        print(f"{name:<32}{total:>9}{taken:>7}{listed:>8}{share:>7.1f} %")
    return bad


def main():
    failed = 0
    if not os.environ.get("COVERAGE_AGAIN"):
        cases.unit_limit_s = 900    # no mutant here that might hang
        d = lab.Driver("coverage", jobs=1)
        for case, found in cases.run_all(cases.table(d)):
            if found:
                failed += 1
                print(f"FAILED {case.name}: {found[:300]}", flush=True)
    untaken, reasons = set(), known()
    bad = look(untaken, reasons)
    for key in sorted(set(reasons) - untaken):
        print(f"taken, though listed: {key}")
    print(f"{bad} branches neither taken nor listed, {failed} cases failed")
    sys.exit(1 if bad or failed else 0)


if __name__ == "__main__":
    main()
