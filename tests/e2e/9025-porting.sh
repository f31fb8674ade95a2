#!/bin/bash
# Each pair of lines in shardmill-porting(7) is run: what stands there for
# another program, where that can be had, and what makes the same here.
# shellcheck disable=SC2015 # fail does not return
. "$(dirname "$0")/lib.sh"
page=$tests/../tools/shardmill-porting.7
[ -e "$page" ] || fail "no $page"
need parallel
parallel --version 2>&1 | grep -q 'GNU parallel' ||
	skip "parallel is not GNU parallel"
mkdir bin
ln -s "$SHARDMILL" bin/shardmill
ln -s "$(command -v "$PYTHON")" bin/python3
PATH=$PWD/bin:$PATH
export PATH

part() { # BEGIN NAME: the lines of the page, as a reader sees them
	sed -n "/^\.\\\\\" $1 $2\$/,/^\.\\\\\" /p" "$page" |
		sed '/^\./d; s/^\\&//; s/\\e/\\/g; s/\\-/-/g; s/\\(aq/'\''/g'
}

mapfile -t names < <(sed -n 's/^\.\\" here //p' "$page")
[ ${#names[@]} -ge 14 ] || fail "pairs in the page: ${names[*]}"
for name in "${names[@]}"; do
	rm -rf w
	mkdir w
	cd w || exit 1
	printf 'one two\n' >a.txt
	printf 'three\nfour\n' >'b c.txt'
	seq 250 | sed 's/^/line /' >lines.txt
	printf 'x\ny\nz\nu\nv\n' >words.txt
	printf '1,a\n2,b\n' >pairs.csv
	part theirs "$name" >../theirs
	part here "$name" >../here
	[ -s ../theirs ] && [ -s ../here ] || fail "an empty pair: $name"
	order="cat"
	case $name in
	snakemake) # its shell command for each of its inputs
		grep -q 'shell: "wc -w <{input:q} >{output:q}"' ../theirs ||
			fail "another rule"
		for file in *.txt; do wc -w <"$file"; done >../want
		# Snakemake itself, where it can be had: 1 GB of packages.
		if [ -n "${PEERS:-}" ] || command -v snakemake >/dev/null; then
			cp ../theirs Snakefile
			printf '%s.count\n' *.txt | sed 's/\.txt\.count/.count/' |
				xargs -d '\n' snakemake -j 2 >../log 2>&1 ||
				fail "snakemake: $(tail -n 5 ../log)"
			cat ./*.count | cmp - ../want ||
				fail "snakemake makes something else"
			rm -rf Snakefile .snakemake ./*.count
		fi
		;;
	slurm)
		for i in 0 1 2 3 4 5 6 7 8 9; do
			SLURM_ARRAY_TASK_ID=$i sh ../theirs
		done >../want
		# Where there is no Slurm, one machine does what it would.
		sed -i 's/^shardmill slurm \([^ ]*\) .*/&\nshardmill run \1/
			s/^shardmill slurm \([^ ]*\) --/shardmill slurm --print \1 --/' \
			../here
		;;
	*)
		[ "$name" = xargs-n ] && order="sort"
		bash ../theirs >../want 2>../err </dev/null ||
			fail "theirs of $name fails"
		;;
	esac
	rm -f log
	bash -e ../here >../out 2>../err </dev/null || fail "$name fails"
	zcat out.gz >../got || fail "no out.gz of $name"
	[ -s ../got ] || fail "nothing came of $name"
	if [ -s ../want ]; then
		cmp <($order ../want) <($order ../got) ||
			fail "$name: $(head -n 5 ../want ../got)"
	fi
	cd ..
done
exit 0
