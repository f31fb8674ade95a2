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

# The shards out of the page cache, as far as that can be asked for.
forget() {
	sync
	"$PYTHON" -c 'import os, sys
for name in sys.argv[1:]:
    fd = os.open(name, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)' "$@"
}

job() {
	rm -rf f.gz f.gz.job
	sync .
	sm candidates -o f.gz -q "${args[@]}" --score-digits double \
		--batch-rows "$batch" -j 2 "$@" >out 2>err || fail "a job: $*"
}

# From the last batch's commit to the name of the synced final file, which is
# the file's last change, and to the end of the command.
timed_job() {
	local name=$1 start=$EPOCHREALTIME last
	shift
	job "$@"
	note "$name" "$(ms_since "$start")"
	last=$(sql f.gz.job 'SELECT max(finished) FROM batch')
	note "$name-end" "$(calc "(${EPOCHREALTIME/,/.} - $last) * 1000" %.1f)"
	note "$name-file" "$(calc "($(stat -c %.Z f.gz) - $last) * 1000" %.1f)"
}

# peak: the most that the disk had of a job
peak() {
	local most=0 now pid
	job "$@" &
	pid=$!
	while ! gone $pid; do
		now=$(du -cs --block-size=1 f.gz* 2>/dev/null | tail -n 1)
		[ "${now%%[!0-9]*}" -le "$most" ] || most=${now%%[!0-9]*}
		sleep 0.02
	done
	wait $pid || exit 1
	megabytes "$most" %.0f
}

follow_table() {
	local i name size
	took=()
	for ((i = 0; i < $1; i++)); do
		timed_job consume --consume
		timed_job end --no-follow
		timed_job follow
		for name in warm cold; do
			[ $name = warm ] || forget f.gz.job/shards/*.gz
			clock "cat-$name" cat_sync_of f.gz.job
			rm -f joined
			sync .
		done
	done
	size=$(stat -c %s f.gz)
	heading "$(thousands "$rows") rows in batches of $(thousands "$batch"),$(
		) $(megabytes "$size" %.0f): to the finished, synced file"
	columns "" "file after the last batch" "command after it" \
		"whole command" "most on disk"
	row "joined at the end" "$(median end-file) ms" \
		"$(median end-end) ms" "$(seconds "$(median end)")" \
		"$(peak --no-follow)"
	row "followed" "$(median follow-file) ms" "$(median follow-end) ms" \
		"$(seconds "$(median follow)")" "$(peak)"
	row "\`--consume\`" "$(median consume-file) ms" \
		"$(median consume-end) ms" "$(seconds "$(median consume)")" \
		"$(peak --consume)"
	for name in warm cold; do
		row "\`cat shards/*.gz > f && sync f\`, $name" \
			"$(median "cat-$name") ms" "" "" ""
	done
	echo
	echo "Followed, the file comes after $(ratio "$(median follow-file)" \
		"$(median cat-warm)" %.3f) of \`cat\` (aim: 0.1), and the$(
		) command takes $(ratio "$(median follow)" "$(median end)" %.2f)$(
		) of that without."
	echo
}

for rows in ${BENCH_FOLLOW_ROWS:-20000 1000000}; do
	room $((rows / 50000 + 1))
	dataset "$rows" 300
	for batch in ${BENCH_FOLLOW_BATCH:-500 5000}; do
		# So many are made that one run says enough, and small ones
		# would say the same.
		if [ "$rows" -le 100000 ]; then
			follow_table "$runs"
		elif [ "$batch" -ge 5000 ]; then
			follow_table 1
		fi
	done
done
