#!/bin/bash
# A job may be moved; a copy of a job touches nothing of the original's.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

# project NAME: a job of each source in NAME, half of it done
job=(-j 1 --max-attempts 1)
# shellcheck disable=SC2016
half=(sh -c 'test -e whole || [ $SHARDMILL_BATCH -lt 3 ] || exit 9
	echo "$SHARDMILL_BATCH in $(cat name)"')
project() {
	mkdir "$1"
	cd "$1" || exit 1
	echo "$1" >name
	printf 'a\nb\nc\nd\ne\nf\n' >list
	head -n 4 list >most
	tail -n 2 list >last
	expect_exit 1 sm exec -o range.gz "${job[@]}" --range 6 -- "${half[@]}"
	expect_exit 1 sm exec -o items.gz "${job[@]}" --items list -- "${half[@]}"
	expect_exit 1 sm exec -o lines.gz "${job[@]}" --input most --input last --depends list --lines 1 \
		-- "${half[@]}"
	: >whole
	cd ..
}
source_of() {
	case $1 in
	range) of=(--range 6) ;;
	items) of=(--items list) ;;
	lines) of=(--input most --input last --depends list --lines 1) ;;
	esac
}
text() { # OLD NEW: who made which half
	for i in 0 1 2 3 4 5; do
		[ $i -lt 3 ] && echo "$i in $1" || echo "$i in $2"
	done
}
hashes() {
	find "$1" -type f ! -name '*.db-shm' -print0 | sort -z |
		xargs -0 sha256sum
}

# Moved: the same command goes on, whatever the kind; so does run.
project first
mv first moved
for kind in range items lines; do
	source_of $kind
	cd moved || exit 1
	echo moved >name
	inodes $kind.gz.job before
	expect_exit 0 sm exec -o $kind.gz "${job[@]}" "${of[@]}" --retry-failed \
		-- "${half[@]}"
	kept_inodes $kind.gz.job before
	same_text <(text first moved) $kind.gz
	expect_exit 0 sm status $kind.gz --json
	equal "$(json ../out final_path)" "$PWD/$kind.gz" "final file"
	cd ..
done
[ ! -e first ] || fail "the old place is there again"

project second
mkdir elsewhere
mv second elsewhere/third
echo third >elsewhere/third/name
for kind in range items lines; do
	expect_exit 0 sm run elsewhere/third/$kind.gz --retry-failed
	expect_text err "moved here from '$PWD/second/$kind.gz.job'"
	same_text <(text second third) elsewhere/third/$kind.gz
	# Once it is recorded, it is at home.
	expect_exit 0 sm run elsewhere/third/$kind.gz
	! grep -q 'moved here' err || fail "told twice"
done

# The job alone is moved: its commands and inputs are where they were.
project fourth
mv fourth/range.gz.job fourth/lines.gz.job .
for kind in range lines; do
	expect_exit 0 sm run $kind.gz.job --retry-failed
	same_text <(text fourth fourth) $kind.gz
	[ ! -e fourth/$kind.gz ] || fail "the final file is not beside its job"
done
rm -r ./*.gz ./*.gz.job

# Copied with its project: nothing of the original's is touched.
project fifth
expect_exit 1 sm run fifth/range.gz
cp -r fifth copied
echo copied >copied/name
hashes fifth >before
for kind in range items; do
	expect_exit 0 sm run copied/$kind.gz --retry-failed
	expect_text err "copy of the job '$PWD/fifth/$kind.gz.job'" \
		"'$PWD/copied/$kind.gz'"
	same_text <(text fifth copied) copied/$kind.gz
done
cd copied || exit 1
expect_exit 0 sm exec -o lines.gz "${job[@]}" --input most --input last --depends list --lines 1 \
	--retry-failed -- "${half[@]}"
cd ..
same_text <(text fifth copied) copied/lines.gz
hashes fifth | diff before - || fail "the original was touched"

# A complete original keeps its final file whatever the copy does.
cp -r copied sixth
echo sixth >sixth/name
hashes copied >before
expect_exit 0 sm retry sixth/range.gz --batch 0
rm sixth/range.gz
expect_exit 0 sm run sixth/range.gz
equal "$(sm cat sixth/range.gz --batch 0)" "0 in sixth" "batch made again"
hashes copied | diff before - || fail "the original was touched"

# A copy beside it, under a name that has no final file of its own: none.
cp -r copied/range.gz.job copied/spare
hashes copied >before
expect_exit 0 sm retry copied/spare --batch 0
expect_exit 0 sm run copied/spare
expect_text err "no final file" -o
hashes copied | grep -v /spare/ | diff <(grep -v /spare/ before) - ||
	fail "the original was touched"
expect_exit 0 sm finalize copied/spare -o copied/own.gz
# G.job has G.
cp -r copied/range.gz.job copied/other.gz.job
expect_exit 0 sm run copied/other.gz
same_text <(text fifth copied) copied/other.gz

# The command's directory is the original's, and nobody said so: refused.
mkdir scripts jobs copies
cd scripts || exit 1
expect_exit 0 sm plan ../jobs/one exec --range 2 -- sh -c 'echo x >>made; pwd'
cp -r ../jobs/one ../copies/one
expect_exit 7 sm run ../copies/one
expect_text ../err "copy of" "${PWD%/*}/jobs/one"
[ ! -e made ] || fail "it ran there"
expect_exit 0 sm plan ../copies/one exec --range 2 -- sh -c 'echo x >>made; pwd'
expect_exit 0 sm run ../copies/one
equal "$(wc -l <made)" 2 "commands that ran where they were told to"
cd ..

# With --consume what removed shards had comes along, and recover finds it.
mkdir seven
cd seven || exit 1
expect_exit 1 sm exec -o c.gz "${job[@]}" --consume --range 40 -- \
	sh -c 'test -e whole || test {first} -lt 39 || exit 9; echo {first}'
[ -e c.gz.part ] || fail "no growing file"
: >whole
cd ..
mv seven eight
expect_exit 0 sm run eight/c.gz --retry-failed
same_text <(seq 0 39) eight/c.gz
made_once eight/c.gz.job
mv eight nine
rm nine/c.gz.job/job.db*
expect_exit 0 sm recover nine/c.gz.job
expect_text out "40 of 40 batches were whole"
expect_exit 0 sm run nine/c.gz
same_text <(seq 0 39) nine/c.gz

# A job in parts, as a whole.
mkdir ten
cd ten || exit 1
expect_exit 0 sm plan p exec -o p.gz --range 4 --parts 2 -- sh -c 'pwd; echo {first}'
expect_exit 0 sm run p
cd ..
cp -r ten eleven
hashes ten >before
expect_exit 0 sm retry eleven/p --batch 3
rm eleven/p.gz
expect_exit 0 sm run eleven/p
hashes ten | diff before - || fail "the original was touched"
[ "$(sm cat eleven/p.gz --batch 3 | head -n 1)" = "$PWD/eleven" ] ||
	fail "the copy's command ran elsewhere"
rm -r ten
mv eleven twelve
expect_exit 0 sm finalize twelve/p
[ -e twelve/p.gz ] && [ ! -e ten ] && [ ! -e eleven ] || fail "not beside it"
