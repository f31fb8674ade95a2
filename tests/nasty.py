#!/usr/bin/env python3
"""Make a data set for `shardmill candidates` from a seed.

    nasty.py SEED DIR              small, with everything that may go wrong
    nasty.py --plain ROWS WIDTH SEED DIR   what a recommender writes, any size

DIR gets the four inputs and `args`, one option a line, for shardmill and for
oracle.py alike.  The forms of keys and vocabulary and the types of the
matrices follow from SEED so that seeds 0 to 15 meet every form and type.
"""
import json
import os
import sys

import numpy as np

FORMS = ("object", "array", "text", "npy")
CAND_TYPES = ("int32", "int64", "uint32", "uint64")
SCORE_TYPES = ("float32", "float64", "float16")
IDS = ("auto", "int", "string")

STRANGE = [
    "", " ", "a b", "007", "-0", "-7", "+5", "--1", "-", "0", "00", "1_000",
    "1__0", "_1", "1_", "-1_0", " 12", "12 ", "\t3", "3\r", "\x0b4\x0c",
    "\x1c5", "1.5", "1e5", "-1e-5", "0x10", "0o7", "0b1", "NaN", "Infinity",
    "null", "true", "9007199254740993", "-9223372036854775809",
    "18446744073709551616", "9" * 40, "-" + "8" * 300, "0" * 50 + "1",
    "한국어", "노래-제목", "日本", "é", "e\u0301", "\u0663", "１２", "\u00a07",
    "😀", "👩‍👩‍👧", "\U0010ffff", "\uffff", "\ufeff", "\u2028", "\x7f",
    "\x80", "\x9f", "\x01\x02\x1f", "\b\f\t", 'say "hi"', "back\\slash", "/",
    "<script>&", "'); DROP TABLE batch; --", "%s%n", "{}", "\x00", "a\x00b",
    "x" * 15, "y" * 16, "12345678901234", "1234567890123456", "z" * 5000,
    "é" * 3000,
]


def strings(rng, count, form):
    """`count` strings, strange ones among plain ones."""
    out = []
    for n in range(count):
        kind = rng.integers(4)
        if kind == 0:
            out.append(STRANGE[int(rng.integers(len(STRANGE)))])
        elif kind == 1:
            out.append(str(int(rng.integers(-10**6, 10**12))))
        elif kind == 2:
            points = rng.choice([0x20, 0x22, 0x5c, 0x7f, 0x41, 0xac00, 0x7ff,
                                 0x800, 0xe000, 0x1f3b5, 0x0a, 0x0d], 6)
            out.append("".join(map(chr, points)))
        else:
            out.append(f"t{n}")
    if form == "text":
        out = [s.replace("\n", " ") for s in out]
    return out


def integers(rng, count):
    big = np.array([0, -1, 2**31, 2**53 + 1, 2**63 - 1, -2**63], np.int64)
    out = rng.integers(-2**40, 2**40, count, dtype=np.int64)
    strange = rng.random(count) < 0.2
    out[strange] = rng.choice(big, int(strange.sum()))
    return out


def write_table(rng, path, form, count, gaps):
    """Write a table of at least `count` entries; return its path."""
    if form == "npy":
        dtype = ("int64", "uint64", "int32", "uint8")[int(rng.integers(4))]
        values = integers(rng, count)
        np.save(path + ".npy", values.astype(dtype))
        return path + ".npy"
    entries = strings(rng, count, form)
    if form == "text":
        text = "".join(e + "\n" for e in entries)
        if entries and entries[-1] and rng.random() < 0.5:
            text = text[:-1]
        with open(path + ".txt", "w", encoding="utf-8", newline="") as f:
            f.write(text)
        return path + ".txt"
    for n in range(count):
        if rng.random() < 0.15:
            entries[n] = int(rng.choice([0, 7, -7, 2**53 + 1, 2**64, -10**30],
                                        1)[0])
    if form == "object":
        keep = [n for n in range(count) if not gaps or rng.random() < 0.8]
        rng.shuffle(keep)
        entries = {str(n): entries[n] for n in keep}
        if gaps:
            entries["5000000000"] = "far away"
    style = int(rng.integers(3))
    with open(path + ".json", "w", encoding="utf-8") as f:
        json.dump(entries, f, ensure_ascii=style != 1,
                  indent=(None, 1, None)[style],
                  separators=((", ", ": "), (",", ":"))[style == 2]
                  if style != 1 else None)
        f.write("\n" * style)
    return path + ".json"


def make_scores(rng, dtype, rows, width, threshold):
    """Rows of falling scores around a threshold, with odd ones among them."""
    info = np.finfo(dtype)
    at = np.array(threshold, dtype)
    odd = np.array([at, np.nextafter(at, info.max), np.nextafter(at, info.min),
                    info.max, info.min, info.tiny, info.smallest_subnormal,
                    -info.smallest_subnormal, 0, -0.0, 1, 0.1, 1e-5, 1e-4,
                    12345, 65504, 0.5, 2 / 3], dtype)
    out = np.empty((rows, width), dtype)
    for n in range(rows):
        kind = rng.integers(4)
        if kind == 0:
            row = rng.choice(odd, width)
        elif kind == 1:
            bits = rng.integers(0, 256, width * out.itemsize, dtype=np.uint8)
            row = bits.view(dtype).copy()
            row[~np.isfinite(row)] = 0.75
        else:
            row = rng.uniform(threshold - 0.2, threshold + 0.8,
                              width).astype(dtype)
        if rng.random() < 0.9:
            row = np.sort(row)[::-1]
        out[n] = row
    hit = rng.random((rows, width))
    out[hit < 0.005] = np.nan
    out[(hit > 0.005) & (hit < 0.007)] = -np.inf
    return out


