# lint - what can be said of the tree without running it
#
# Besides the build, a minute of one CPU.  The whole log of a check that
# failed is NAME.log in the build's directory, which $lint_build names: that of
# a configuration that goes on with it need not be built twice.
lint_build=${lint_build:-lint}
lint_dir=$root/build-$lint_build
lint_includes=()
while IFS= read -r folder; do
	lint_includes+=("-I$folder")
done < <(printf '%s\n' "$root/include"; find "$root/src" -type d)
lint_strict=(-fsyntax-only -D_GNU_SOURCE -std=c11 -Wall -Wextra -Wshadow
	-Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror)

# lint NAME FUNCTION: passed if it returns 0; what it prints is the reason
lint() {
	local start=$EPOCHREALTIME log=$lint_dir/$1.log
	if (cd "$root" && "$2") >"$log" 2>&1; then
		result passed "lint/$1" "$(seconds_since "$start")"
	else
		result failed "lint/$1" "$(seconds_since "$start")" "$log"
		head -n 30 "$log" | sed 's/^/    /'
	fi
}

# tracked PATHSPEC...: files of the tree, also those not yet added
tracked() {
	git -C "$root" ls-files -co --exclude-standard -- "$@" |
		while IFS= read -r file; do
			[ ! -f "$root/$file" ] || printf '%s\n' "$file"
		done
}

lint_format() {
	tracked '*.c' '*.h' | xargs clang-format -n -Werror
}

# clang's warnings come with clang-tidy, which parses each file as the build's
# command has it, -Werror among its flags; what the build does not compile
# follows.
lint_clang() {
	local ret=0
	sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' \
		"$lint_dir/compile_commands.json" | grep -v /schema_sql.c |
		xargs -P "$cpus" -n 4 clang-tidy -p "$lint_dir" --quiet \
		2>/dev/null || ret=1
	tracked 'tests/bench/*.c' 'tests/faults/*.c' 'tests/fuzz/*.c' |
		xargs clang "${lint_includes[@]}" "${lint_strict[@]}" \
			-Wno-missing-prototypes || ret=1
	return $ret
}

lint_gcc_rest() {
	tracked 'tests/bench/*.c' 'tests/faults/*.c' 'tests/fuzz/*.c' |
		xargs gcc "${lint_includes[@]}" "${lint_strict[@]}" \
			-Wno-missing-prototypes
}

lint_header() {
	local cc std ret=0
	for cc in gcc clang; do
		for std in c99 c11; do
			"$cc" -x c -std=$std -fsyntax-only -Wall -Wextra \
				-pedantic -Werror - -Iinclude \
				<<<'#include <shardmill.h>' || ret=1
		done
	done
	for cc in g++ clang++; do
		"$cc" -x c++ -std=c++17 -fsyntax-only -Wall -Wextra -pedantic \
			-Werror - -Iinclude <<<'#include <shardmill.h>' || ret=1
	done
	return $ret
}

# Each header brings what it uses, and has a guard that is named after it.
lint_headers() {
	local file guard ret=0
	while IFS= read -r file; do
		guard=${file##*/} guard=${guard%.h} guard=SM_${guard^^}_H
		if ! grep -qx "#ifndef $guard" "$file" ||
			! grep -qx "#define $guard" "$file"; then
			echo "$file: its guard is not $guard"
			ret=1
		fi
	done < <(tracked 'src/*.h' 'tools/*.h')
	tracked 'src/*.h' 'tools/*.h' | xargs -P "$cpus" -n 8 gcc -x c \
		"${lint_includes[@]}" "${lint_strict[@]}" || ret=1
	return $ret
}

# Every global of the static library has our prefix, and the shared library
# exports what the header declares, no more.
lint_symbols() {
	local alien ret=0
	alien=$(nm -g --defined-only "$lint_dir/libshardmill.a" |
		awk 'NF == 3 && $3 !~ /^sm_/ { print $3 }')
	[ -z "$alien" ] || { echo "without sm_:" "$alien"; ret=1; }
	tr '\n' ' ' <include/shardmill.h | grep -oE 'SM_API [^;(]*\(' |
		grep -oE 'sm_[a-z0-9_]+\($' | tr -d '(' |
		sort >"$lint_dir/declared"
	[ -s "$lint_dir/declared" ] || ret=1
	nm -D --defined-only "$lint_dir/libshardmill.so" |
		awk '{ print $3 }' | sort |
		diff "$lint_dir/declared" - || ret=1
	return $ret
}

# The version stands in the public header; all else takes it from there.
lint_version() {
	local version file ret=0
	version=$(sed -n 's/^#define SHARDMILL_VERSION "\(.*\)"$/\1/p' \
		include/shardmill.h)
	[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] ||
		{ echo "include/shardmill.h has no version"; return 1; }
	while IFS= read -r file; do
		[ "$file" = include/shardmill.h ] || {
			echo "$file: the version stands there too"
			ret=1
		}
	# Other programs' versions are in shardmill-readers(7).
	done < <(tracked CMakeLists.txt include src tools schema |
		grep -v readers.7 | xargs grep -lF "$version")
	for file in "$lint_dir"/shardmill.pc "$lint_dir"/man/*.[1-9]; do
		grep -qF "$version" "$file" ||
			{ echo "$file: not of version $version"; ret=1; }
	done
	[ -f "$lint_dir/libshardmill.so.$version" ] ||
		{ echo "no libshardmill.so.$version"; ret=1; }
	[ "$("$lint_dir/shardmill" --version | head -n 1)" = \
		"shardmill $version" ] ||
		{ echo "shardmill --version says something else"; ret=1; }
	return $ret
}

# Warnings and errors, not advice on style.  Not followed into what a file
# sources (1091), so a variable may be set there, or read there (2154, 2034).
# `done` is also a state's name, and so an argument's (1010).
lint_shell() {
	{
		tracked '*.sh'
		tracked . | grep -v '\.sh$' |
			xargs awk 'FNR == 1 && /^#!.*\/(ba)?sh/ { print FILENAME }'
	} | xargs shellcheck -s bash -S warning -e SC1091,SC2154,SC2034,SC1010
}

lint_man() {
	local page ret=0
	for page in "$lint_dir"/man/*.[1-9]; do
		MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings -l "$page" 2>&1 \
			>/dev/null | grep . && { echo "in $page"; ret=1; }
	done
	return $ret
}

# No circle of headers, no folder that is too large.
lint_rooms() {
	"$PYTHON" tests/house.py rooms
}

# No modules that call each other in a circle, no list of 7 parameters.
lint_modules() {
	"$PYTHON" tests/house.py modules "build-$lint_build"
}

lint_openings() {
	"$PYTHON" tests/house.py openings
}

if ! need_packages clang clang-format clang-tidy shellcheck universal-ctags \
	g++ man-db git binutils; then
	result failed lint "" "its tools are not installed"
elif [ ${#only[@]} -eq 0 ] &&
	build "$lint_build" -DSHARDMILL_FAULTS=OFF -DCMAKE_C_FLAGS=-Werror; then
	# Other versions lay out the same text in another way.
	if clang-format --version | grep -q 'version 14\.'; then
		lint format lint_format
	else
		result skipped lint/format "" "$(clang-format --version)"
	fi
	lint clang lint_clang
	lint gcc-rest lint_gcc_rest
	lint header lint_header
	lint headers lint_headers
	lint symbols lint_symbols
	lint version lint_version
	lint shell lint_shell
	lint man lint_man
	lint rooms lint_rooms
	lint modules lint_modules
	lint openings lint_openings
fi
