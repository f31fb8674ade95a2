#!/usr/bin/env python3
"""usage.py FILE CMD...: run CMD, and write to FILE what it took.

One line: ms, ms of CPU of all its processes, KiB of the largest one.  The last
includes pages of mapped files, which the kernel may drop.
"""
import resource
import subprocess
import sys
import time

start = time.monotonic()
status = subprocess.run(sys.argv[2:]).returncode
ms = 1000 * (time.monotonic() - start)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
with open(sys.argv[1], "w", encoding="ascii") as f:
    print(f"{ms:.0f} {1000 * (used.ru_utime + used.ru_stime):.0f} "
          f"{used.ru_maxrss}", file=f)
sys.exit(status)
