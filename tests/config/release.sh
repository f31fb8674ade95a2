# release - the program as it is shipped: all its tests
need_packages zstd busybox libarchive-tools libdeflate-tools
command -v node >/dev/null || need_packages nodejs
build release -DSHARDMILL_FAULTS=OFF && {
	unit release
	numtext release
	e2e release
}
