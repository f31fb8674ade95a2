# valgrind - the unit tests under memcheck
need_packages valgrind
build valgrind -DCMAKE_BUILD_TYPE=Release \
	-DCMAKE_C_FLAGS_RELEASE='-O1 -g' && unit_valgrind valgrind
