#!/bin/bash
# The final file, beside cat and sync of the same shards: joined at the end, and
# while the job runs.
. "$(dirname "$0")/lib.sh"
rows=${BENCH_ROWS:-100000}
[ "$rows" -le 100000 ] || rows=100000
dataset "$rows" 300
expect_exit 0 sm plan job candidates -q "${args[@]}" --score-digits double
expect_exit 0 sm run job -q -j 2

cat_sync_of() {
	cat "$1"/shards/*.gz >joined
	sync joined
}

cat_sync() {
	cat_sync_of job
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

# From the last batch's commit to the end of the command.
tail_ms() {
	local last
	last=$(sql "$1" 'SELECT max(finished) FROM batch')
	calc "($2 / 1e6 - $last) * 1000" %.0f
}

# The shards out of the page cache, as far as that can be asked for.
forget() {
	sync
	"$PYTHON" -c 'import os, sys
for name in sys.argv[1:]:
    fd = os.open(name, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)' "$@"
}

followed() {
	local name=$1 start=$EPOCHREALTIME end
	shift
	rm -rf f.gz f.gz.job
	sync .
	start=$EPOCHREALTIME
	sm candidates -o f.gz -q "${args[@]}" --score-digits double \
		--batch-rows "$batch" -j 2 "$@" >out 2>err || fail "$name: $*"
	end=${EPOCHREALTIME/[.,]/}
	note "$name" "$(((end - ${start/[.,]/}) / 1000))"
	note "$name-tail" "$(tail_ms f.gz.job "$end")"
}

for rows in ${BENCH_FOLLOW_ROWS:-20000}; do
	dataset "$rows" 300
	for batch in ${BENCH_FOLLOW_BATCH:-500 5000}; do
		took=()
		for ((i = 0; i < runs; i++)); do
			followed consume --consume
			followed end --no-follow
			followed follow
			rm -f joined
			clock cat-warm cat_sync_of f.gz.job
			rm -f joined
			forget f.gz.job/shards/*.gz
			clock cat-cold cat_sync_of f.gz.job
			rm -f joined
			sync .
		done
		heading "$rows rows in batches of $batch, $(megabytes \
			"$(stat -c %s f.gz)" %.0f), to the finished, synced file"
		columns "" "after the last batch" "whole command"
		for name in end follow consume; do
			row "$name" "$(median $name-tail) ms" \
				"$(seconds "$(median $name)")"
		done
		for name in cat-warm cat-cold; do
			row "$name" "$(median $name) ms" ""
		done
		echo
	done
done
