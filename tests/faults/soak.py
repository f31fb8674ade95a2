"""soak.py - random SIGKILLs of a run with four workers

    soak.py [candidates] [exec] [serve] [files]

Candidates, exec, exec --serve and exec --to jobs in turn, or those that are
named, larger than those of scenarios.py.  At random moments a worker, the
supervisor, a command, or everything is killed, until the job is done; a run
that ended is started again, at once.  --max-attempts is the default of three.
Kills of everything are interruptions and fail no batch; a batch may fail after
three kills of its worker or command under a living supervisor, and after no
less, and is retried.  The final file is that of an
undisturbed run, and `attempt` holds one commit per batch.
"""
import collections
import os
import signal
import subprocess
import sys
import threading
import time

import lab
import scenarios

ROWS = 20000
ONE = {"candidates": ["worker", "worker", "supervisor", "all"],
       "exec": ["worker", "worker", "supervisor", "all", "command"]}
ONE["serve"] = ONE["files"] = ONE["exec"]
ALL = ["all", "supervisor"]


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
    """Did any of them live until then?"""
    alive = 0
    for pid in pids:
        try:
            alive += lab.alive(pid)
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
    return alive > 0


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
    def __init__(self, kills):
        self.wanted, self.kills, self.jobs = kills, 0, 0
        self.lock = threading.Lock()

    def case(self, slot, scenario, targets, random):
        """One job, killed until it is done."""
        while self.kills < self.wanted:
            slot.reset(scenario)
            self._job(slot, scenario, targets, random)
            lab.check_whole(slot, scenario)
            lab.check_once(slot)
            self._outcomes(slot, targets)
            with self.lock:
                self.jobs += 1

    def _job(self, slot, scenario, targets, random):
        err_path = os.path.join(lab.base, os.path.basename(slot.root) + ".err")
        retried = collections.Counter()
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
            code = p.wait(lab.LIMIT_S * 5)
            if code == 0:
                return
            with open(err_path, encoding="utf-8") as f:
                text = f.read().strip()
            if code == 1 and targets != ALL:
                self._failed(slot, retried)
            # 4: three workers in a row died before they took a batch.
            elif code not in (-signal.SIGKILL, 4):
                raise lab.Violation(f"exit {code}: {text}")
        raise lab.Violation("the job is never done")

    @staticmethod
    def _failed(slot, retried):
        """Batches that failed were killed three times since they last were
        retried; what was interrupted counts for nothing."""
        rows = slot.sql("SELECT id, (SELECT count(*) FROM attempt "
                        "WHERE batch = b.id AND outcome = 'signal') "
                        "FROM batch b WHERE state = 'failed'")
        bad = [id_ for id_, kills in rows if kills < 3 * (1 + retried[id_])]
        if bad or not rows:
            raise lab.Violation(f"failed (batch, kills): {rows}; not killed "
                                f"often enough: {bad}")
        retried.update(id_ for id_, _ in rows)
        slot.must("retry", "f.gz.job", "--failed")

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
    usual = ["-j", "4", "-q", "-o", "f.gz"]
    of = {"candidates": ["--batch-rows", "100", *big_data()],
          "exec": ["--range", "4000", "--size", "20", "--", "seq", "-f",
                   "%.0f of {batch}", "{first}", "{last}"]}
    of["serve"] = ["--range", "4000", "--size", "20", "--serve", "--", "sh",
                   "-c", scenarios.SERVED]
    of["files"] = ["--range", "4000", "--size", "20", *scenarios.FILES_TO]
    d = lab.Driver("soak: random kills", jobs=4)
    soak = Soak(int(os.environ.get("COUNT") or (1000 if lab.LONG else 60)))
    cases = []
    for name in sys.argv[1:] or of:
        for label, targets in (("one", ONE[name]), ("all", ALL)):
            kind = "candidates" if name == "candidates" else "exec"
            argv = [kind, *usual, *of[name]]
            scenario = scenarios.Scenario(f"{name}-{label}", argv,
                                    key=f"big-{name}", made=argv)
            scenario.want()
            cases.append((f"{name}, {label}", (scenario, targets, d.random)))
    d.run(soak.case, cases)
    d.points, d.kills = 0, soak.kills
    print(f"{soak.jobs} jobs, each whole at its end")
    lab.finish(d)


if __name__ == "__main__":
    main()
