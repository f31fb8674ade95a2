# bench - the timed tests: the scripts in tests/bench/, one after the other.
# What they print is Markdown, and kept in build-release/bench.md.
machine() {
	printf '%s\n\n' "Measured on $(nproc) CPUs of $(
		sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(
		awk '/^MemTotal/ { printf "%.0f GB", $2 / 1e6 }' /proc/meminfo
		), Linux $(uname -r), $(
		stat -f -c %T "${TMPDIR:-/tmp}" | sed 's/ext2.ext3/ext4/'), $(
		date +%F).  Medians of ${BENCH_RUNS:-3} runs, taken in turns."
}

need_packages isal pigz libdeflate-tools parallel zstd \
	python3-ujson
# Node of another packager brings npm along, and Debian's conflicts with it.
command -v npm >/dev/null || need_packages npm ||
	echo "no npm: Polars and DuckDB cannot be had"
build release -DSHARDMILL_FAULTS=OFF && {
	report=$root/build-release/bench.md begun=$EPOCHREALTIME
	DATA=$(mktemp -d "${TMPDIR:-/tmp}/shardmill-bench.XXXXXX") || exit 1
	export DATA
	machine | tee "$report"
	for script in "$tests"/bench/*.sh; do
		name=$(basename "$script" .sh) start=$EPOCHREALTIME
		[ "$name" != lib ] || continue
		SHARDMILL=$root/build-release/shardmill bash "$script" |
			tee -a "$report"
		case ${PIPESTATUS[0]} in
		0) verdict=passed ;;
		77) verdict=skipped ;;
		*) verdict=failed ;;
		esac
		result $verdict "bench/$name" "$(seconds_since "$start")"
	done
	rm -rf "$DATA"
	unset DATA
	echo "the timed tests took $(seconds_since "$begun") s; $report"
}
