# asan - everything under the address and undefined behaviour sanitizers
build asan -DSHARDMILL_SANITIZE=address,undefined && {
	unit asan
	e2e_timeout=1200 e2e asan
}
