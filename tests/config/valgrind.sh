# valgrind - the unit tests under memcheck
need_packages valgrind
build valgrind -DCMAKE_C_FLAGS_RELWITHDEBINFO='-O1 -g' && unit_valgrind valgrind
