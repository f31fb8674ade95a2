"""damage.py - a lone final file, damaged in every way, and what finds it

    damage.py

A final file of about 64 KiB is damaged and given to `shardmill verify` and to
`gzip -t`.  verify must find all of it, with a kind; the table says how much of
each gzip accepts, as intact or with a warning.  Every bit and every length is
tests/unit/test_final_every.c's; here it is a sample, for gzip's sake.
"""
import collections
import gzip
import os
import re
import subprocess
import sys
import zlib
from functools import partial

import lab

HEADER, END = 88, 70
KIND = re.compile(r"^(?:batch \d+: )?([a-z]+): ", re.M)
KINDS = {"header", "deflate", "crc", "index", "end", "missing", "doubled",
         "swapped", "trailing", "truncated"}


def make(slot):
    """(the file, where its members begin)"""
    os.makedirs(slot.dir, exist_ok=True)
    slot.must("exec", "-q", "-o", "whole.gz", "--range", "17745", "--size",
              "105", "--", "sh", "-c", "seq -f '%.0f of 17745 lines' $0 $1",
              "{first}", "{last}")
    with open(slot.path("whole.gz"), "rb") as f:
        data = f.read()
    starts, at = [], 0
    while at < len(data):
        starts.append(at)
        d = zlib.decompressobj(31)
        d.decompress(data[at:])
        at = len(data) - len(d.unused_data)
    return data, starts


def parts(data, starts):
    """{name: bytes of that part of the file}"""
    index = next(n for n, at in enumerate(starts) if data[at + 17] == 2)
    found = collections.OrderedDict((name, []) for name in (
        "shard headers", "deflate", "CRC and length", "index", "end"))
    for n, at in enumerate(starts):
        stop = (starts + [len(data)])[n + 1]
        if n < index:
            found["shard headers"] += range(at, at + HEADER)
            found["deflate"] += range(at + HEADER, stop - 8)
            found["CRC and length"] += range(stop - 8, stop)
        else:
            found["end" if stop == len(data) else "index"] += range(at, stop)
    return found, index


def flipped(data, at, bit):
    changed = bytearray(data)
    changed[at] ^= 1 << bit
    return changed


def damages(d, data, starts):
    """[(what, a function that makes it)]"""
    count = int(os.environ.get("COUNT") or (3000 if lab.LONG else 1000))
    places, shards = parts(data, starts)
    for name, where in places.items():
        bits = [(at, bit) for at in where for bit in range(8)]
        for at, bit in d.sample(bits, count // len(places)):
            yield f"a bit, {name}", partial(flipped, data, at, bit)
    cuts = [n for n in range(14, len(data)) if n not in starts]
    for n in d.sample(cuts, count // 10):
        yield "cut inside a member", lambda n=n: data[:n]
    for n in d.sample(starts[1:], count // 10):
        yield "cut between members", lambda n=n: data[:n]

    def replaced(n, take, *others):
        """Without `take` members from n on, with others in their place."""
        stop = starts[n + take]
        return data[:starts[n]] + b"".join(others) + data[stop:]

    member = [data[a:b] for a, b in zip(starts, [*starts[1:], len(data)])]
    for n in d.sample(range(shards - 1), count // 20):
        for what, args in (
                ("two members swapped", (2, member[n + 1], member[n])),
                ("a member doubled", (1, member[n], member[n])),
                ("a member missing", (1,)),
                ("a member replaced by other gzip",
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
    data, starts = make(lab.Slot("whole"))
    print(f"a final file of {len(data)} bytes, {len(starts)} members")
    table = Table()
    d.run(table.case, ((what, (what, damaged))
                       for what, damaged in damages(d, data, starts)))
    table.show()
    lab.finish(d)


if __name__ == "__main__":
    sys.exit(main())
