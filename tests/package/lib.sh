# shellcheck shell=bash
# lib.sh - what the tests of packages share, beside that of e2e/
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"

root=$(realpath "$tests/..")
build=$(dirname "$SHARDMILL")
debs=$build/packages
version=$(sed -n 's/^#define SHARDMILL_VERSION "\(.*\)"$/\1/p' \
	"$root/include/shardmill.h")
# As the library's file is called: libshardmill.so.N.
abi=$(readlink "$build/libshardmill.so")
names=(shardmill "libshardmill${abi##*.}" libshardmill-dev)

# deb NAME: the file of that package
deb() {
	local file
	for file in "$debs/${1}_$version-"*.deb; do
		[ -e "$file" ] || fail "no package $1 in $debs"
		printf '%s\n' "$file"
		return
	done
}

# log NAME COMMAND...: what it says is in NAME.log, of which the end is shown if
# it fails
log() {
	"${@:2}" >"$1.log" 2>&1 </dev/null ||
		{ tail -n 30 "$1.log" >&2; fail "$1"; }
}
