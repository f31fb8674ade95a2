#!/bin/bash
# What the packages hold and need, by lintian and by name; and that another
# directory, umask and compiler's cache make the very same bytes.
# shellcheck source=tests/package/lib.sh
. "$(dirname "$0")/lib.sh"
need lintian cpack dpkg-deb

for name in "${names[@]}"; do
	file=$(deb "$name") || exit 1
	dpkg-deb -c "$file" >"$name.files" || fail "$file"
	dpkg-deb -f "$file" >"$name.control" || fail "$file"
	# Owner, modes: none of the builder's.
	! grep -vE '^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx) root/root ' \
		"$name.files" || fail "modes in $name"
	expect_text "$name.files" "./usr/share/doc/$name/copyright" \
		"./usr/share/doc/$name/changelog.Debian.gz"
done
program=${names[0]} library=${names[1]} dev=${names[2]}
expect_text $program.files ./usr/bin/shardmill man1/shardmill.1.gz \
	man1/shardmill-plan.1.gz man5/shardmill-db.5.gz man7/shardmill-jobs.7.gz \
	bash-completion/completions/shardmill zsh/vendor-completions/_shardmill \
	fish/vendor_completions.d/shardmill.fish share/shardmill/shardmill.py
expect_text "$library.files" "libshardmill.so.$version"
expect_text $dev.files ./usr/include/shardmill.h libshardmill.a \
	"libshardmill.so -> " pkgconfig/shardmill.pc shardmill-config.cmake \
	man3/libshardmill.3.gz
grep -E '^Depends:.*libsqlite3-0 \(>= 3\.37\)' "$library.control" >found ||
	fail "SQLite of $library"
expect_text "$library.control" "libjansson4" "zlib1g" "libc6"
for name in $program $dev; do
	grep -qE "^Depends:.*$library \(= $version-" "$name.control" ||
		fail "$name does not need its $library"
done
# The part that links a library needs it, and no other.
! grep -q sqlite3-0 $program.control || fail "the program links SQLite"

log lintian lintian --allow-root -I --fail-on error,warning,info \
	"$(deb $program)" "$(deb "$library")" "$(deb $dev)"
! grep -E '^[EWI]: ' lintian.log || fail "lintian"
# An override without its finding is one too many.
log overrides lintian --allow-root -I --fail-on none --show-overrides "$(deb $program)" \
	"$(deb "$library")" "$(deb $dev)"
! grep -E 'unused-override|mismatched-override' overrides.log ||
	fail "an override of nothing"
grep -q '^O: ' overrides.log || fail "no finding is overridden"

# Again, of the same source elsewhere.
mkdir -p else/where/far/away
(cd "$root" && git ls-files -co --exclude-standard -z |
	xargs -0 sh -c 'for f; do [ ! -f "$f" ] || printf "%s\0" "$f"; done' - |
	tar --null -cf - -T -) | (umask 077; tar -xf - -C else/where/far/away) ||
	fail "cannot copy the source"
commit=$("$SHARDMILL" --version | sed -n 's/^commit //p')
umask 077
export CCACHE_DISABLE=1 TZ=Pacific/Apia
log configure cmake -S else/where/far/away -B other -DSHARDMILL_PACKAGE=ON \
	-DSHARDMILL_COMMIT="$commit" -DCMAKE_C_FLAGS=-Werror
log build cmake --build other -j "$(nproc)"
(cd other && log cpack cpack -G DEB) || exit 1
for name in "${names[@]}"; do
	file=$(deb "$name")
	cmp "$file" "other/packages/${file##*/}" ||
		fail "$name has other bytes when it is built elsewhere"
done
