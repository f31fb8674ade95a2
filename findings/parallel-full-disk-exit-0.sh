#!/bin/bash
# GNU parallel 20221122 (Debian 12) drops output that a full disk did not take,
# and says that all went well.
#
# One would guess: parallel collects what its jobs print and writes it to its
# standard output, so that a failed write ends it with an error, as it does
# cat, sort, gzip or xargs' own commands.
# What happens: with the output of jobs grouped (the default), in order (-k) or
# by lines (--line-buffer) nothing is said and the exit status is 0; with --pipe
# there is a warning of Perl's at most, and 0 as well.  --joblog has Exitval 0
# for every job, so that a later --resume skips them.  Only -u, where the jobs write for
# themselves, gives their failures.
# Why it matters: `parallel … > out.gz` is how such jobs are run without a job
# table; a file that was cut by a full disk is then taken for whole.
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

# try NAME OPTION...: two jobs of 10,000 lines, onto a full disk
try() {
	local name=$1 code=0 said=silent
	[ "$name" != pipe ] || said="not looked at"
	shift
	printf '1\n2\n' | perl usr/bin/parallel --joblog "log.$name" "$@" \
		>/dev/full 2>err || code=$?
	[ ! -s err ] || [ "$name" = pipe ] || said="says something"
	printf '%s: exit %s, %s, joblog %s\n' "$name" "$code" "$said" \
		"$(awk 'NR > 1 { print $7 }' "log.$name" | sort | uniq -c | xargs)"
}
{
	try grouped 'seq {} 10000'
	try in-order -k 'seq {} 10000'
	try by-lines --line-buffer 'seq {} 10000'
	try pipe --pipe -N1 'cat; seq 10000'
	try ungrouped -u 'seq {} 10000'
} >seen
cat >expected <<'END'
grouped: exit 0, silent, joblog 2 0
in-order: exit 0, silent, joblog 2 0
by-lines: exit 0, silent, joblog 2 0
pipe: exit 0, not looked at, joblog 2 0
ungrouped: exit 2, says something, joblog 2 1
END
echo "parallel $version, standard output is /dev/full (joblog: jobs, Exitval):"
cat seen
diff expected seen && echo "as described"
