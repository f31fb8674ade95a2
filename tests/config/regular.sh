# regular - what every change must pass: all tests of the program as it is
# shipped, and under the sanitizers those where memory and threads matter.
. "$tests/config/release.sh"
build asan -DSHARDMILL_SANITIZE=address,undefined && {
	unit asan
	e2e asan 0010 0100 0120 0200 1020 1030 1050 1090 2010 2100
}
build tsan -DSHARDMILL_SANITIZE=thread && {
	unit tsan '^test_(watch|pulse|live|txn|base|command)$'
	e2e tsan 0010 3060
}
