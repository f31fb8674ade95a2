"""losses.py - top-k matrices as recommenders make them, each with a trap

    losses.py DIRECTORY

faiss itself (Debian's python3-faiss) makes NAME-c.npy and NAME-s.npy of `faiss`
and `l2`; `implicit` and `lightfm` have the ids, the order and the scores that
these two return: int32 from 0, falling, float32.
"""
import json
import os
import sys

import faiss
import numpy as np

USERS, ITEMS, FACTORS, TOP = 4000, 5000, 32, 100
os.chdir(sys.argv[1])
rng = np.random.default_rng(3)
users = rng.normal(size=(USERS, FACTORS)).astype("f4")
items = rng.normal(size=(ITEMS, FACTORS)).astype("f4")
popular = np.sort(rng.pareto(1.2, size=ITEMS))[::-1].astype("f4")


def normed(v):
    with np.errstate(all="ignore"):
        return v / np.linalg.norm(v, axis=1, keepdims=True)


def save(name, cands, scores):
    np.save(name + "-c.npy", cands)
    np.save(name + "-s.npy", scores)


def top(name, scores, order=lambda s: np.argsort(-s, axis=1)):
    cands = order(scores)[:, :TOP].astype("i4")
    save(name, cands, np.take_along_axis(scores, cands, 1))


# A search that looks into one list of 64 finds fewer than asked for: -1.
index = faiss.IndexIVFFlat(faiss.IndexFlatIP(FACTORS), FACTORS, 64,
                           faiss.METRIC_INNER_PRODUCT)
index.train(normed(items))
index.add(normed(items))
scores, cands = index.search(normed(users), TOP)
save("faiss", cands, scores)
# Distances: the nearest first.
index = faiss.IndexFlatL2(FACTORS)
index.add(normed(items))
scores, cands = index.search(normed(users), TOP)
save("l2", cands, scores)
# Item 0 is the most popular.
top("implicit", users @ items.T / 20 +
    0.45 * np.log1p(popular) / np.log1p(popular[0]))
# Raw scores, most of them negative.
top("lightfm", users @ items.T / 10 - 2 + 0.3 * np.log(popular + 1e-3))
# Items of nobody have no direction: NaN, which argsort()[::-1] puts first.
items[::500] = 0
top("nan", normed(users) @ normed(items).T,
    lambda s: np.argsort(s, axis=1)[:, ::-1])

with open("keys.json", "w") as f:
    json.dump({str(i): f"user-{i}" for i in range(USERS)}, f)
with open("vocab.json", "w") as f:
    json.dump({str(i): f"item-{i}" for i in range(ITEMS)}, f)
