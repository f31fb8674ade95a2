#!/bin/bash
# Arrays in Fortran order and of the other order of bytes, which are read by
# blocks and swapped, beside those that are read as they lie.
. "$(dirname "$0")/lib.sh"
rows=${BENCH_ROWS:-100000}
[ "$rows" -le 100000 ] || rows=100000
width=300
room 3
dataset "$rows" $width
set=$(dirname "${args[1]}")
"$PYTHON" - "$set" <<'PY' || fail "cannot make arrays"
import sys
import numpy as np
for name in ("cands", "scores"):
    a = np.load(f"{sys.argv[1]}/{name}.npy")
    big = a.astype(a.dtype.newbyteorder(">"))
    np.save(f"c-little-{name}.npy", a)
    np.save(f"c-big-{name}.npy", big)
    np.save(f"fortran-little-{name}.npy", np.asfortranarray(a))
    np.save(f"fortran-big-{name}.npy", np.asfortranarray(big))
PY
forms=(c-little c-big fortran-little fortran-big)
words=("C order" "C order, big-endian" "Fortran order"
	"Fortran order, big-endian")

# mill FORM: with one worker, so that nothing hides behind another
mill() {
	rm -rf "$1.gz" "$1.gz.job"
	clock "$1" bash -c 'TIMEFORMAT="%U %S"; time "$@" 2>/dev/null' - \
		"$SHARDMILL" candidates -q -o "$1.gz" -j 1 \
		--cands "$1-cands.npy" --scores "$1-scores.npy" \
		--keys "$set/keys.json" --vocab "$set/vocab.json"
	note "$1 cpu" "$(tail -n 1 err | awk '{ print ($1 + $2) * 1000 }')"
}

for ((i = 0; i < runs; i++)); do
	for form in "${forms[@]}"; do
		mill "$form"
	done
done
for form in "${forms[@]:1}"; do
	cmp <(gzip -dc "$form.gz") <(gzip -dc "${forms[0]}.gz") ||
		fail "the texts differ"
done

heading "candidates, arrays in other orders"
columns array time "CPU time" "of C order's time" "of its CPU time"
for i in "${!forms[@]}"; do
	form=${forms[i]}
	row "${words[i]}" "$(seconds "$(median "$form")")" \
		"$(seconds "$(median "$form cpu")")" \
		"$(ratio "$(median "$form")" "$(median "${forms[0]}")" %.2f)" \
		"$(ratio "$(median "$form cpu")" \
			"$(median "${forms[0]} cpu")" %.2f)"
done
cat <<TEXT

$(thousands "$rows") rows of $width candidates, one worker, planning included; the text
is the same for all four.

TEXT
