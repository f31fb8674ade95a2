"""answers_lib.py - what answers.py and its tables of cases share"""
import os
import signal

import lab
import zombies

OUTCOMES = ("SELECT batch, outcome FROM attempt WHERE outcome <> 'done' "
            "ORDER BY id")


def expect(what, got, want):
    if got != want:
        raise lab.Violation(f"{what}: {got}, not {want}")


def faulty(slot, scenario, fault, code, *words):
    """The scenario's command with that fault: its result."""
    slot.reset(scenario)
    log = os.path.join(lab.base, os.path.basename(slot.root) + ".passed")
    r = slot.sm(*scenario.command, env={"SHARDMILL_FAULT": fault,
                                        "SHARDMILL_FAULT_LOG": log})
    with open(log, encoding="utf-8") as f:
        passed = f.read().split()
    os.unlink(log)
    lab.check_ended(r)
    expect(f"exit status with {fault} ({r.err.strip()})", r.code, code)
    for word in words:
        if word not in r.err:
            raise lab.Violation(f"{r.err.strip()!r} does not say {word!r}")
    return passed


def stopped(slot, scenario, fault, then, code, after=None, argv=None):
    """It, or another command, is stopped at a point, then(process) happens, it
    goes on, after() that too, to its end: what it said."""
    slot.reset(scenario)
    process = zombies.Process(slot, argv or scenario.command,
                              {"SHARDMILL_FAULT": fault})
    try:
        zombies.wait_for(20, "the program stops", process.stopped)
        then(process)
        process.p.send_signal(signal.SIGCONT)
        if after:
            after()
        expect("exit status", process.ended(30, "the program"), code)
        return process.text()
    finally:
        process.end()
