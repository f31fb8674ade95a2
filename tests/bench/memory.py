#!/usr/bin/env python3
"""memory.py CMD...: run CMD; print, per role, the most memory of one process.

One line each for "self" (CMD) and "worker" (its children that run `work`):
role, peak of all pages (VmHWM) and of its own, anonymous ones (RssAnon), in
KiB.  What a worker has beyond its own pages are mappings of files: inputs and
compiled tables, which all workers share and the kernel may drop.
"""
import os
import subprocess
import sys
import time


def sizes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as f:
        words = [line.split() for line in f]
    found = {w[0]: int(w[1]) for w in words
             if w[0] in ("VmHWM:", "RssAnon:")}
    return found.get("VmHWM:", 0), found.get("RssAnon:", 0)


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return f.read().split()


def is_worker(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as f:
        return b"work" in f.read().split(b"\0")[1:3]


def main():
    peak = {"self": (0, 0), "worker": (0, 0)}
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL) as child:
        while child.poll() is None:
            try:
                pids = [("self", child.pid)]
                pids += [("worker", pid) for pid in children(child.pid)
                         if is_worker(pid)]
                for role, pid in pids:
                    peak[role] = tuple(map(max, peak[role], sizes(pid)))
            except (OSError, IndexError):
                pass  # it ended meanwhile
            time.sleep(0.01)
        for role, (all_pages, own) in peak.items():
            print(role, all_pages, own)
        sys.exit(child.returncode)


if __name__ == "__main__":
    main()
