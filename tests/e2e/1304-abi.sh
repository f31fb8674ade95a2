#!/bin/bash
# A program that was compiled with the header of the first release of this
# number of the library runs with the library of today, and every struct,
# constant and function of it is where it was.  Then the rule is broken on
# purpose, in each way that there is, and the same comparison says so.
. "$(dirname "$0")/lib.sh"

build=$(dirname "$SHARDMILL")
now=$tests/../include/shardmill.h
need cc nm
number=$(sed -n 's/^#define SHARDMILL_SOVERSION //p' "$now")
kept=$tests/abi/shardmill-$number.h
[ -f "$kept" ] || fail "the header of number $number is not kept"
[ -e "$build/libshardmill.so.$number" ] || fail "no libshardmill.so.$number"
[ "$(echo "$tests"/abi/shardmill-*.h)" = "$kept" ] || fail "older ones are kept"
options=(-std=gnu11 -Wall -Wextra -Werror)
case $build in
*asan*) options+=("-fsanitize=address,undefined") ;;
*tsan*) options+=(-fsanitize=thread) ;;
esac

# --- the same layout; a program that prints it, with either header
mkdir old
cp "$kept" old/shardmill.h
"$PYTHON" "$tests/abi/layout.py" "$kept" >layout.c
cc "${options[@]}" -Iold -o layout layout.c || fail "the kept header"
./layout >then
[ "$(grep -c "^sm_" then)" -gt 300 ] && [ "$(grep -c "^SM_" then)" -gt 65 ] ||
	fail "the kept header has less than it had"
# compare HEADER: is what it says what was said then?
compare() {
	rm -rf new
	mkdir new
	cp "$1" new/shardmill.h
	cc "${options[@]}" -Inew -o layout layout.c 2>compare.err &&
		./layout >layout.now && cmp -s then layout.now
}
compare "$now" || {
	cat compare.err
	diff then layout.now
	fail "structs or constants are not where they were"
}
"$PYTHON" "$tests/abi/layout.py" --functions "$kept" >functions
[ "$(wc -l <functions)" -gt 50 ] || fail "few functions"
nm -D --defined-only "$build/libshardmill.so" | awk '{ print $3 }' | sort >has
[ -z "$(sort functions | comm -23 - has)" ] ||
	fail "gone: $(sort functions | comm -23 - has)"
[ -z "$("$PYTHON" "$tests/abi/layout.py" --spare "$now")" ] ||
	fail "without spare room: $("$PYTHON" "$tests/abi/layout.py" --spare "$now")"

# --- a program of then, with the library of now
cc "${options[@]}" -Iold -o caller "$tests/abi/caller.c" -L"$build" \
	-lshardmill -Wl,-rpath,"$(realpath "$build")" || fail "the caller"
ldd caller | grep -q "libshardmill.so.$number => $(realpath "$build")" ||
	fail "the caller has another library"
expect_exit 0 ./caller c.job c.gz
cp out first
[ "$(gzip -dc c.gz)" = "$(seq 0 99)" ] || fail "its text"
expect_text out "10 done, 1 0" "producer 10 100 1" "1 runs" "done 1" \
	"10 batches" "10 whole" "10 100"
# … and built with the header of today it says the same
cc "${options[@]}" -Inew -o caller "$tests/abi/caller.c" -L"$build" \
	-lshardmill -Wl,-rpath,"$(realpath "$build")" || fail "the caller of now"
expect_exit 0 ./caller d.job d.gz
cmp out first || fail "another answer to a program of now"

# --- what the rule allows, and what it does not
changed() { # SED-SCRIPT: the header, changed so
	sed "$1" "$now" >changed.h
	! cmp -s "$now" changed.h || fail "nothing was changed: $1"
}
changed '/^struct sm_run_opts {/,/^};/s/uint64_t spare\[16\];/uint64_t newer, spare[15];/'
compare changed.h || fail "a member from the spare room is refused"
changed 's/^	SM_EBUG = -23,.*/&\n	SM_ENEWER = -24,/'
compare changed.h || fail "a new constant is refused"
changed '/^struct sm_run_opts {/,/^};/s/uint64_t spare\[16\];/uint64_t newer, spare[16];/'
! compare changed.h || fail "a struct that grew is not seen"
changed '/^struct sm_run_opts {/,/^};/s/^	bool retry_failed;/	double newer;\n&/'
! compare changed.h || fail "a member in the middle is not seen"
changed '/^struct sm_status_batch {/,/^};/s/int64_t pid;/int32_t pid, pid2;/'
! compare changed.h || fail "another type is not seen"
changed '/^struct sm_plan_opts {/,/^};/s/bool extend;/bool extends;/'
! compare changed.h || fail "another name is not seen"
changed 's/SM_EHELD = -10/SM_EHELD = -30/'
! compare changed.h || fail "another number of a constant is not seen"
changed '/^struct sm_run_opts {/,/^};/s/	uint64_t spare.*//'
[ "$("$PYTHON" "$tests/abi/layout.py" --spare changed.h)" = sm_run_opts ] ||
	fail "a struct without spare room is not seen"
