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

# The first program of libshardmill(3): killed, it goes on; what the manual
# shows is what was built here.
man=$prefix/share/man/man3/libshardmill.3
sed -n '/^ \* squares\.c/,/^}$/p' squares.c | tr -d ' \t' >shown
sed -n '/squares\.c \\-/,$p' "$man" | sed 's/\\&//g; s/\\-/-/g; s/\\e/\\/g' |
	tr -d ' \t' | head -n "$(wc -l <shown)" | head -n 20 >manual
head -n 20 shown | diff - manual >&2 || fail "the manual shows another program"
sed 's/"awk",/"sh", "-c", "sleep 0.2; exec \\"$@\\"", "-", "awk",/
	s/"size", "250"/"size", "10"/' squares.c >slow.c
cmp -s squares.c slow.c && fail "the program is not made slower"
read -ra flags < <(pkg-config --cflags --libs shardmill)
log cc-slow cc -Wall -Wextra -Werror slow.c "${flags[@]}" -o slow
export LD_LIBRARY_PATH=$prefix/lib
setsid ./slow squares.gz >out 2>err &
pid=$!
keep_pid "-$pid"
for ((i = 0; i < 600; i++)); do
	done_before=$(sqlite3 -cmd '.timeout 10000' squares.gz.job/job.db \
		"SELECT count(*) FROM batch WHERE state = 'done'" 2>/dev/null)
	[ "${done_before:-0}" -lt 5 ] || break
	sleep 0.05
done
[ "${done_before:-0}" -ge 5 ] || fail "no batch in 30 s"
kill -KILL -- "-$pid"
wait "$pid" 2>/dev/null
[ ! -e squares.gz ] || fail "it was over before it was killed"
expect_exit 0 ./slow squares.gz
equal "$(gzip -dc squares.gz | tail -n 1)" "999 998001" "the last line"
equal "$(gzip -dc squares.gz | wc -l)" 1000 "lines"
equal "$(sqlite3 squares.gz.job/job.db "SELECT count(*) FROM attempt
	WHERE outcome = 'done'")" 100 "batches made once"
