#!/usr/bin/python3
"""Compare numtext_cli with Python and NumPy.

    numtext_oracle.py [--long] [--seed N] PATH-OF-NUMTEXT_CLI

binary64 must be repr(x), the shorter types repr(float(str(x))) of the NumPy
scalar.  Without --long: all of binary16, and some 100,000 of each other set,
in seconds.  With it: 10^8 binary64, 10^7 binary32, and all positive binary32
against strtof (half an hour).
"""

import argparse
import subprocess
import sys

import numpy as np

CHUNK = 1000000


def expected(x):
    if x.dtype == np.float64:
        return map(repr, x.tolist())
    return (repr(float(str(v))) for v in x)


def compare(cli, name, x):
    """The text of every number in the array x, all finite."""
    kind = "f%d" % (8 * x.dtype.itemsize)
    out = subprocess.run([cli, kind], input=x.tobytes(), check=True,
                         stdout=subprocess.PIPE).stdout.decode()
    lines = out.split("\n")
    if len(lines) != len(x) + 1:
        sys.exit("%s: %d numbers, %d lines" % (name, len(x), len(lines) - 1))
    for i, want in enumerate(expected(x)):
        if lines[i] != want:
            sys.exit("%s: %s of %s: %r, expected %r"
                     % (name, kind, x[i:i + 1].tobytes().hex(), lines[i], want))


def finite(x):
    return x[np.isfinite(x)]


def patterns(rng, dtype, n):
    bits = rng.integers(0, 256, n * np.dtype(dtype).itemsize, dtype=np.uint8)
    return finite(bits.view(dtype))


def edges(dtype):
    """Both ends of every binade, powers of ten and their neighbours."""
    info = np.finfo(dtype)
    with np.errstate(over="ignore", under="ignore"):
        two = np.ldexp(dtype(1), np.arange(-1080, 1024)).astype(dtype)
        ten = np.array([float("1e%d" % e) for e in range(-330, 309)])
        ints = np.arange(100000)
        x = np.concatenate([
            two, ten.astype(dtype), ints.astype(dtype),
            (ints / 1000).astype(dtype), (ints * 1e12).astype(dtype),
            np.array([0, info.tiny, info.max, 1e15, 1e16, 1e17, 1e-4, 1e-5,
                      9999999999999998, 123456789012345680]).astype(dtype)])
        x = finite(x)
        x = np.concatenate([x, np.nextafter(x, dtype(np.inf)),
                            np.nextafter(x, dtype(-np.inf))])
    x = finite(x)
    return np.concatenate([x, -x])


def subnormals(rng, dtype, bits, n):
    x = rng.integers(0, 1 << bits, n, dtype=np.uint64)
    return x.astype("u%d" % np.dtype(dtype).itemsize).view(dtype)


def sets(rng, n64, n32):
    yield "halves", lambda: finite(np.arange(65536, dtype=np.uint16)
                                   .view(np.float16))
    for dtype, n, frac in (np.float64, n64, 52), (np.float32, n32, 23):
        name = np.dtype(dtype).name
        yield name + " edges", lambda: edges(dtype)
        for _ in range(-(-n // CHUNK)):
            m = min(n, CHUNK)
            yield name + " patterns", lambda: patterns(rng, dtype, m)
            yield name + " [0,1)", lambda: rng.random(m, dtype=dtype)
            yield (name + " subnormals",
                   lambda: subnormals(rng, dtype, frac, m // 10))
            yield (name + " rounded", lambda: np.round(
                rng.random(m) * 10.0 ** rng.integers(-5, 20, m),
                3).astype(dtype))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("cli")
    args = parser.parse_args()
    rng = np.random.default_rng(args.seed)
    count = 0
    n = (10**8, 10**7) if args.long else (300000, 200000)
    for name, make in sets(rng, *n):
        x = make()
        compare(args.cli, name, x)
        count += len(x)
    print("%d numbers as in Python" % count)
    if args.long:
        subprocess.run([args.cli, "exhaustive-f32"], check=True)


main()
