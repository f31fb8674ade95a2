#!/usr/bin/env python3
"""The plain Python script that `shardmill candidates` replaces.

Reads the four inputs, writes one gzip JSON Lines file: several processes make
a shard each per batch of rows, `cat` joins them.  Options bear the names that
they have in shardmill.  Two uses: its decompressed output is what shardmill's
must equal byte for byte, and its time is what shardmill's is compared with.
With `--ids int --score-digits double`, each candidate costs what it costs in
such a script: a look-up, an int() and a float(), with json.dumps per row.
"""
import argparse
import gzip
import json
import os
import re
import shutil
import sys
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
    for name in ("keys-format", "vocab-format"):
        p.add_argument("--" + name, default="auto",
                       choices=("auto", "json", "text", "npy"))
    p.add_argument("--min-score", type=float, default=0.3)
    p.add_argument("--pad", default="none")
    p.add_argument("--min-candidates", type=int, default=50)
    p.add_argument("--max-candidates", type=int, default=0)
    p.add_argument("--batch-rows", type=int, default=5000)
    p.add_argument("--no-stop", action="store_true")
    p.add_argument("--score-digits", default="source",
                   choices=("source", "double"))
    p.add_argument("--ids", default="auto",
                   choices=("auto", "int", "string"))
    p.add_argument("--key-field", default="key")
    p.add_argument("--list-field", default="value")
    p.add_argument("--id-field", default="track_id")
    p.add_argument("--score-field", default="score")
    p.add_argument("--stats", action="store_true",
                   help="print rows, records and skipped candidates as JSON")
    args = p.parse_args()
    args.pad = None if args.pad == "none" else int(args.pad)
    return args


def load_table(path, form):
    """Return {"0": entry, ...}, the form that JSON gives such a table."""
    with open(path, "rb") as f:
        magic = f.read(6)
    if form == "auto":
        if magic == b"\x93NUMPY":
            form = "npy"
        else:
            form = "json" if path.endswith(".json") else "text"
    if form == "npy":
        entries = np.load(path).tolist()
    elif form == "json":
        with open(path, encoding="utf-8") as f:
            entries = json.load(f)
        if isinstance(entries, dict):
            return entries
    else:
        with open(path, encoding="utf-8", newline="\n") as f:
            entries = [line.removesuffix("\n") for line in f]
    return {str(i): entry for i, entry in enumerate(entries)}


def id_auto(token):
    if isinstance(token, str) and INTEGER.fullmatch(token):
        return int(token)
    return token


def id_int(token):
    if isinstance(token, str) and not token.isascii():
        raise ValueError("not ASCII")
    return int(token)


def score_source(score):
    return float(str(score))


def write_batch(path, first, end):
    """Write the records of rows first to end - 1; return what was counted."""
    make_id = {"auto": id_auto, "int": id_int, "string": str}[args.ids]
    make_score = float if args.score_digits == "double" else score_source
    min_score, pad = args.min_score, args.pad
    most = args.max_candidates or cands.shape[1]
    records = skipped = 0
    with gzip.open(path, "wt", encoding="ascii", newline="\n") as f:
        for row in range(first, end):
            value = []
            for cand, score in zip(cands[row], scores[row]):
                if not float(score) >= min_score or cand == pad:
                    if args.no_stop:
                        continue
                    break
                if len(value) == most:
                    break
                if cand < 0:    # no item can have this number
                    continue
                token = vocab.get(str(cand))
                try:
                    if token is None:
                        raise ValueError("not in the vocabulary")
                    number = make_id(token)
                except ValueError:
                    skipped += 1
                    continue
                value.append({args.id_field: number,
                              args.score_field: make_score(score)})
            if len(value) < args.min_candidates:
                continue
            f.write(json.dumps({args.key_field: keys[str(row)],
                                args.list_field: value},
                               allow_nan=False) + "\n")
            records += 1
    return end - first, records, skipped


def main():
    rows = cands.shape[0]
    starts = range(0, rows, args.batch_rows)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(args.output)
                                     or ".") as tmp:
        paths = [f"{tmp}/{n:06d}.gz" for n in range(len(starts))]
        ends = [min(first + args.batch_rows, rows) for first in starts]
        if args.workers > 1:
            with ProcessPoolExecutor(args.workers) as pool:
                counts = list(pool.map(write_batch, paths, starts, ends))
        else:
            counts = list(map(write_batch, paths, starts, ends))
        with open(args.output, "wb") as out:
            if not paths:
                out.write(gzip.compress(b""))
            for path in paths:
                with open(path, "rb") as shard:
                    shutil.copyfileobj(shard, out)
    if args.stats:
        names = ("rows", "records", "skipped")
        sums = [sum(c) for c in zip(*counts)] or [0, 0, 0]
        print(json.dumps(dict(zip(names, sums))))


if __name__ == "__main__":
    sys.set_int_max_str_digits(0)
    args = options()
    # Loaded before the pool forks: its processes share these pages.
    cands = np.load(args.cands, mmap_mode="r")
    scores = np.load(args.scores, mmap_mode="r")
    keys = load_table(args.keys, args.keys_format)
    vocab = load_table(args.vocab, args.vocab_format)
    main()
