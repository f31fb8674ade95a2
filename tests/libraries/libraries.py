#!/usr/bin/env python3
"""libraries.py - the manual's lines for search libraries, on the libraries

    libraries.py -w DIR SHARDMILL   install what npm has into DIR, run all
    libraries.py --packages         Debian's packages, one line per library
    ONLY=usearch libraries.py ...   some of them

The lines are those of shardmill-candidates(7), section LIBRARIES, as they stand
there.  Each library has an index of 3,000 items, of which 300 are asked for
each of 200 users, and one of 40 items, which has fewer than that.  What
`shardmill candidates` makes of it is compared with all scores, computed by
numpy: each entry has the score of its item, the best come first, as many
entries as the index has are there and few of the best are missing, since most
of the searches are approximate.  `usearch` is the one of npm, and `annoy` its
C++ header, as Python's modules of these names are in neither registry; nor are
implicit and LightFM, which test 0270 has stand-ins for.
"""
import argparse
import ctypes
import gzip
import json
import os
import re
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
DIMENSIONS, USERS, ITEMS, FEW, K = 32, 200, 3000, 40, 300
USEARCH = "2.26.2"
PACKAGES = {
    "faiss": "python3-faiss",
    "hnswlib": "python3-hnswlib",
    "annoy": "r-cran-rcppannoy g++",
}

rng = np.random.default_rng(11)


def normed(n):
    v = rng.normal(size=(n, DIMENSIONS)).astype("f4")
    return v / np.linalg.norm(v, axis=1, keepdims=True)


all_users, all_items = normed(USERS), normed(ITEMS)


def version_of(package):
    return subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", package],
        check=True, capture_output=True, text=True).stdout


# ---------------------------------------------------------------- libraries --

class Annoy:
    """With the call of annoy's Python module that the manual's lines make."""

    def __init__(self, items):
        self.lib = ctypes.CDLL("./libannoy.so")
        self.lib.annoy_new.restype = ctypes.c_void_p
        self.index = ctypes.c_void_p(self.lib.annoy_new(DIMENSIONS))
        for i, item in enumerate(items):
            self.lib.annoy_add(self.index, i, self.floats(item))
        self.lib.annoy_build(self.index, 60)

    @staticmethod
    def floats(vector):
        return vector.ctypes.data_as(ctypes.POINTER(ctypes.c_float))

    def get_nns_by_vector(self, user, n, include_distances):
        assert include_distances
        ids = np.zeros(n, "i4")
        away = np.zeros(n, "f4")
        count = self.lib.annoy_search(
            self.index, self.floats(user), n,
            ids.ctypes.data_as(ctypes.POINTER(ctypes.c_int32)),
            self.floats(away))
        return ids[:count].tolist(), away[:count].tolist()


class Usearch:
    def __init__(self, items):
        self.items = items

    def search(self, users, k):
        self.items.tofile("items.raw")
        users.tofile("users.raw")
        subprocess.run(["node", "search.mjs", "items.raw", "users.raw",
                        str(DIMENSIONS), str(k), "found"], check=True)
        self.keys = np.fromfile("found.keys", "u8").reshape(-1, k)
        self.distances = np.fromfile("found.distances", "f4").reshape(-1, k)
        self.counts = np.fromfile("found.counts", "u8")
        return self


def faiss_index(metric):
    import faiss

    def make(items):
        index = faiss.IndexFlat(DIMENSIONS, metric)
        index.add(items)
        return index
    return make


def hnswlib_index(items):
    import hnswlib
    index = hnswlib.Index(space="cosine", dim=DIMENSIONS)
    index.init_index(len(items), M=48, ef_construction=400)
    index.add_items(items)
    index.set_ef(1000)
    return index


def cosine(users, items):
    return users @ items.T


def nearness(users, items):
    return 1 / (1 + np.square(users[:, None] - items[None]).sum(axis=2))


def faiss_version():
    import faiss
    return f"{faiss.__version__} (Debian {version_of('python3-faiss')})"


# NAME: how it is made, its version, what a score must be
LIBRARIES = {
    "faiss": (faiss_index(0), faiss_version, cosine),
    "faiss-l2": (faiss_index(1), faiss_version, nearness),
    "hnswlib": (hnswlib_index,
                lambda: "Debian " + version_of("python3-hnswlib"), cosine),
    "usearch": (Usearch, lambda: f"{USEARCH} (npm)", cosine),
    "annoy": (Annoy, lambda: "1.17.0 (Debian r-cran-rcppannoy " +
              version_of("r-cran-rcppannoy") + ")", cosine),
}


def recipes():
    """The manual's lines by the names above."""
    page = open(HERE + "/../../tools/shardmill-candidates.7").read()
    page = page.split(".SH LIBRARIES")[1].split(".SH SPEED")[0]
    code = page.split(".nf\n")[1].split(".fi")[0].replace("\\-", "-")
    return {re.match(r"# ([^,:\n]+(, L2)?)", b)[1].replace(", L2", "-l2"): b
            for b in code.split("\n\n")}


# ------------------------------------------------------------------ one run --

class Wrong(Exception):
    pass


def check(good, what):
    if not good:
        raise Wrong(what)


def shardmill(program, items):
    for name in ("f.gz", "f.gz.job"):
        subprocess.run(["rm", "-rf", name], check=True)
    json.dump([f"user-{i}" for i in range(USERS)], open("keys.json", "w"))
    json.dump([str(i) for i in range(items)], open("vocab.json", "w"))
    run = subprocess.run(
        [program, "candidates", "-o", "f.gz", "--cands", "cands.npy",
         "--scores", "scores.npy", "--keys", "keys.json", "--vocab",
         "vocab.json", "--min-score=-2", "--min-candidates", "1"],
        capture_output=True, text=True)
    check(run.returncode == 0, f"exit {run.returncode}: {run.stderr}")
    check("rising" not in run.stderr, run.stderr)
    with gzip.open("f.gz", "rt") as f:
        return [json.loads(line)["value"] for line in f]


