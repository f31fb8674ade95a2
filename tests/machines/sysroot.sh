#!/bin/bash
# sysroot.sh ARCHITECTURE DIRECTORY - Debian's libraries of another
# architecture, unpacked in DIRECTORY/root
#
# The packages are downloaded by an apt with directories of its own and only
# unpacked.  The host's dpkg learns of no other architecture, and nothing is
# configured under emulation, which is what takes debootstrap its time.
set -eu
arch=$1 dir=$2
[ ! -f "$dir/complete" ] || exit 0
mkdir -p "$dir/apt/lists/partial" "$dir/apt/archives/partial" "$dir/root"
: >"$dir/apt/status"
cat >"$dir/apt/conf" <<END
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
Dir::State "$dir/apt";
Dir::State::status "$dir/apt/status";
Dir::Cache "$dir/apt";
END
export APT_CONFIG=$dir/apt/conf
# A suite that cannot be had now is missed only if a package is.
apt-get update -qq || :
apt-get install -y -qq --no-install-recommends --download-only \
	libc6-dev libsqlite3-dev zlib1g-dev libjansson-dev libcmocka-dev
for package in "$dir"/apt/archives/*.deb; do
	dpkg -x "$package" "$dir/root"
done
# What a link says is a path of that machine, not of this one; without its
# zlib.so the linker would take libz.a.
find "$dir/root" -type l -lname '/*' | while read -r link; do
	ln -sfn "$(realpath -ms --relative-to="$(dirname "$link")" \
		"$dir/root$(readlink "$link")")" "$link"
done
touch "$dir/complete"
