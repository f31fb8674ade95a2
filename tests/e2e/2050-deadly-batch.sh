#!/bin/bash
# A batch that kills its worker each time fails after three tries, with the
# signal; the others are made.  Killed with everything else, it never fails.
. "$(dirname "$0")/lib.sh"

# $PPID of a command is its worker.
expect_exit 1 sm exec -o f.gz -j 2 --range 8 --size 1 -- sh -c \
	'[ $0 != 3 ] || [ -e mended ] || kill -KILL $PPID; echo $0' '{first}'
expect_text err "1 of 8 batches failed"
equal "$(sql f.gz.job 'SELECT group_concat(batch) FROM failed')" 3 "failed"
equal "$(sql f.gz.job "SELECT group_concat(outcome || signal) FROM attempt
	WHERE batch = 3")" signal9,signal9,signal9 "its attempts"
equal "$(count_of f.gz.job done)" 7 "done batches"
[ ! -e f.gz ] || fail "a file was made"
touch mended
expect_exit 0 sm run f.gz.job --retry-failed
seq 0 7 >want
same_text want f.gz

# Four times in a row.  A row that is running may still be the last one's.
rm -f mended
tried() { # TIMES
	[ "$(sql g.gz.job 'SELECT count(*) FROM attempt')" -ge "$1" ]
}
for n in 1 2 3 4; do
	start run exec -o g.gz -j 1 --range 1 -- sh -c \
		'[ -e mended ] || exec sleep 1000; echo made'
	wait_for 20 tried $n
	sleep 0.1
	kill -KILL -- -$pid
	wait $pid
done
touch mended
expect_exit 0 sm run g.gz.job
equal "$(sql g.gz.job "SELECT group_concat(DISTINCT outcome) FROM attempt")" \
	interrupted,done "outcomes"
equal "$(sql g.gz.job 'SELECT count(*) FROM attempt')" 5 "attempts"
