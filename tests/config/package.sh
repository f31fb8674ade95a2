# package - Debian packages: built, looked at by lintian, built again elsewhere,
# installed, used and removed in a clean root; and an installation that moves.
# The root is made by mmdebstrap, as root, from the host's sources of packages.
if ! need_packages dpkg-dev lintian mmdebstrap file man-db; then
	result failed package "" "its tools are not installed"
elif build package -DSHARDMILL_PACKAGE=ON -DSHARDMILL_TESTS=OFF \
	-DCMAKE_C_FLAGS=-Werror; then
	if (cd "$root/build-package" && rm -rf packages && cpack -G DEB) \
		>"$root/build-package/cpack.log" 2>&1; then
		result passed package/cpack
		e2e_from=$tests/package e2e_timeout=1800 e2e package
	else
		result failed package/cpack "" "$root/build-package/cpack.log"
		tail -n 30 "$root/build-package/cpack.log" | sed 's/^/    /'
	fi
fi
