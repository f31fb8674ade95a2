#!/usr/bin/env python3
"""Cut the power at every write, sync and rename, and resume.

    powercut.py [--states N] [--seed S] [--jobs N] [--only SCENE,...]
                [--verify-every N] [--keep DIR] [--expect WORD,...] SHARDMILL

Each scene is one small job whose writes, syncs and names are recorded
(powercut_trace.py).  The states that a file system may leave after a power
cut at each moment (powercut_disk.py) are laid out in a directory, the same
command is run again, and what comes of it is judged (powercut_check.py).

The exit status is 0 if there was no violation.  With --expect, for a build
with one protection taken out, it is 0 only if there was one of those words;
the first one ends the test.

Each process sees a tmpfs of its own at the directory in which the job was
recorded, so that the paths in the job are the true ones.  Where no such mount
may be made, one process works in that directory itself.
"""
import argparse
import ctypes
import multiprocessing
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

import powercut_check
import powercut_disk
import powercut_scenes
import powercut_trace

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
SHOWN = 8  # violations that are printed in full

checker = disk = chosen = None  # of the scene at hand, in each process


def own_mount(path):
    """A tmpfs at `path` that this process and its children alone see."""
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWNS) != 0:
        if libc.unshare(CLONE_NEWNS | CLONE_NEWUSER) != 0:
            return False
        for name, line in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"),
                           ("gid_map", f"{gid} {gid} 1")):
            with open("/proc/self/" + name, "w", encoding="ascii") as f:
                f.write(line)
    return (libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0
            and libc.mount(b"none", path.encode(), b"tmpfs", 0, None) == 0)


def can_mount():
    """Tried in a process that ends."""
    path = tempfile.mkdtemp()
    child = os.fork()
    if child == 0:
        os._exit(0 if own_mount(path) else 1)
    ok = os.waitpid(child, 0)[1] == 0
    os.rmdir(path)
    return ok


def begin_process(scene, scratch, mount):
    global checker
    if mount and not own_mount(scene.root):
        raise OSError("cannot mount a tmpfs")
    checker = powercut_check.Checker(scene, f"{scratch}/look-{os.getpid()}")


def judge(task):
    number, verify = task
    state = chosen[number]
    return number, checker.judge(disk.files(state), verify)


def tree_of(root):
    out = {}
    for d, dirs, files in os.walk(root):
        for name in dirs:
            out[os.path.relpath(os.path.join(d, name), root)] = None
        for name in files:
            if name == "job.db-shm":
                continue
            with open(os.path.join(d, name), "rb") as f:
                out[os.path.relpath(os.path.join(d, name), root)] = f.read()
    return out


def call(argv):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, cwd="/", check=False,
                          capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"exit {done.returncode}: {' '.join(argv)}\n{done.stderr}")


def record(scene, scratch):
    """(tree before, operations) of one run, and the final files in scene."""
    scene.prepare(call)
    before = tree_of(scene.root)
    final = os.path.relpath(scene.final, scene.root)
    done, ops = powercut_trace.record(
        scene.command, scene.root, f"{scratch}/trace", cwd="/",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE)
    if done.returncode != 0:
        sys.exit(f"{scene.name}: exit {done.returncode}: {done.stderr!r}")
    with open(scene.final, "rb") as f:
        scene.wanted = f.read()
    scene.check_text(scene.wanted)
    scene.may_be = {before.get(final), scene.wanted}
    return before, ops


def run_scene(scene, args, scratch, mount):
    """One line of the table; the violations found."""
    global disk, chosen
    begun = time.monotonic()
    before, ops = record(scene, scratch)
    disk = powercut_disk.Disk(scene.root, before, ops, scene.names)
    count = max(1, args.states * scene.share // args.shares)
    chosen, looked = disk.choose(count, args.seed)
    found, ended = [], 0
    every = args.verify_every
    tasks = [(n, every > 0 and n % every == 0) for n in range(len(chosen))]
    with multiprocessing.get_context("fork").Pool(
            args.jobs if mount else 1, begin_process,
            (scene, scratch, mount)) as pool:
        for number, violations in pool.imap_unordered(judge, tasks, 4):
            ended += 1
            for word, what in violations:
                found.append(word)
                if len(found) <= SHOWN:
                    tell(scene, number, ops, word, what)
                    keep(scene, number, args.keep)
            if args.expect and set(found) & args.expect:
                break
    print(f"{scene.name:12} {len(ops):6} {len(disk.points):7} {looked:8} "
          f"{ended:9} {len(found):10} {time.monotonic() - begun:8.1f}",
          flush=True)
    return ended, found


def tell(scene, number, ops, word, what):
    point, cut, kind, write, place = chosen[number]
    if not isinstance(cut, int):
        cut = " ".join(str(n) for _, n in cut)
    print(f"VIOLATION {scene.name}: {word}: {what}\n"
          f"    state {number}: after operation {point} of {len(ops)}, names "
          f"up to {cut}, {kind}"
          + (f", write {write} of {ops[write].path}" if write >= 0 else "")
          + (f" at {place}" if place else ""), flush=True)
    for op in ops[max(0, point - 3):point + 2]:
        to = f" {op.data}" if op.kind == "rename" else f" {len(op.data)} bytes"
        print(f"        {op.kind} {op.path}{to} at {op.at}", flush=True)


def keep(scene, number, path):
    """A state with a violation, for a person to look at."""
    if path:
        path = f"{path}/{scene.name}-{number}"
        os.makedirs(path + "/root", exist_ok=True)
        powercut_check.Checker.lay(disk.files(chosen[number]), path + "/root")
        with open(path + "/command", "w", encoding="utf-8") as f:
            f.write(f"# at {scene.root}\n{shlex.join(scene.resume)}\n")


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    p.add_argument("--states", type=int, default=1500, metavar="N",
                   help="distinct states in all scenes together")
    p.add_argument("--seed", type=int, default=None)
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--only", metavar="SCENE,...")
    p.add_argument("--verify-every", type=int, default=5, metavar="N",
                   help="run `shardmill verify` on every N-th state")
    p.add_argument("--keep", metavar="DIR",
                   help="put the first states with a violation there")
    p.add_argument("--expect", metavar="WORD,...")
    p.add_argument("shardmill")
    args = p.parse_args()
    args.seed = args.seed if args.seed is not None else time.time_ns() % 10**6
    args.expect = set(args.expect.split(",")) if args.expect else set()
    args.only = args.only.split(",") if args.only else None
    args.shardmill = os.path.realpath(args.shardmill)
    return args


def main():
    args = parse()
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    scratch = os.path.realpath(tempfile.mkdtemp(prefix="powercut.", dir=place))
    mount = can_mount()
    scenes = [s for s in powercut_scenes.all_scenes(args.shardmill, scratch)
              if not args.only or s.name in args.only]
    args.shares = sum(s.share for s in scenes)
    total, found, begun = 0, [], time.monotonic()
    try:
        print(f"{'scene':12} {'calls':>6} {'moments':>7} {'looked':>8} "
              f"{'resumed':>9} {'violations':>10} {'seconds':>8}")
        for scene in scenes:
            ended, words = run_scene(scene, args, scratch, mount)
            total += ended
            found += words
            if args.expect and set(words) & args.expect:
                break
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"power cuts: {total} distinct states, {len(found)} violations"
          + (f" ({', '.join(sorted(set(found)))})" if found else "")
          + f", {time.monotonic() - begun:.0f} s, seed {args.seed}")
    if args.expect:
        return 0 if set(found) & args.expect else 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
