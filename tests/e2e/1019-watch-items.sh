#!/bin/bash
# --watch-items: items are files, and what is in them is compared.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

job() {
	sm exec -o i.gz -j 2 --items list --watch-items "$@" -- cat "{}"
}
mkdir sub
for n in 0 1 2 3; do
	echo "content $n" >sub/$n
done
printf '%s\n' sub/0 "$PWD/sub/1" sub/2 >list
expect_exit 0 job
fingerprint=$(sql i.gz.job "SELECT fingerprint FROM job")

# Touched, it is the same; changed, it is named, at every start.
touch -d yesterday sub/2
expect_exit 0 job
expect_exit 0 sm run i.gz.job
echo "another 2" >sub/2
touch -d yesterday sub/2
expect_exit 7 job
expect_text err "the file of item 2, 'sub/2', changed" --accept-changed
expect_exit 7 sm run i.gz.job
expect_text err "the file of item 2, 'sub/2', changed" --accept-changed \
	"batch 2 back"
rm sub/0
expect_exit 3 sm run i.gz.job
expect_text err sub/0
expect_exit 3 job
echo "content 0" >sub/0

# Accepted: what is done stays, until it is put back.
expect_exit 0 job --accept-changed
expect_exit 0 sm retry i.gz.job --batch 2
expect_exit 0 job
same_text <(cat sub/0 sub/1 sub/2) i.gz
equal "$(sql i.gz.job "SELECT count(DISTINCT fingerprint) FROM attempt")" 2 \
	"fingerprints of attempts"

# More of them.
echo sub/3 >>list
expect_exit 7 job
expect_text err "1 item is new at the end" --extend
expect_exit 0 job --extend
same_text <(cat sub/0 sub/1 sub/2 sub/3) i.gz
echo "another 0" >sub/0
expect_exit 7 job --extend
expect_text err "the file of item 0, 'sub/0', changed"
echo "content 0" >sub/0

# It is part of what equal jobs are known by, and recover has it.
rm i.gz.job/job.db*
expect_exit 0 sm recover i.gz.job
expect_text out "2 of 4 batches were whole"
expect_exit 0 job
same_text <(cat sub/0 sub/1 sub/2 sub/3) i.gz
rm -r i.gz.job i.gz
expect_exit 0 job
[ "$(sql i.gz.job "SELECT fingerprint FROM job")" != "$fingerprint" ] ||
	fail "the same fingerprint for other files"
rm -r i.gz.job
expect_exit 0 job
expect_text out "complete"
[ ! -e i.gz.job ] || fail "a job again"
echo "another 0" >sub/0
expect_exit 7 job

# Not looked at any more, it is no change; what is no file is named.
echo "content 0" >sub/0
rm i.gz
expect_exit 0 job
echo "another 0" >sub/0
expect_exit 0 sm exec -o i.gz --items list -- cat "{}"
rm i.gz.job/job.db*
expect_exit 0 sm recover i.gz.job
expect_text out "4 of 4 batches were whole"
expect_exit 7 job
echo none >>list
expect_exit 3 sm plan n exec --items list --watch-items -- cat "{}"
expect_text err none
expect_exit 2 sm plan n exec --range 3 --watch-items -- echo
