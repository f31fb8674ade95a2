#!/bin/bash
# libraries.sh sqlite VERSION|latest DIRECTORY - SQLite out of the npm package
# better-sqlite3, which has its amalgamation: 7.4.6 has SQLite 3.37.0
# libraries.sh musl DIRECTORY - zlib, jansson, cmocka and SQLite for musl-gcc,
# static, out of Debian's sources; the kernel's headers, which musl's compiler hides
#
# What is there already is left as it is.
set -eu

# In the current directory: sqlite3.c and sqlite3.h of that package.
sqlite_source() {
	npm pack --silent "better-sqlite3@$1" >/dev/null
	tar -xzf better-sqlite3-*.tgz
	cd package/deps
	[ ! -f sqlite3.tar.gz ] || tar -xzf sqlite3.tar.gz
	[ ! -d sqlite3 ] || cd sqlite3
}

# sqlite CC VERSION PREFIX
sqlite() {
	local cc=$1 prefix=$3 source
	[ ! -f "$prefix/lib/libsqlite3.a" ] || return 0
	mkdir -p "$prefix/lib/pkgconfig" "$prefix/include"
	source=$(mktemp -d)
	(
		cd "$source"
		sqlite_source "$2"
		# The tests' own SQL uses JSON, a default from 3.38 on.
		$cc -O2 -fPIC -DSQLITE_ENABLE_JSON1 -c sqlite3.c
		cp sqlite3.h "$prefix/include"
		ar rc "$prefix/lib/libsqlite3.a" sqlite3.o
		printf '%s\n' 'Name: SQLite' 'Description: SQL' \
			"Version: $(awk '/define SQLITE_VERSION /{
				gsub(/"/, "", $3); print $3 }' sqlite3.h)" \
			"Libs: -L$prefix/lib -lsqlite3 -lpthread -lm -ldl" \
			"Cflags: -I$prefix/include" \
			>"$prefix/lib/pkgconfig/sqlite3.pc"
	)
	rm -r "$source"
}

# debian_source PACKAGE: in the current directory, unpacked in PACKAGE-*/; by an
# apt that has the sources of the host's first suite, and directories of its own
debian_source() {
	mkdir -p lists/partial
	awk '/^Types:/ { print "Types: deb-src"; next } { print }
		/^$/ { exit }' /etc/apt/sources.list.d/debian.sources >src.sources
	local own=(-o "Dir::Etc::sourcelist=$PWD/src.sources"
		-o Dir::Etc::sourceparts=/dev/null
		-o "Dir::State::lists=$PWD/lists")
	apt-get "${own[@]}" update -qq || :
	apt-get "${own[@]}" source -qq --download-only "$1"
	mkdir "$1"
	# Not its signature, *.asc.
	tar -xf "$1"_*.orig.tar.?z -C "$1" --strip-components 1
}

musl() {
	local prefix=$1 source
	[ ! -f "$prefix/complete" ] || return 0
	mkdir -p "$prefix/kernel"
	ln -sfn /usr/include/linux "$prefix/kernel/linux"
	ln -sfn /usr/include/asm-generic "$prefix/kernel/asm-generic"
	ln -sfn "/usr/include/$(gcc -print-multiarch)/asm" "$prefix/kernel/asm"
	source=$(mktemp -d)
	(
		cd "$source"
		debian_source zlib
		cd zlib
		CC=musl-gcc ./configure --static --prefix="$prefix"
		make libz.a
		make install
		cd "$source"
		debian_source jansson
		cmake -S jansson -B jansson/build -DCMAKE_C_COMPILER=musl-gcc \
			-DJANSSON_BUILD_DOCS=OFF -DJANSSON_EXAMPLES=OFF \
			-DJANSSON_WITHOUT_TESTS=ON \
			-DCMAKE_INSTALL_PREFIX="$prefix"
		cmake --build jansson/build
		cmake --install jansson/build
		debian_source cmocka
		cmake -S cmocka -B cmocka/build -DCMAKE_C_COMPILER=musl-gcc \
			-DBUILD_SHARED_LIBS=OFF -DWITH_STATIC_LIB=ON \
			-DWITH_EXAMPLES=OFF -DCMAKE_BUILD_TYPE=Release \
			-DCMAKE_INSTALL_PREFIX="$prefix"
		cmake --build cmocka/build
		cmake --install cmocka/build
		# It is what -lcmocka finds.
		rm "$prefix"/lib/libcmocka.so*
		mv "$prefix/lib/libcmocka-static.a" "$prefix/lib/libcmocka.a"
	)
	rm -r "$source"
	sqlite musl-gcc latest "$prefix"
	touch "$prefix/complete"
}

case $1 in
sqlite) sqlite gcc "$2" "$3" ;;
musl) musl "$2" ;;
esac
