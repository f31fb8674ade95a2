# fuzz - libFuzzer, with the address and undefined behaviour sanitizers, over
# what writes or reads bytes; FUZZ_SECONDS (60) each.  What is found to be new
# is kept in build-fuzz/corpus-*/ for the next run.
need_packages clang libclang-rt-dev libdeflate-dev libisal-dev
build fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
	-DSHARDMILL_FUZZ=ON \
	-DSHARDMILL_SANITIZE=fuzzer-no-link,address,undefined &&
	for source in "$tests"/fuzz/fuzz_*.c; do
		name=$(basename "$source" .c) start=$EPOCHREALTIME
		dir=$root/build-fuzz
		mkdir -p "$dir/corpus-$name"
		if "$dir/tests/$name" -max_total_time="${FUZZ_SECONDS:-60}" \
			-max_len=4096 -len_control=0 -rss_limit_mb=2048 -print_final_stats=1 \
			-artifact_prefix="$dir/$name-" "$dir/corpus-$name" \
			>"$dir/$name.log" 2>&1; then
			result passed "fuzz/$name" "$(seconds_since "$start")" \
				"$(sed -n 's/^stat::number_of_executed_units: *//p' \
					"$dir/$name.log") inputs"
		else
			result failed "fuzz/$name" "$(seconds_since "$start")" \
				"$dir/$name.log"
			grep -E 'ERROR|runtime error|Test unit' "$dir/$name.log"
		fi
	done
