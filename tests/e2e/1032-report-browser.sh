#!/bin/bash
# A browser shows the page of report: at three widths, in light and dark,
# nothing is wider than the window, nothing is said in the console.
. "$(dirname "$0")/lib.sh"
need chromium

# shellcheck disable=SC2016
expect_exit 1 sm exec -o f.gz --range 100 -j 2 --max-attempts 1 -- \
	sh -c '[ "$1" != 7 ] || { echo "no such table" >&2; exit 3; }; seq 9' \
	sh '{batch}'
expect_exit 0 sm report f.gz -o page.html
timeout 100 "$PYTHON" "$tests/browser.py" page.html ${PICTURES:+"$PICTURES"} ||
	fail "in the browser"
