#!/usr/bin/env python3
"""The same export as oracle.py, as fast as Python with numpy gets it.

What a competent engineer writes once the plain script is too slow: columns
filtered by numpy, the vocabulary as a table of ready JSON text, one format
string per row, compression by `igzip -1` in a process of its own (`gzip -1`
where igzip is missing), N processes, `cat`.  Only the default options: falling
scores, pad 0, --ids auto; --score-digits source for float32 scores.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor

import numpy as np

INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")


def options():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("-o", "--output", required=True)
    p.add_argument("-j", "--workers", type=int, default=os.cpu_count())
    for name in ("cands", "scores", "keys", "vocab"):
        p.add_argument("--" + name, required=True)
    p.add_argument("--min-score", type=float, default=0.3)
    p.add_argument("--min-candidates", type=int, default=50)
    p.add_argument("--batch-rows", type=int, default=5000)
    p.add_argument("--score-digits", default="source",
                   choices=("source", "double"))
    return p.parse_args()


def load_list(path):
    with open(path, encoding="utf-8") as f:
        entries = json.load(f)
    if isinstance(entries, list):
        return entries
    table = [None] * (max(map(int, entries), default=-1) + 1)
    for i, entry in entries.items():
        table[int(i)] = entry
    return table


def id_text(token):
    if token is None:
        return None
    if isinstance(token, int) or INTEGER.fullmatch(token):
        return str(int(token))
    return json.dumps(token)


def numbers(scores):
    """The scores as floats whose repr() is what is to be written."""
    if args.score_digits == "double":
        return scores.tolist()
    return list(map(float, scores.astype("U").tolist()))


def write_batch(path, first, end):
    gz = [shutil.which("igzip") or "gzip", "-1", "-c"]
    with open(path, "wb") as shard, subprocess.Popen(
            gz, stdin=subprocess.PIPE, stdout=shard) as pipe:
        for row in range(first, end):
            c, s = cands[row], scores[row]
            good = (s.astype(np.float64) >= args.min_score) & (c != 0)
            n = len(good) if good.all() else int(good.argmin())
            if n < args.min_candidates:
                continue
            known = (c[:n] >= 0) & (c[:n] < len(ids))
            row_ids = [ids[i] for i in c[:n][known].tolist()]
            nums = numbers(s[:n][known])
            if None in row_ids:
                nums = [x for i, x in zip(row_ids, nums) if i is not None]
                row_ids = [i for i in row_ids if i is not None]
            if len(row_ids) < args.min_candidates:
                continue
            flat = [None] * (2 * len(row_ids))
            flat[::2], flat[1::2] = row_ids, nums
            text = ", ".join([item] * len(row_ids)) % tuple(flat)
            pipe.stdin.write(line % (json.dumps(keys[row]).encode(),
                                     text.encode()))
        pipe.stdin.close()
        if pipe.wait():
            raise OSError(gz[0] + " failed")


def main():
    rows = cands.shape[0]
    starts = range(0, rows, args.batch_rows)
    ends = [min(first + args.batch_rows, rows) for first in starts]
    with tempfile.TemporaryDirectory(dir=os.path.dirname(args.output)
                                     or ".") as tmp:
        paths = [f"{tmp}/{n:06d}.gz" for n in range(len(starts))]
        with ProcessPoolExecutor(args.workers) as pool:
            list(pool.map(write_batch, paths, starts, ends))
        with open(args.output, "wb") as out:
            subprocess.run(["cat", *paths], stdout=out, check=True,
                           stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    args = options()
    item = '{"track_id": %s, "score": %r}'
    line = b'{"key": %s, "value": [%s]}\n'
    cands = np.load(args.cands, mmap_mode="r")
    scores = np.load(args.scores, mmap_mode="r")
    keys = load_list(args.keys)
    ids = [id_text(token) for token in load_list(args.vocab)]
    main()
