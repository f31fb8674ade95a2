#!/bin/bash
# The final file, beside cat and sync of the same shards.
. "$(dirname "$0")/lib.sh"
rows=${BENCH_ROWS:-100000}
[ "$rows" -le 100000 ] || rows=100000
dataset "$rows" 300
expect_exit 0 sm plan job candidates -q "${args[@]}" --score-digits double
expect_exit 0 sm run job -q -j 2

cat_sync() {
	cat job/shards/*.gz >joined
	sync joined
}

for ((i = 0; i < 2 * runs; i++)); do
	rm -f joined final.gz
	clock cat cat_sync
	clock join sm finalize job -q -o final.gz
	# Removing a large file costs the next one's time.
	rm -f joined
	sync .
done

size=$(stat -c %s final.gz)
heading "Joining $(megabytes "$size" %.0f) of shards"
columns "" time speed
for name in cat join; do
	ms=$(median $name) what="\`cat shards/*.gz > f && sync f\`"
	[ $name = cat ] || what="\`shardmill finalize\`, which checks every CRC"
	row "$what" "$(seconds "$ms")" "$(calc "$size / 1e3 / $ms" '%.0f MB/s')"
done
echo