def make_cands(rng, dtype, rows, width, count):
    info = np.iinfo(dtype)
    out = rng.integers(1, max(count, 2), (rows, width)).astype(dtype)
    hit = rng.random((rows, width))
    out[hit < 0.01] = 0
    out[hit > 0.99] = info.max
    out[(hit > 0.98) & (hit < 0.99)] = info.min
    out[(hit > 0.97) & (hit < 0.98)] = count
    if info.min < 0:
        out[(hit > 0.96) & (hit < 0.97)] = -1
    if out.itemsize == 8:
        out[(hit > 0.95) & (hit < 0.96)] = 5000000000
    return out


def nasty(seed, folder):
    rng = np.random.default_rng(seed)
    rows = (0, 1, 2)[seed // 16 % 3] if seed % 16 == 5 else \
        int(rng.integers(20, 300))
    width = int(rng.choice([1, 3, 40, 130]))
    keys_form, vocab_form = FORMS[seed % 4], FORMS[seed // 4 % 4]
    count = int(rng.integers(1, 400))
    score_type = SCORE_TYPES[seed % 3]
    threshold = float(rng.choice([0.3, 0.25, 0.0, 1e-7]))
    folder = os.path.abspath(folder)

    cands = make_cands(rng, CAND_TYPES[(seed + seed // 4) % 4], rows, width,
                       count)
    scores = make_scores(rng, score_type, rows, width, threshold)
    np.save(folder + "/cands.npy", cands)
    np.save(folder + "/scores.npy", scores)
    keys = write_table(rng, folder + "/keys", keys_form,
                       rows + 2 * int(rng.integers(3)), False)
    vocab = write_table(rng, folder + "/vocab", vocab_form, count, True)

    args = {"cands": folder + "/cands.npy", "scores": folder + "/scores.npy",
            "keys": keys, "vocab": vocab,
            "min-score": repr(threshold),
            "min-candidates": int(rng.choice([0, 1, 2, width // 2])),
            "batch-rows": int(rng.choice([1, 7, 50, 5000])),
            "ids": IDS[seed // 2 % 3],
            "score-digits": ("source", "double")[seed // 3 % 2]}
    if rng.random() < 0.3:
        args["min-score"] = "-1e308"
    if rng.random() < 0.3:
        args["pad"] = str(rng.choice(["none", "-1", "3", str(2**40)]))
    if rng.random() < 0.2:
        args["max-candidates"] = max(args["min-candidates"], 1) + 3
    if rng.random() < 0.3:
        args.update({"key-field": 'ke"y', "list-field": "목록",
                     "id-field": "i d", "score-field": "s\\c\x7f😀"})
    if rng.random() < 0.3:
        # A name that tells nothing, and the form said aloud.
        for name, form in (("keys", keys_form), ("vocab", vocab_form)):
            if form == "npy":
                continue
            os.rename(args[name], folder + "/" + name)
            args[name] = folder + "/" + name
            args[name + "-format"] = "text" if form == "text" else "json"
    lines = [f"--{name}={value}" for name, value in args.items()]
    if rng.random() < 0.4:
        lines.append("--no-stop")
    write_args(folder, lines)


def plain(rows, width, seed, folder):
    rng = np.random.default_rng(seed)
    folder = os.path.abspath(folder)
    count = min(max(rows * 5, 1000), 1000000)
    cands = rng.integers(1, count, (rows, width), dtype=np.int64)
    scores = np.sort(rng.random((rows, width), np.float32) ** 0.5)[:, ::-1]
    np.save(folder + "/cands.npy", cands)
    np.save(folder + "/scores.npy", np.ascontiguousarray(scores))
    with open(folder + "/keys.json", "w") as f:
        json.dump({str(n): f"user-{n}" for n in range(rows)}, f)
    tokens = rng.permutation(count * 10)[:count].tolist()
    with open(folder + "/vocab.json", "w") as f:
        json.dump({str(n): str(t) for n, t in enumerate(tokens)}, f)
    write_args(folder, [f"--{name}={folder}/{name}.{ext}"
                        for name, ext in (("cands", "npy"), ("scores", "npy"),
                                          ("keys", "json"),
                                          ("vocab", "json"))])


def write_args(folder, lines):
    with open(folder + "/args", "w", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line in lines))


if __name__ == "__main__":
    *head, target = sys.argv[1:]
    os.makedirs(target, exist_ok=True)
    if head[0] == "--plain":
        plain(*map(int, head[1:]), target)
    else:
        nasty(int(head[0]), target)
