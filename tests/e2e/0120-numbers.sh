#!/bin/bash
# Every float16, and random bits of float32 and float64, as Python writes them.
. "$(dirname "$0")/lib.sh"

"$PYTHON" - <<'PY'
import numpy as np
rng = np.random.default_rng(7)
half = np.arange(65536, dtype=np.uint16).view(np.float16)
for name, bits, dtype in (("f16", half, np.float16),
        ("f32", rng.integers(0, 2**32, 120000, dtype=np.uint32), np.float32),
        ("f64", rng.integers(0, 2**64, 60000, dtype=np.uint64), np.float64)):
    x = bits.view(dtype)
    edge = [np.ldexp(1.0, e) for e in range(np.finfo(dtype).minexp - 10,
                                            np.finfo(dtype).maxexp)]
    near = np.array(edge, dtype)
    ten = np.array([float(f"{m}e{e}") for e in range(-330, 309) for m in (1, 3)])
    x = np.concatenate([x, near, np.nextafter(near, dtype(0)),
                        -np.nextafter(near, dtype(np.inf)),
                        ten[abs(ten) < np.finfo(dtype).max].astype(dtype)])
    x = x[np.isfinite(x)]
    width = 1000
    x = np.concatenate([x, np.zeros(-len(x) % width, dtype)])
    x = x.reshape(-1, width)
    np.save(name + ".npy", x)
    np.save(name + "-cands.npy", np.ones(x.shape, np.uint32))
    open(name + ".txt", "w").write("".join(f"k{n}\n" for n in range(len(x))))
open("vocab.txt", "w").write("zero\none\n")
PY
for type in f16 f32 f64; do
	for digits in source double; do
		args=(--cands="$type-cands.npy" --scores="$type.npy"
			--keys="$type.txt" --vocab=vocab.txt --no-stop
			--min-score=-1.7976931348623157e308
			--score-digits="$digits" --batch-rows=20)
		"$PYTHON" "$tests/oracle.py" -o want.gz -j 2 "${args[@]}" ||
			fail oracle
		gzip -dc want.gz >want
		[ "$(wc -c <want)" -gt 1000000 ] || fail "nothing compared"
		expect_exit 0 sm candidates -o got.gz -j 2 "${args[@]}"
		same_text want got.gz
		rm -rf got.gz got.gz.job
	done
done
