# machines - other processors (foreign libraries, and qemu-user but for i386),
# compilers, C libraries and SQLites: each makes the 27 files of
# machines/outputs.sh, which must be those of x86-64, and runs the unit tests.
# MACHINES="s390x clang" runs some, UNIT='^test_(npy|candidates)$' only those unit
# tests.
#
# Unit tests left out by name, which the table lists, so that no machine takes
# long: in emulation $slow, which take minutes each there; all of them with LTO,
# where each is linked as a whole program.
slow='^test_(failing_.*|cat|command|deftext|final_every|growing_odd|joining|recdeflate|recover_final|shard|source|store_memory)$'
need_packages clang lld musl-tools qemu-user-static \
	gcc-aarch64-linux-gnu gcc-arm-linux-gnueabihf gcc-i686-linux-gnu \
	gcc-powerpc64le-linux-gnu gcc-s390x-linux-gnu ||
	echo "not all of them can be had; the rest is run"
# Node of another packager brings npm along, and Debian's conflicts with it.
command -v npm >/dev/null || need_packages npm ||
	echo "no npm: SQLite of other versions cannot be had"
machines=$root/build-machines
mkdir -p "$machines/inputs"
: >"$machines/table"
"$PYTHON" "$tests/machines/inputs.py" "$machines/inputs" || exit 1

machine_row() {
	printf '%-14s %-12s %-9s %-34s %s\n' "$@" >>"$machines/table"
}

# machine_tests WITHOUT [ONLY]: unit tests by expressions
machine_tests() {
	local file
	for file in "$tests"/unit/test_*.c; do
		file=${file##*/}
		[[ ${file%.c} =~ $1 || ! ${file%.c} =~ ${2:-.} ]] ||
			printf '%s ' "${file%.c}"
	done
}

# machine NAME UNIT-TESTS-LEFT-OUT CMAKE-OPTION...: one row of the table
machine() {
	local name=$1 without=$2 dir=$root/build-machines-$1 out start
	local before bad files="not made" warned from=$SECONDS unit names left
	shift 2
	names=$(machine_tests "$without" "${UNIT:-.}")
	if ! build_targets="shardmill $names" build "machines-$name" \
		-DCMAKE_BUILD_TYPE=Release "$@"; then
		machine_row "$name" "not built" - - $((SECONDS - from))
		return
	fi
	warned=$(grep -c 'warning:' "$dir/build.log")
	out=$machines/$name start=$EPOCHREALTIME
	rm -rf "$out"
	mkdir "$out"
	bash "$tests/machines/outputs.sh" "$dir/shardmill" "$machines/inputs" \
		"$out" >"$dir/outputs.log" 2>&1 &&
		if [ "$name" = x86-64 ]; then
			files="27 made"
		elif cmp "$out/list" "$machines/x86-64/list"; then
			files="27 equal"
		else
			files="$(comm -12 <(sort "$out/list") \
				<(sort "$machines/x86-64/list") | wc -l) equal"
		fi
	case $files in
	27*) result passed "$name/outputs" "$(seconds_since "$start")" ;;
	*) result failed "$name/outputs" "" "$dir/outputs.log" ;;
	esac
	before=$((passed + skipped)) bad=$failed
	[ -z "$names" ] ||
		unit_timeout=1800 unit_without=$without unit "machines-$name" \
			"${UNIT:-.}"
	unit="$((passed + skipped - before)) passed"
	[ "$failed" -eq "$bad" ] || unit+=", $((failed - bad)) failed"
	left=$(comm -23 <(machine_tests '^$' | tr ' ' '\n' | sort) \
		<(tr ' ' '\n' <<<"$names" | grep . | sort) | sed 's/^test_//')
	[ -z "$left" ] || unit+=", $(wc -l <<<"$left") left out"
	machine_row "$name" "$warned warnings" "$files" "$unit" \
		$((SECONDS - from))
	[ -z "$left" ] || [ -z "$names" ] ||
		echo "left out:" $left | fmt -w 72 | sed 's/^/    /' \
			>>"$machines/table"
}

