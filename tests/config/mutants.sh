# mutants - each branch of claim, commit, rescue, finalize and recover negated
# or left out, each guard dropped: is it noticed?  COUNT of them, spread over
# all; COUNT=0 takes all, which is hours.
. "$tests/faults/lib.sh"
build faults -DSHARDMILL_FAULTS=ON -DSHARDMILL_TESTS=OFF && {
	: >"$FAULTS_TABLE"
	COUNT=${COUNT-230} fault faults mutate.py
	cat "$root/build-faults/mutate.log"
	closing_table
}
