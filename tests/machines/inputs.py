#!/usr/bin/env python3
"""Inputs for outputs.sh, the same on each machine: arrays of every width that
candidates reads, in the order of bytes and items that the name says, and
numbers whose digits are hard to get right.  inputs.py DIRECTORY"""
import json
import os
import struct
import sys

import numpy as np

ROWS, WIDTH = 700, 60
os.chdir(sys.argv[1])
rng = np.random.default_rng(18)
ids = np.array([rng.permutation(WIDTH) for _ in range(ROWS)])
scores = -np.sort(-rng.random((ROWS, WIDTH)), axis=1)

for i, f in ("i4", "f4"), ("i8", "f2"), ("u4", "f8"), ("u8", "f4"):
    np.save(f"{i}-c.npy", ids.astype("<" + i))
    np.save(f"{i}-s.npy", scores.astype("<" + f))
np.save("swapped-c.npy", np.asfortranarray(ids.astype(">i4")))
np.save("swapped-s.npy", np.asfortranarray(scores.astype(">f4")))

# Subnormals, powers of ten and two and their neighbours, halves, random bits.
hard = [5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, 0.1 + 0.2,
        9007199254740993.0, 1e22, 1e23, 4.35, 16.67, 0.5, -0.0]
hard += [10.0 ** n for n in range(-300, 300, 7)]
hard += [2.0 ** n for n in range(-1070, 1020, 31)]
while len(hard) < ROWS * WIDTH:
    v, = struct.unpack("<d", rng.bytes(8))
    if np.isfinite(v):
        hard.append(v)
hard = np.array(hard[:ROWS * WIDTH]).reshape(ROWS, WIDTH)
np.save("hard-c.npy", ids.astype("<i4"))
np.save("hard-s.npy", -np.sort(-hard, axis=1))

json.dump([f"user-{i}" for i in range(ROWS)], open("keys.json", "w"))
json.dump([f"t\u00e4{i}" if i % 3 else i for i in range(WIDTH - 5)],
          open("vocab.json", "w"))
with open("lines", "w") as out:
    for i in range(5000):
        out.write(f"{i}\t{rng.integers(1 << 40)}\n")
