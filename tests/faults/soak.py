"""soak.py - random SIGKILLs of a run with four workers

    soak.py

Candidates and exec jobs in turn, larger than those of lab.py.  At random
moments a worker, the supervisor, a command, or everything is killed, until the
job is done; a run that ended is started again.  With the default of three
attempts only kills under a living supervisor count against a batch, so that
--max-attempts is raised where workers are killed alone, and is the default
where everything dies.  The final file is that of an undisturbed run, and
`attempt` holds one commit per batch.
"""
import os
import signal
import subprocess
import sys
import threading
import time

import lab

ROWS = 20000


def processes(root):
    """Its descendants: {pid: depth}, itself 0."""
    parents = {}
    for pid in os.listdir("/proc"):
        if pid.isdigit():
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    parents[int(pid)] = int(
                        f.read().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                pass
    found, grown = {root: 0}, True
    while grown:
        grown = False
        for pid, parent in parents.items():
            if parent in found and pid not in found:
                found[pid] = found[parent] + 1
                grown = True
    return found


def kill(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return len(pids) > 0


def victims(random, what, root):
    found = processes(root)
    depth = {"worker": 1, "command": 2}.get(what)
    if what == "all":
        # Top down: who lives must not see a child's death.
        return sorted(found, key=found.get)
    if what == "supervisor":
        return [root]
    some = [pid for pid, d in found.items() if d == depth]
    return [random.choice(some)] if some else []


class Soak:
    def __init__(self, driver, kills):
        self.driver, self.wanted, self.kills = driver, kills, 0
        self.lock = threading.Lock()

    def case(self, slot, scenario, targets, random):
        """One job, killed until it is done."""
        while self.kills < self.wanted:
            slot.reset(scenario)
            self._job(slot, scenario, targets, random)
            lab.check_whole(slot, scenario)
            self._outcomes(slot, targets)
        return False

    def _job(self, slot, scenario, targets, random):
        err_path = os.path.join(lab.base, os.path.basename(slot.root) + ".err")
        for _ in range(2000):
            with open(err_path, "w", encoding="utf-8") as err:
                p = subprocess.Popen(
                    [lab.SHARDMILL, *scenario.command], cwd=slot.dir,
                    stdin=subprocess.DEVNULL, stdout=err, stderr=err,
                    start_new_session=True)
            while p.poll() is None and self.kills < self.wanted:
                end = time.monotonic() + random.uniform(0.02, 0.6)
                while p.poll() is None and time.monotonic() < end:
                    time.sleep(0.005)
                if p.poll() is None and kill(victims(
                        random, random.choice(targets), p.pid)):
                    with self.lock:
                        self.kills += 1
                        self.driver.points += 1
            code = p.wait(lab.LIMIT_S * 5)
            if code == 0:
                return
            with open(err_path, encoding="utf-8") as f:
                text = f.read().strip()
            # 4: three workers in a row died before they took a batch.
            if code not in (-signal.SIGKILL, 4):
                raise lab.Violation(f"exit {code}: {text}")
        raise lab.Violation("the job is never done")

    def _outcomes(self, slot, targets):
        found = {row[0] for row in slot.sql(
            "SELECT DISTINCT outcome FROM attempt")}
        may = {"done", "interrupted", "returned", "fenced"}
        if "worker" in targets:
            may |= {"signal"}
        if "command" in targets:
            may |= {"signal"}
        if found - may:
            raise lab.Violation(f"attempts ended as {found - may}")


def big_data():
    path = os.path.join(lab.work, "big")
    subprocess.run([sys.executable, os.path.join(lab.TESTS, "nasty.py"),
                    "--plain", str(ROWS), "100", "1", path], check=True)
    with open(os.path.join(path, "args"), encoding="utf-8") as f:
        return f.read().splitlines()


def main():
    many = ["--max-attempts", "1000", "-j", "4", "-q", "-o", "f.gz"]
    usual = ["-j", "4", "-q", "-o", "f.gz"]
    of = {"candidates": ["--batch-rows", "100", *big_data()],
          "exec": ["--range", "4000", "--size", "20", "--", "seq", "-f",
                   "%.0f of {batch}", "{first}", "{last}"]}
    d = lab.Driver("soak: random kills", jobs=4)
    soak = Soak(d, int(os.environ.get("COUNT") or (1000 if lab.LONG else 60)))
    cases = []
    for name, args in of.items():
        for label, options, targets in (
                ("one", many, ["worker", "worker", "supervisor", "all"] +
                 ["command"] * (name == "exec")),
                ("all", usual, ["all", "supervisor"])):
            argv = [name, *options, *args]
            scenario = lab.Scenario(f"{name}-{label}", argv,
                                    key=f"big-{name}", made=argv)
            scenario.want()
            cases.append((f"{name}, {label}", (scenario, targets, d.random)))
    d.run(soak.case, cases)
    lab.finish(d)


if __name__ == "__main__":
    main()
