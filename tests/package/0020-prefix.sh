#!/bin/bash
# cmake --install, of a build without tests, to a prefix that is then moved:
# pkg-config and find_package() find the library there, shared and static.
# shellcheck source=tests/package/lib.sh
. "$(dirname "$0")/lib.sh"
need cmake pkg-config cc

log configure cmake -S "$root" -B plain -DSHARDMILL_TESTS=OFF \
	-DCMAKE_INSTALL_PREFIX="$dir/nowhere"
log build cmake --build plain -j "$(nproc)"
log install cmake --install plain --prefix "$dir/first place"
[ ! -e nowhere ] || fail "the prefix of --install is not the one"
mv "first place" moved
prefix=$dir/moved
"$prefix/bin/shardmill" --version | head -n 1 >version
equal "$(cat version)" "shardmill $version" "the program"
equal "$("$prefix/bin/shardmill" python-path)" "$prefix/share/shardmill" \
	"python-path"
grep -rlF -e "$dir/nowhere" -e "first place" moved | grep -v '\.a$\|bin/' &&
	fail "a path of the installation is in it"

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
cp "$root/tools/package/first.c" squares.c
cp "$root/tests/examples/export.c" export.c
# tried PROGRAM: it makes the squares, and again nothing
tried() {
	expect_exit 0 "$@" squares.gz
	equal "$(gzip -dc squares.gz | tail -n 1)" "999 998001" "the last line"
	expect_exit 0 "$@" squares.gz
	rm -rf squares.gz*
}
equal "$(pkg-config --modversion shardmill)" "$version" "shardmill.pc"
read -ra flags < <(pkg-config --cflags --libs shardmill)
log cc cc -Wall -Wextra -Werror squares.c "${flags[@]}" -o shared
LD_LIBRARY_PATH=$prefix/lib tried ./shared
# As libshardmill(3) has it for such a prefix.
log cc-rpath cc squares.c "${flags[@]}" \
	"-Wl,-rpath,$(pkg-config --variable=libdir shardmill)" -o rpath
tried ./rpath
mkdir static
cp moved/lib/libshardmill.a static
read -ra flags < <(pkg-config --cflags --libs --static shardmill)
log cc-static cc squares.c -Lstatic "${flags[@]/-L*/-Lstatic}" -o one
tried ./one
! ldd one | grep -q libshardmill || fail "not linked with the static library"

mkdir consumer
cp squares.c consumer
cat >consumer/CMakeLists.txt <<'END'
cmake_minimum_required(VERSION 3.16)
project(consumer C)
find_package(shardmill 0.2 REQUIRED COMPONENTS static)
add_executable(shared squares.c)
target_link_libraries(shared shardmill::shardmill)
add_executable(static squares.c)
target_link_libraries(static shardmill::static)
# What is not there is told, and not taken for found.
find_package(shardmill 9.0 QUIET)
if(shardmill_FOUND)
	message(FATAL_ERROR "version 9 was found")
endif()
find_package(shardmill QUIET COMPONENTS nonsense)
if(shardmill_FOUND)
	message(FATAL_ERROR "a component was found that does not exist")
endif()
END
sed -i "s/shardmill 0\.2/shardmill ${version%.*}/" consumer/CMakeLists.txt
log consumer cmake -S consumer -B consumer/build -DCMAKE_PREFIX_PATH="$prefix"
log consumer-build cmake --build consumer/build
tried consumer/build/shared
tried consumer/build/static

# The programs of libshardmill(3): what the manual shows is what is built here,
# and each is killed and goes on.
man=$prefix/share/man/man3/libshardmill.3
for name in squares export; do
	tr -d ' \t' <$name.c | tail -n +2 >shown
	sed -n "/^ \* $name\.c /,\$p" "$man" |
		sed 's/\\&//g; s/\\-/-/g; s/\\e/\\/g; s/\\(ti/~/g; s/\\(ha/^/g' |
		tr -d ' \t' | head -n "$(wc -l <shown)" >manual
	diff shown manual >&2 || fail "the manual shows another $name.c"
done
sed 's/"awk",/"sh", "-c", "sleep 0.2; exec \\"$@\\"", "-", "awk",/
	s/"size", "250"/"size", "10"/' squares.c >slow.c
cmp -s squares.c slow.c && fail "the program is not made slower"
# The producer's batches take a while, too, and one of them may crash.
sed 's/^#include <stdlib.h>/&\n#include <unistd.h>/
	s/^	(void)state;/&\n	usleep(100000);\n	if (getenv("CRASH") \&\& task->batch == 3)\n		abort();/' \
	export.c >slow-export.c
grep -q abort slow-export.c || fail "the producer is not made slower"
read -ra flags < <(pkg-config --cflags --libs shardmill)
log cc-slow cc -Wall -Wextra -Werror slow.c "${flags[@]}" -o slow
log cc-slow-export cc -Wall -Wextra -Werror slow-export.c "${flags[@]}" -o slow-export
export LD_LIBRARY_PATH=$prefix/lib
# killed FILE COUNT COMMAND...: all of it is killed when COUNT batches are done
killed() {
	local file=$1 count=$2 pid made
	shift 2
	setsid "$@" >out 2>err &
	pid=$!
	keep_pid "-$pid"
	for ((i = 0; i < 600; i++)); do
		made=$(sqlite3 -cmd '.timeout 10000' "$file.job/job.db" \
			"SELECT count(*) FROM batch WHERE state = 'done'" 2>/dev/null)
		[ "${made:-0}" -lt "$count" ] || break
		sleep 0.05
	done
	[ "${made:-0}" -ge "$count" ] || fail "no $count batches in 30 s"
	kill -KILL -- "-$pid"
	wait "$pid" 2>/dev/null
	[ ! -e "$file" ] || fail "it was over before it was killed"
}
made_once() { # FILE BATCHES
	equal "$(sqlite3 "$1.job/job.db" "SELECT count(*) FROM attempt
		WHERE outcome = 'done'")" "$2" "batches of $1 that were made once"
}
killed squares.gz 5 ./slow squares.gz
expect_exit 0 ./slow squares.gz
equal "$(gzip -dc squares.gz | tail -n 1)" "999 998001" "the last line"
equal "$(gzip -dc squares.gz | wc -l)" 1000 "lines"
made_once squares.gz 100

log cc-export cc -Wall -Wextra -Werror export.c "${flags[@]}" -o export
expect_exit 0 ./export stars.gz
killed slow.gz 2 ./slow-export slow.gz
CRASH=1 expect_exit 1 ./slow-export slow.gz
equal "$(sqlite3 slow.gz.job/job.db "SELECT group_concat(id) FROM batch
	WHERE state <> 'done'")" 3 "what a crash in the producer fails"
expect_exit 0 moved/bin/shardmill retry slow.gz
expect_exit 0 ./slow-export slow.gz
cmp slow.gz stars.gz || fail "not the undisturbed bytes"
made_once slow.gz 20
# A finished job's directory may go; the same command knows the file.
rm -r slow.gz.job
expect_exit 0 ./slow-export slow.gz
[ ! -e slow.gz.job ] || fail "a job of a file that is complete"
