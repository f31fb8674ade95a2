# tsan - everything under the thread sanitizer
build tsan -DSHARDMILL_SANITIZE=thread && {
	unit tsan
	e2e_timeout=1200 e2e tsan
}
