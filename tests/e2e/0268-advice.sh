#!/bin/bash
# What a refusal says to type is typed: the command in the message, as it stands,
# makes a file that the same option takes.
. "$(dirname "$0")/lib.sh"

"$PYTHON" - <<'PY'
import bz2, gzip, json, lzma, pickle
import numpy as np
scores = np.array([[.9, .8, .5], [.7, .6, .4]])
cands = np.array([[1, 2, 3], [3, 1, 0]])
names = np.array(["a", "ü", "c"])
np.save("cands.npy", cands)
np.save("scores.npy", scores)
json.dump(names[:2].tolist(), open("keys.json", "w"))
json.dump([*names.tolist(), 17], open("vocab.json", "w"))
cases = []

def case(option, name, word):
    cases.append(f"{option}\t{name}\t{word}")

def array(option, name, value, word):
    np.save(name + ".npy", value)
    np.savez(name + ".npz", a=value)
    case(option, name + ".npy", word)
    case(option, f"{name}.npz:a", word)

array("scores", "long", scores.astype(np.longdouble), "long doubles")
array("scores", "complex", scores.astype("c16"), "complex")
array("cands", "dates", cands.astype("M8[s]"), "dates")
array("cands", "times", cands.astype("m8[s]"), "times")
array("keys", "objects", names[:2].astype(object), "Python objects")
array("cands", "object-cands", cands.astype(object), "Python objects")
array("cands", "float-cands", cands.astype(float), "whole numbers")
array("keys", "float-keys", np.array([7., 8.]), "whole numbers")
array("scores", "distances", 1 - scores, "rising")
pickle.dump(cands, open("cands.pkl", "wb"), 4)
case("cands", "cands.pkl", "pickle")
pickle.dump(names[:2].tolist(), open("keys.pkl", "wb"), 2)
case("keys", "keys.pkl", "pickle")
open("keys16.txt", "w", encoding="utf-16").write("a\nü\n")
case("keys", "keys16.txt", "UTF-16")
whole = open("cands.npy", "rb").read()
open("packed.npy.gz", "wb").write(gzip.compress(whole))
open("packed2.npy.bz2", "wb").write(bz2.compress(whole))
open("packed3.npy.xz", "wb").write(lzma.compress(whole))
for name, word in (("packed.npy.gz", "by gzip -dk"),
                   ("packed2.npy.bz2", "by bzip2 -dk"),
                   ("packed3.npy.xz", "by xz -dk")):
    case("cands", name, word)
case("keys", "header.txt", "tail -n +2")
open("header.txt", "w").write("name\na\nü\n")
np.savez("archive.npz", x=cands, y=scores)
case("cands", "archive.npz", "FILE.npz:x")
try:
    import h5py
    with h5py.File("scores.h5", "w") as f:
        f["x"] = scores
    with h5py.File("keys.h5", "w") as f:
        f["x"] = names[:2].astype(object)
    case("scores", "scores.h5", "HDF5")
    case("keys", "keys.h5", "HDF5")
    # As MATLAB does: a block before it, and columns first.
    for option, value in (("scores", scores.T), ("keys", [[17., 18.]])):
        with h5py.File(option + "73.mat", "w", userblock_size=512) as f:
            f["x"] = value
        with open(option + "73.mat", "r+b") as f:
            f.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64")
        case(option, option + "73.mat", "MATLAB file (.mat, 7.3)")
except ImportError:
    print("without h5py")
try:
    import scipy.io
    scipy.io.savemat("cands.mat", {"x": cands})
    case("cands", "cands.mat", "MATLAB")
    scipy.io.savemat("keys.mat", {"x": names[:2].astype(object)})
    case("keys", "keys.mat", "MATLAB")
except ImportError:
    print("without scipy")
open("cases", "w").write("\n".join(cases) + "\n")
PY

# try OPTION FILE CODE: only that option has another file
try() {
	local args=() name
	for name in cands.npy scores.npy keys.json vocab.json; do
		[ "${name%.*}" = "$1" ] || args+=("--${name%.*}" "$name")
	done
	rm -rf f.gz f.gz.job
	# Negative scores: a minimum that is none of the case's affair.
	expect_exit "$3" sm candidates -q -o f.gz -j 1 --min-candidates 1 \
		--min-score -2 "${args[@]}" "--$1" "$2"
}

try cands cands.npy 0
while IFS=$'\t' read -r option file word; do
	rm -f new.* NEW
	try "$option" "$file" 3
	expect_text err "$word"
	line=$(cat err)
	new=
	case $line in
	*python3\ -c*)
		# The message's python3 is the one that has numpy.
		eval "\"\$PYTHON\" ${line##*python3 }" || fail "$file: $line"
		new=$(echo new.*)
		;;
	*iconv* | *'tail -n'*)
		line=${line##*: }
		line=${line/OLD/"$file"}
		eval "$line" || fail "$file: $line"
		new=NEW
		;;
	*'decompress it first, by '*)
		eval "${line##*by } $file" || fail "$file: $line"
		new=${file%.*}
		;;
	*'FILE.npz:'*)
		new=$file:${line##*FILE.npz:}
		;;
	esac
	[ -n "$new" ] || fail "$file: no advice in: $line"
	try "$option" "$new" 0
	[ "$(gzip -dc f.gz | wc -l)" = 2 ] || fail "$file: not two lines"
done <cases