# The kernel hands programs of that processor to qemu.
machine_binfmt() {
	local known=/proc/sys/fs/binfmt_misc
	[ -e "$known/register" ] ||
		mount -t binfmt_misc binfmt_misc "$known" || return 1
	[ ! -e "$known/qemu-$1" ] || return 0
	grep -h "^:qemu-$1:" /usr/lib/binfmt.d/* 2>/dev/null \
		>"$known/register" && [ -e "$known/qemu-$1" ] &&
		told+=("$known/qemu-$1")
}
told=()

# foreign ARCHITECTURE TRIPLET COMPILER QEMU UNIT-TESTS-LEFT-OUT
foreign() {
	local arch=$1 libraries=$machines/libraries-$1
	local root_dir=$libraries/root lib=$libraries/root/usr/lib/$2/pkgconfig
	if [ "$4" != - ] && ! machine_binfmt "$4"; then
		result skipped "$arch" "" "the kernel cannot be told of qemu"
		machine_row "$arch" "no emulation" - - 0
		return
	fi
	if ! bash "$tests/machines/sysroot.sh" "$arch" "$libraries" \
		>"$machines/$arch.log" 2>&1; then
		result failed "$arch/libraries" "" "$machines/$arch.log"
		machine_row "$arch" "no libraries" - - 0
		return
	fi
	export QEMU_LD_PREFIX=$root_dir PKG_CONFIG_SYSROOT_DIR=$root_dir \
		PKG_CONFIG_LIBDIR=$lib
	# Without an emulator that is named CMake does not run what it built;
	# the kernel knows how to.  It looks for the loader of a program in the
	# root of this machine, and so do the loaders for libraries.
	machine "$arch" "$5" -DCMAKE_SYSTEM_NAME=Linux \
		-DCMAKE_CROSSCOMPILING_EMULATOR=env \
		"-DCMAKE_EXE_LINKER_FLAGS=${6-}" \
		-DCMAKE_SYSTEM_PROCESSOR="$arch" -DCMAKE_C_COMPILER="$3" \
		-DCMAKE_SYSROOT="$root_dir" -DCMAKE_FIND_ROOT_PATH="$root_dir" \
		-DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER
	unset QEMU_LD_PREFIX PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR
}

# with_sqlite NAME VERSION
with_sqlite() {
	local prefix=$machines/$1
	if ! bash "$tests/machines/libraries.sh" sqlite "$2" "$prefix" \
		>"$machines/$1.log" 2>&1; then
		result failed "$1/library" "" "$machines/$1.log"
		return
	fi
	echo "$1: SQLite $(pkg-config --modversion "$prefix/lib/pkgconfig/sqlite3.pc")"
	export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
	machine "$1-build" '^$'
	unset PKG_CONFIG_PATH
}

machine_one() {
	case $1 in
	arm64)
		foreign arm64 aarch64-linux-gnu aarch64-linux-gnu-gcc aarch64 \
			"$slow"
		;;
	armhf)
		foreign armhf arm-linux-gnueabihf arm-linux-gnueabihf-gcc arm \
			"$slow"
		;;
	i386)
		# Its programs run as they are, but the host has no loader.
		local r=$machines/libraries-i386/root lib=lib/i386-linux-gnu
		foreign i386 i386-linux-gnu i686-linux-gnu-gcc - '^$' \
			"-Wl,--dynamic-linker=$r/lib/ld-linux.so.2,--disable-new-dtags,-rpath=$r/$lib:$r/usr/$lib"
		;;
	s390x)
		foreign s390x s390x-linux-gnu s390x-linux-gnu-gcc s390x \
			"$slow"
		;;
	ppc64el)
		foreign ppc64el powerpc64le-linux-gnu powerpc64le-linux-gnu-gcc \
			ppc64le "$slow"
		;;
	clang) machine clang '^$' -DCMAKE_C_COMPILER=clang ;;
	lto) machine lto . -DCMAKE_INTERPROCEDURAL_OPTIMIZATION=ON ;;
	hardened)
		machine hardened '^$' "-DCMAKE_C_FLAGS=$(dpkg-buildflags --get \
			CFLAGS) -D_FORTIFY_SOURCE=2 -fcf-protection" \
			"-DCMAKE_EXE_LINKER_FLAGS=-pie -Wl,-z,relro,-z,now"
		;;
	sqlite-oldest) with_sqlite sqlite-oldest 7.4.6 ;;
	sqlite-newest) with_sqlite sqlite-newest latest ;;
	musl)
		local prefix=$machines/libraries-musl
		bash "$tests/machines/libraries.sh" musl "$prefix" \
			>"$machines/musl.log" 2>&1 || {
			result failed musl/libraries "" "$machines/musl.log"
			return
		}
		export PKG_CONFIG_LIBDIR=$prefix/lib/pkgconfig
		machine musl '^$' -DCMAKE_C_COMPILER=musl-gcc \
			"-DCMAKE_C_FLAGS=-idirafter $prefix/kernel" \
			-DCMAKE_EXE_LINKER_FLAGS=-static
		unset PKG_CONFIG_LIBDIR
		;;
	*) result failed "$1" "" "no such machine" ;;
	esac
}

# Its unit tests are those of `tests/run release`.
machine x86-64 . -DSHARDMILL_TESTS=OFF
for name in ${MACHINES:-arm64 armhf i386 s390x ppc64el clang lto hardened musl \
	sqlite-oldest sqlite-newest}; do
	machine_one "$name"
done
for name in "${told[@]}"; do
	echo -1 >"$name"
done
echo
printf '%-14s %-12s %-9s %-34s %s\n' machine build files "unit tests" seconds
cat "$machines/table"
