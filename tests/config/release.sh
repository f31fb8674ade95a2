# release - the program as it is shipped: all its tests
build release -DSHARDMILL_FAULTS=OFF && {
	unit release
	numtext release
	e2e release
}
