#!/usr/bin/env python3
"""Write pow10.c, the powers of ten behind numtext.c, to standard output.

    python3 src/format/text/pow10.py > src/format/text/pow10.c

With --check FILE it compares FILE with what it would write and exits 1 where
they differ.  Python's integers are exact, so nothing here is rounded but by
the one division that says so.
"""

import sys

MIN, MAX = -292, 324  # -k for every exponent q of a binary64, see below
BITS = 128


def floor_log2_pow10(k):
    """floor(log2(10**k)), exact."""
    if k >= 0:
        return (10**k).bit_length() - 1
    return -(10**-k).bit_length()  # 10**-k is no power of two


def floor_log10(num, den):
    """floor(log10(num / den)), exact."""
    k = len(str(num)) - len(str(den)) - 1
    while num * 10 ** max(0, -k - 1) >= den * 10 ** max(0, k + 1):
        k += 1
    return k


def entry(k):
    """10**k scaled into [2**127, 2**128), rounded up."""
    shift = BITS - 1 - floor_log2_pow10(k)
    num, den = 1, 1
    if k >= 0:
        num = 10**k
    else:
        den = 10**-k
    if shift >= 0:
        num <<= shift
    else:
        den <<= -shift
    g = -(-num // den)
    assert 1 << (BITS - 1) <= g < 1 << BITS
    assert g >> 64 != (1 << 64) - 1  # numtext.c adds 1 to the upper half
    return g


def check_formulas():
    """The shifts in numtext.c stand for these logarithms."""
    for q in range(-1074, 973):
        num, den = (1 << q, 1) if q >= 0 else (1, 1 << -q)
        k = floor_log10(num, den)
        narrow = floor_log10(3 * num, 4 * den)
        assert k == (q * 1262611) >> 22
        assert narrow == (q * 1262611 - 524031) >> 22
        for k in (k, narrow):
            assert MIN <= -k <= MAX
            assert 1 <= q + floor_log2_pow10(-k) + 1 <= 4
    for k in range(MIN, MAX + 1):
        assert floor_log2_pow10(k) == (k * 1741647) >> 19


def text():
    out = [
        "/*",
        " * The table of pow10.h, written by pow10.py and not by hand.  It is"
        " apart from",
        " * numtext.c, whose code would be lost behind it.",
        " *",
        " *\tpython3 src/format/text/pow10.py > src/format/text/pow10.c",
        " */",
        "#include \"pow10.h\"",
        "",
        "const struct sm_pow10 sm_pow10[SM_POW10_MAX - SM_POW10_MIN + 1] = {",
    ]
    for k in range(MIN, MAX + 1):
        g = entry(k)
        out.append("\t{ 0x%016x, 0x%016x }, /* %d */"
                   % (g >> 64, g & (1 << 64) - 1, k))
    out.append("};")
    return "\n".join(out) + "\n"


def main():
    check_formulas()
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2]) as f:
            sys.exit(0 if f.read() == text() else "%s differs" % sys.argv[2])
    sys.stdout.write(text())


main()
