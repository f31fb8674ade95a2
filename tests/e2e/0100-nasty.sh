#!/bin/bash
# Byte for byte what the plain Python script writes, over nasty data, as gzip,
# pigz, igzip and Python read it; and the same counts.
. "$(dirname "$0")/lib.sh"

for seed in $(seq 0 "${SEEDS:-23}"); do
	"$PYTHON" "$tests/nasty.py" "$seed" in || fail "seed $seed"
	mapfile -t args <in/args
	"$PYTHON" "$tests/oracle.py" -j 1 -o want.gz --stats "${args[@]}" \
		>want.json || fail "oracle, seed $seed"
	gzip -dc want.gz >want
	expect_exit 0 sm candidates -o got.gz -j $((seed % 3 + 1)) --sync end \
		"${args[@]}"
	same_text want got.gz
	for reader in "pigz -dc" "igzip -dc" \
		"$PYTHON -c 'import gzip, shutil, sys
shutil.copyfileobj(gzip.open(sys.argv[1]), sys.stdout.buffer)'"; do
		eval "$reader got.gz" 2>err | cmp -s - want ||
			fail "seed $seed: $reader: $(head -n 1 err)"
	done
	equal "$(sql got.gz.job "SELECT json_object('rows', rows, 'records',
		records, 'skipped', skipped) FROM (SELECT coalesce(sum(rows), 0)
		rows, coalesce(sum(records), 0) records, coalesce(sum(skipped),
		0) skipped FROM batch)" | tr -d ' ')" \
		"$(tr -d ' ' <want.json)" "seed $seed: counts"
	expect_exit 0 sm verify got.gz
	rm -rf in got.gz got.gz.job
done
