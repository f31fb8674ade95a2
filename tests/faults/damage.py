"""damage.py - a lone final file, damaged in every way, and what finds it

    damage.py

A final file of about 64 KiB is damaged and given to `shardmill verify` and to
`gzip -t`.  verify must find all of it, with a kind; the table says how much of
each gzip accepts, as intact or with a warning.  Every bit and every length is
tests/unit/test_final_every.c's; here it is a sample, for gzip's sake.
"""
import collections
import gzip
import json
import os
import re
import subprocess
import sys
from functools import partial

import lab

HEADER, NOTE, END, TAIL = 10, 109, 109, 10
KIND = re.compile(r"^(?:batch \d+: )?([a-z]+): ", re.M)
KINDS = {"header", "deflate", "crc", "index", "end", "missing", "doubled",
         "swapped", "trailing", "truncated"}


def make(slot):
    """(the file, [where a batch's bytes begin and end])"""
    os.makedirs(slot.dir, exist_ok=True)
    slot.must("exec", "-q", "-o", "whole.gz", "--range", "17745", "--size",
              "105", "--", "sh", "-c", "seq -f '%.0f of 17745 lines' $0 $1",
              "{first}", "{last}")
    with open(slot.path("whole.gz"), "rb") as f:
        data = f.read()
    index = json.loads(slot.must("index", "--json", "whole.gz").out)
    return data, [(e["at"], e["at"] + e["bytes"]) for e in index["entries"]]


def parts(data, bodies):
    """{name: bytes of that part of the file}"""
    end = len(data) - TAIL - END
    found = collections.OrderedDict((name, []) for name in (
        "header", "deflate", "index notes", "end note", "CRC and length"))
    found["header"] += range(HEADER)
    for (begin, stop), (after, _) in zip(bodies, [*bodies[1:], (end, 0)]):
        found["deflate"] += range(begin, stop)
        found["index notes"] += range(stop, after)
    found["end note"] += range(end, end + END)
    found["CRC and length"] += range(end + END, len(data))
    return found


def flipped(data, at, bit):
    changed = bytearray(data)
    changed[at] ^= 1 << bit
    return changed


def damages(d, data, bodies):
    """[(what, a function that makes it)]"""
    count = int(os.environ.get("COUNT") or (3000 if lab.LONG else 1000))
    places = parts(data, bodies)
    for name, where in places.items():
        bits = [(at, bit) for at in where for bit in range(8)]
        for at, bit in d.sample(bits, count // len(places)):
            yield f"a bit, {name}", partial(flipped, data, at, bit)
    starts = [begin for begin, _ in bodies]
    # Before the first index note nothing in the file is a mark of ours.
    marked = bodies[15][1] + 2 * NOTE * 16
    cuts = [n for n in range(marked, len(data)) if n not in starts]
    for n in d.sample(cuts, count // 10):
        yield "cut inside a batch or note", lambda n=n: data[:n]
    for n in d.sample([n for n in starts if n > marked], count // 10):
        yield "cut between batches", lambda n=n: data[:n]

    def replaced(n, take, *others):
        """Without `take` bodies from n on, with others in their place."""
        return (data[:bodies[n][0]] + b"".join(others)
                + data[bodies[n + take - 1][1]:])

    body = [data[begin:stop] for begin, stop in bodies]
    near = [n for n in range(len(bodies) - 1) if n % 16 != 15]
    for n in d.sample(near, count // 20):
        for what, args in (
                ("two batches swapped", (2, body[n + 1], body[n])),
                ("a batch doubled", (1, body[n], body[n])),
                ("a batch missing", (1,)),
                ("a batch replaced by other gzip",
                 (1, gzip.compress(b"other\n")))):
            yield what, partial(replaced, n, *args)
    for n in d.sample(range(1, 2000), count // 20):
        yield "zeros appended", lambda n=n: data + bytes(n)
        yield "other bytes appended", lambda n=n: data + b"\xff" * n
    yield "a gzip member appended", lambda: data + gzip.compress(b"more\n")
    yield "the file doubled", lambda: data + data


class Table:
    def __init__(self):
        self.tried, self.intact, self.warned = (collections.Counter()
                                                for _ in range(3))
        self.kinds = collections.defaultdict(collections.Counter)

    def case(self, slot, what, damaged):
        os.makedirs(slot.dir, exist_ok=True)
        with open(slot.path("x.gz"), "wb") as f:
            f.write(damaged())
        r = slot.sm("verify", "x.gz")
        kinds = set(KIND.findall(r.out)) & KINDS
        if r.code != 9 or not kinds:
            raise lab.Violation(f"exit {r.code}: {r.out}{r.err}")
        g = subprocess.run(["gzip", "-t", slot.path("x.gz")], check=False,
                           capture_output=True)
        self.tried[what] += 1
        self.kinds[what].update(kinds)
        self.intact[what] += g.returncode == 0
        self.warned[what] += g.returncode == 2

    def show(self):
        print(f"{'damage':<34}{'tried':>7}{'gzip -t: ok':>13}{'warns':>7}  "
              "verify: all found, as")
        for what, tried in self.tried.items():
            kinds = ", ".join(k for k, _ in self.kinds[what].most_common())
            print(f"{what:<34}{tried:>7}{self.intact[what]:>13}"
                  f"{self.warned[what]:>7}  {kinds}")


def main():
    d = lab.Driver("damage to a final file")
    data, bodies = make(lab.Slot("whole"))
    print(f"a final file of {len(data)} bytes, {len(bodies)} batches")
    table = Table()
    d.run(table.case, ((what, (what, damaged))
                       for what, damaged in damages(d, data, bodies)))
    table.show()
    lab.finish(d)


if __name__ == "__main__":
    sys.exit(main())