def compare(rows, scores, wanted):
    """The share of the best that is missing."""
    missing = 0
    check(len(rows) == USERS, f"{len(rows)} lines of {USERS}")
    for row, true in zip(rows, scores):
        ids = np.array([int(e["track_id"]) for e in row])
        said = np.array([e["score"] for e in row])
        check(len(ids) == wanted, f"{len(ids)} entries, not {wanted}")
        check(len(set(ids.tolist())) == wanted, "an item is there twice")
        check(np.abs(said - true[ids]).max() < 1e-3, "another score")
        check((np.diff(said) <= 0).all(), "scores rise")
        best = np.argsort(-true)[:wanted]
        missing += len(set(best.tolist()) - set(ids.tolist()))
    return missing / (USERS * wanted)


def fewer(name, make, code, program, scores):
    """The index of FEW items: what the library returned, and what was made."""
    names = {"np": np, "users": all_users, "items": all_items[:FEW]}
    names["index"] = make(all_items[:FEW])
    if name == "hnswlib":
        try:
            exec(code, names)
        except RuntimeError:
            return "an error"
        raise Wrong("no error for too few")
    exec(code, names)
    check(compare(shardmill(program, FEW), scores(all_users, all_items[:FEW]),
                  FEW) == 0, "an item of few is missing")
    if name == "usearch":
        found = names["found"]
        return f"{found.keys[0, FEW]}, {found.distances[0, FEW]}"
    if name == "annoy":
        return "shorter lists"
    raw = names["distances" if name == "faiss-l2" else "scores"]
    return f"{names['cands'][0, FEW]}, {raw[0, FEW]:.2g}"


def direction(names):
    raw = names.get("distances")
    if raw is None and "found" in names:
        raw = names["found"].distances
    if raw is None:
        raw = [names["d"]] if "d" in names else names["scores"]
    step = np.diff(np.asarray(raw[0], dtype="f8"))
    return "rise" if (step >= 0).all() else "fall" if (step <= 0).all() \
        else "neither"


def ids_of(names):
    if "ids" in names:
        return "lists"
    found = names.get("found")
    return str(names["cands"].dtype if found is None else found.keys.dtype)


def rises(distances):
    return bool((np.diff(np.asarray(distances, dtype="f8")) >= 0).all())


def others_rise(name):
    """What the manual says of indexes that its lines do not make."""
    if name == "hnswlib":
        import hnswlib
        for space in ("ip", "l2"):
            index = hnswlib.Index(space=space, dim=DIMENSIONS)
            index.init_index(ITEMS)
            index.add_items(all_items)
            index.set_ef(K)
            check(rises(index.knn_query(all_users[:1], k=K)[1][0]),
                  f"distances of {space} do not rise")
    if name == "faiss":
        import faiss
        index = faiss.IndexBinaryFlat(DIMENSIONS)
        bits = np.packbits(all_items > 0, axis=1)
        index.add(bits[:FEW])
        distances, cands = index.search(bits[:1], K)
        check(rises(distances[0]) and cands[0, FEW] == -1,
              "binary distances do not rise, or -1 is no padding")


def run(name, code, program):
    make, version, scores = LIBRARIES[name]
    names = {"np": np, "users": all_users, "items": all_items}
    names["index"] = make(all_items)
    exec(code, names)
    missing = compare(shardmill(program, ITEMS), scores(all_users, all_items),
                      K)
    check(missing < 0.05, f"{missing:.1%} of the best are missing")
    others_rise(name)
    row = [name, version(), ids_of(names), direction(names)]
    row.append(fewer(name, make, code, program, scores))
    row.append("right" if missing == 0 else
               f"right; the search missed {missing:.2%} of the best")
    return row


def install():
    if not os.path.isdir("node_modules/usearch"):
        with open("package.json", "w") as f:
            f.write('{"private": true}\n')
        subprocess.run(["npm", "install", "--silent", "--no-audit",
                        "--no-fund", f"usearch@{USEARCH}"], check=True)
    subprocess.run(["cp", HERE + "/search.mjs", "."], check=True)
    subprocess.run(
        ["g++", "-O2", "-shared", "-fPIC", "-w",
         "-I/usr/lib/R/site-library/RcppAnnoy/include", "-o", "libannoy.so",
         HERE + "/annoy.cpp"], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--packages", action="store_true")
    parser.add_argument("-w", metavar="DIR")
    parser.add_argument("program", nargs="?")
    args = parser.parse_args()
    if args.packages:
        print("\n".join(PACKAGES.values()))
        return 0
    program = os.path.abspath(args.program)
    os.makedirs(args.w, exist_ok=True)
    os.chdir(args.w)
    install()
    code, failed = recipes(), 0
    print("| library | version | ids | scores | fewer than asked for | "
          "what shardmill made of it |\n|---|---|---|---|---|---|")
    for name in os.environ.get("ONLY", " ".join(LIBRARIES)).split():
        try:
            row = run(name, code[name], program)
        except (Wrong, ImportError, OSError,
                subprocess.CalledProcessError) as e:
            row, failed = [name, f"FAILED: {e}", "", "", "", ""], failed + 1
        print("| " + " | ".join(row) + " |", flush=True)
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
