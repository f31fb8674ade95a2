#!/bin/bash
# GNU parallel 20221122 (Debian 12): with -k no finished job is in the --joblog
# while an earlier one runs, so that after a kill --resume runs them all again.
#
# One would guess: --joblog has a line for each job that has ended, and -k is about
# the order of what is printed.
# What happens: with -k the lines of the log wait, too.  Behind a first job that
# takes long the log of thousands of finished ones is empty; when parallel is
# killed then, --resume runs every one of them a second time.  Without -k they
# are in the log at once, and are not.
# Why it matters: --joblog and --resume are how long runs are made to outlive a
# crash, and -k is what a final file in order needs.  One straggler near the
# beginning, and a crash costs everything since.
set -euo pipefail
version=20221122+ds-2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq -o APT::Sandbox::User=root parallel=$version
dpkg -x parallel_*.deb .
export PARALLEL_HOME=$dir/home
mkdir home
touch home/will-cite

# Jobs 1 and 6 wait for a file; where this script has been ended, for nothing.
cat >job <<'END'
echo "$1" >>started
case $1 in 1 | 6) until [ -e go ] || [ ! -e job ]; do sleep 0.1; done ;; esac
echo "result $1"
END
# run OPTION...
run() {
	exec perl usr/bin/parallel -j2 --joblog log "$@" sh job {} ::: 1 2 3 4 5 6
}
# try NAME OPTION...
try() {
	local name=$1 pid tries
	shift
	rm -f log started go
	touch log started
	(run "$@") >out 2>err &
	pid=$!
	# Two jobs run at once: where 6 runs beside 1, 2 to 5 have been seen to end.
	for ((tries = 0; tries < 600; tries++)); do
		! grep -q 6 started || break
		sleep 0.1
	done
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	printf '%s: in the log: %s' "$name" \
		"$(awk 'NR > 1 { print $1 }' log | sort | xargs)"
	touch go
	(run --resume "$@") >>out 2>>err
	printf '; started twice: %s\n' "$(sort started | uniq -d | xargs)"
}
{
	try "without -k"
	try "with -k" -k
} >seen
cat >expected <<'END'
without -k: in the log: 2 3 4 5; started twice: 1 6
with -k: in the log: ; started twice: 1 2 3 4 5 6
END
echo "parallel $version, killed while 1 and 6 ran and 2 to 5 had ended:"
cat seen
diff expected seen && echo "as described"
