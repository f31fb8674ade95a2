#!/bin/bash
# Large inputs are digested beside the cut: what changes meanwhile is seen, with
# its time set back too; a kill or a stop in between leaves nothing that matters;
# at a later start the digest is the one that was planned.
. "$(dirname "$0")/lib.sh"

"$SHARDMILL" sample set --rows 7200 --vocab 400000 -q || fail "cannot make data"
args=(--cands set/cands.npy --scores set/scores.npy --keys set/keys.json
	--vocab set/vocab.json)
[ "$(stat -c %s set/cands.npy)" -gt 8388608 ] || fail "too small to be large"
# With the time that it has.
cp -p set/cands.npy good.npy

expect_exit 0 sm plan want candidates -o want.gz "${args[@]}"
inputs() {
	sql "$1" "SELECT name, size, crc32, sampled FROM input ORDER BY name"
}
equal "$(sql want "SELECT crc32 FROM input WHERE name = 'cands'")" "$("$PYTHON" -c '
import sys, zlib
print(zlib.crc32(open("set/cands.npy", "rb").read()))')" "the CRC-32"

# stands PID: a stop reaches its threads one after the other
stands() {
	! grep -hv '^State:.[TZX]' <(grep -h '^State:' "/proc/$1"/task/*/status) |
		grep -q .
}

# caught: the plan is stopped while it cuts, in $pid
caught() {
	local try end
	for try in $(seq 20); do
		rm -rf job
		start plan plan job candidates "${args[@]}" "$@"
		end=$((SECONDS + 20))
		until [ -d job/tables/new ] || gone "$pid"; do
			[ $SECONDS -lt $end ] || fail "no tables"
		done
		kill -STOP "$pid" 2>/dev/null
		gone "$pid" || wait_for 20 stands "$pid"
		[ -d job/tables/new ] && [ ! -e job/job.db ] && return
		kill -KILL "$pid" 2>/dev/null
		wait "$pid"
	done
	fail "$try plans were too fast"
}

# overwrite FILE: another byte in the middle, the time as it was
overwrite() {
	printf '\377' | dd of="$1" bs=1 seek=4000000 conv=notrunc status=none
	touch -r good.npy "$1"
}

# More processors than one, and one.
for j in 2 1; do
	caught -j $j
	overwrite set/cands.npy
	kill -CONT "$pid"
	ended 3 "$pid" plan
	expect_text plan.err "$PWD/set/cands.npy' changed while it was read"
	[ ! -e job/job.db ] || fail "a job was planned"
	cp -p good.npy set/cands.npy
done

# Gone altogether.
caught
mv set/scores.npy scores.npy
kill -CONT "$pid"
ended 3 "$pid" plan
# If it was open, it has changed: a rename is a change of its state.
expect_text plan.err "$PWD/set/scores.npy'"
grep -qE 'No such file|changed while it was read' plan.err ||
	fail "another reason: $(cat plan.err)"
mv scores.npy set/scores.npy

# Killed, then the same command; as a job that nothing disturbed.
caught
kill -KILL "$pid"
wait "$pid"
expect_exit 0 sm plan job candidates "${args[@]}"
no_leftovers job
equal "$(inputs job)" "$(inputs want)" "inputs"
equal "$(sql job 'SELECT fingerprint FROM job')" \
	"$(sql want 'SELECT fingerprint FROM job')" "fingerprint"

# Ctrl-C.
caught -j 1
kill -INT "$pid"
kill -CONT "$pid"
ended 130 "$pid" plan
expect_exit 0 sm plan job candidates "${args[@]}"

# Another time, the same content: read again, and that is all.
touch set/cands.npy
expect_exit 0 sm run want
# Another content: refused, by a run and by the command that planned it.
overwrite set/cands.npy
touch set/cands.npy
expect_exit 7 sm run job
expect_text err "$PWD/set/cands.npy' changed since" "CRC-32"
expect_exit 7 sm plan job candidates "${args[@]}"
expect_text err "the input 'cands', $PWD/set/cands.npy had" "--accept-changed"

# A member of an archive has the digest of the file that it is.
cp -p good.npy set/cands.npy
"$PYTHON" -c 'import numpy as np
np.savez("a.npz", cands=np.load("set/cands.npy"))'
rm -rf job
expect_exit 0 sm plan job candidates --cands a.npz:cands "${args[@]:2}"
equal "$(inputs job)" "$(inputs want)" "inputs from an archive"
