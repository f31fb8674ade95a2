#!/bin/bash
# The packages' life in a clean root: apt installs them with what they need and
# nothing more; program, manual and library are used by a stranger to this
# tree; and they are removed without a trace.
# shellcheck source=tests/package/lib.sh
. "$(dirname "$0")/lib.sh"
need mmdebstrap chroot unshare
[ "$(id -u)" = 0 ] || skip "only root can enter a root of its own"
unshare -m true 2>/dev/null || skip "unshare -m is not permitted here"
sources=/etc/apt/sources.list.d/debian.sources
[ -e "$sources" ] || sources=/etc/apt/sources.list
# shellcheck disable=SC1091
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[ -n "$codename" ] || skip "the host does not say which Debian it is"

# PACKAGE_ROOT: a tar file that mmdebstrap made so before.
if [ -n "${PACKAGE_ROOT:-}" ]; then
	mkdir new
	log tar tar -xpf "$PACKAGE_ROOT" -C new
else
	log mmdebstrap mmdebstrap --variant=apt --skip=check/qemu "$codename" \
		new "$sources"
fi
mkdir new/debs
for name in "${names[@]}"; do
	cp "$(deb "$name")" new/debs || exit 1
done
chmod -R a+rX new/debs
cp /etc/resolv.conf new/etc/resolv.conf 2>/dev/null

# What runs inside.
cat >new/inside <<'END'
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
step() { echo "== $*"; }
files() { find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp \
	-o -path /root -o -path /var/cache -o -path /var/log -o -path /debs \
	-o -path /var/lib/apt -o -path /var/lib/dpkg \) -prune -o "$@" -print | sort; }
install() { apt-get install -y --no-install-recommends "$@" >/tmp/apt.log 2>&1 ||
	{ tail -n 20 /tmp/apt.log; exit 1; }; }
same() { [ "$1" = "$2" ] || { echo "'$1' is not '$2'"; exit 1; }; }

apt-get update >/dev/null
step "program and library, with what they need alone"
dpkg-query -W -f '${Package}\n' | sort >/tmp/before
install /debs/shardmill_*.deb /debs/libshardmill[0-9]*.deb
dpkg-query -W -f '${Package}\n' | sort | comm -13 /tmp/before - >/tmp/new
grep -q libjansson4 /tmp/new
grep -q libsqlite3-0 /tmp/new
echo "new: $(xargs </tmp/new)"
same "$(ldd /usr/bin/shardmill | grep "not found")" ""
ldconfig -p | grep -q libshardmill.so
cd /tmp
shardmill --version
shardmill doctor -q /tmp
shardmill exec -q -o f.gz --range 100 --size 10 -- \
	sh -c 'seq {first} {last}'
same "$(gzip -dc f.gz | wc -l)" 100
shardmill verify f.gz
same "$(shardmill python-path)" /usr/share/shardmill
bash -n /usr/share/bash-completion/completions/shardmill

step "the manual"
install man-db
mandb -q
for page in shardmill shardmill-plan libshardmill shardmill-db \
	shardmill-format shardmill-jobs; do
	[ $page != libshardmill ] || continue
	man -k shardmill | grep -q "^$page (" || { echo "man -k: $page"; exit 1; }
	man -w $page >/dev/null
done
for command in $(shardmill --help | sed -n '/^commands:/,/^$/ s/^  \([a-z-]*\) .*/\1/p'); do
	man -w 1 shardmill-$command >/dev/null
done

step "a stranger's program"
install /debs/libshardmill-dev_*.deb gcc libc6-dev pkg-config cmake make
mandb -q
man -k shardmill | grep -q "^libshardmill (3)"
mkdir own && cd own
# From the page alone: what stands below that title, up to the end of its code.
shown() {
	MANWIDTH=200 man 3 libshardmill | col -bx 2>/dev/null |
		sed -n "/^$1/,/^[A-Z]/{/^ /p;/^\$/p}" | sed 's/^       //' |
		awk '/^\/\*$/ { on = 1 }
			on { text = text $0 "\n" }
			on && /^}$/ { whole = text }; END { printf "%s", whole }'
}
shown "A FIRST PROGRAM" >squares.c
cc -Wall -Wextra squares.c $(pkg-config --cflags --libs shardmill) -o squares
./squares squares.gz
same "$(gzip -dc squares.gz | tail -n 1)" "999 998001"
shown "A PROGRAM WITH A PRODUCER" >export.c
cc -Wall -Wextra export.c $(pkg-config --cflags --libs shardmill) -o export
./export stars.gz 12000
same "$(gzip -dc stars.gz | wc -l)" 12000
cat >CMakeLists.txt <<'CMAKE'
cmake_minimum_required(VERSION 3.16)
project(own C)
find_package(shardmill REQUIRED COMPONENTS static)
add_executable(shared squares.c)
target_link_libraries(shared shardmill::shardmill)
add_executable(static squares.c)
target_link_libraries(static shardmill::static)
CMAKE
cmake -S . -B build >cmake.log && cmake --build build >>cmake.log || {
	tail -n 20 cmake.log; exit 1; }
for kind in shared static; do
	./build/$kind $kind.gz
	cmp $kind.gz squares.gz
done
same "$(ldd build/static | grep libshardmill)" ""

step "removed"
mkdir -p /tmp/lists
files ! -type d >/tmp/lists/installed
apt-get purge -y shardmill libshardmill-dev 'libshardmill[0-9]*' \
	>/tmp/apt.log 2>&1 || { tail -n 20 /tmp/apt.log; exit 1; }
files ! -type d >/tmp/lists/removed
same "$(dpkg-query -W -f '${Status} ${Package}\n' | grep -i shardmill)" ""
same "$(files | grep -i shardmill)" ""
# Nothing that was theirs is left, and nothing of others is gone.
comm -23 /tmp/lists/installed /tmp/lists/removed | grep -v -i shardmill \
	>/tmp/lists/gone || :
[ ! -s /tmp/lists/gone ] || { echo "gone, too:"; cat /tmp/lists/gone; exit 1; }
same "$(ldconfig -p | grep libshardmill)" ""
# The job outlives the program.
[ -s /tmp/f.gz.job/job.db ]
step "well"
END
# The mounts end with it.
log life unshare -m sh -c 'mount -t proc proc new/proc &&
	exec chroot new /bin/bash /inside'
cat life.log
equal "$(tail -n 1 life.log)" "== well" "the last step"
