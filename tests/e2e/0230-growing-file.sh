#!/bin/bash
# A person's F.part is as safe as F; what the job itself left there is taken.
# Of -o it is told when it is a link, or does not end in .gz.
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2016
job=(--range 40 --size 1 -j 2 -q -- sh -c 'seq $SHARDMILL_FIRST 999')
seq 0 39 | while read -r n; do seq "$n" 999; done >want
# mine NAME: a person's file
mine() {
	case $1 in
	text) echo mine ;;
	zeros) head -c 100000 /dev/zero ;; # a download that has begun
	gzip) seq 1000 | gzip -n ;;
	go) # with the very header of our own files
		"$PYTHON" -c 'import sys, zlib
c = zlib.compressobj(6, zlib.DEFLATED, -15)
sys.stdout.buffer.write(bytes.fromhex("1f8b08000000000000ff") +
	c.compress(b"mine" * 9999) + c.flush() + bytes(8))' ;;
	esac
}

for kind in text zeros gzip go; do
	mine $kind >mine.$kind
	cp mine.$kind f.gz.part
	# When planning, before anything is made.
	expect_exit 7 sm exec -o f.gz "${job[@]}"
	expect_text err "f.gz.part'" --force
	same mine.$kind f.gz.part
	[ ! -e f.gz.job ] || fail "a job was left behind"
	expect_exit 7 sm plan f.gz.job exec --parts 2 -o f.gz "${job[@]}"
	same mine.$kind f.gz.part
	[ ! -e f.gz.job ] || fail "a job in parts was left behind"
	# When it comes later: before the work is done.
	rm f.gz.part
	expect_exit 0 sm plan f.gz.job exec -o f.gz "${job[@]}"
	cp mine.$kind f.gz.part
	expect_exit 7 sm run f.gz -q
	equal "$(count_of f.gz.job done)" 0 "done batches"
	same mine.$kind f.gz.part
	rm -rf f.gz*
done

expect_exit 0 sm plan f.gz.job exec -o f.gz "${job[@]}"
cp mine.go f.gz.part
expect_exit 7 sm exec -o f.gz "${job[@]}"
expect_exit 7 sm exec -o f.gz --restart --yes "${job[@]}"
equal "$(count_of f.gz.job pending)" 40 "batches of the job that stays"
same mine.go f.gz.part
# Another final file leaves it, and is joined as ever.
expect_exit 0 sm run f.gz -q -o g.gz
same_text want g.gz
same mine.go f.gz.part
expect_exit 0 sm finalize f.gz -q -o f.gz
same_text want f.gz
same mine.go f.gz.part
rm -rf f.gz* g.gz*
cp mine.go f.gz.part
expect_exit 0 sm exec -o f.gz --force "${job[@]}"
same_text want f.gz
[ ! -e f.gz.part ] || fail "the growing file is left"
# Of a job that has its final file, restarted or consumed.
cp mine.go f.gz.part
expect_exit 7 sm exec -o f.gz --restart --yes "${job[@]}"
same mine.go f.gz.part
rm -rf f.gz*
expect_exit 0 sm exec -o f.gz --consume "${job[@]}"
cp mine.go f.gz.part.2
expect_exit 0 sm finalize f.gz
expect_exit 0 sm run f.gz -q
same mine.go f.gz.part.2
rm -rf f.gz*

# A link, a directory, a pipe of that name.
echo mine >target
ln -s target f.gz.part
expect_exit 7 sm exec -o f.gz "${job[@]}"
equal "$(cat target)" mine
rm f.gz.part
mkdir f.gz.part
expect_exit 7 sm exec -o f.gz "${job[@]}"
rmdir f.gz.part
mkfifo f.gz.part
expect_exit 7 sm exec -o f.gz "${job[@]}"
rm -rf f.gz*

# Beside the job's own file: no name that a person has.
expect_exit 0 sm exec -o f.gz "${job[@]}"
echo mine >part.gz.tmp
expect_exit 0 sm finalize f.gz -o part.gz --batches 0-3
equal "$(cat part.gz.tmp)" mine
equal "$(echo part.gz*)" "part.gz part.gz.tmp" "files"
rm -rf f.gz*

# The job's own, torn anywhere, is taken, also when the first batch is not
# whole in it, or nothing but zeros of it reached the disk.
expect_exit 0 sm exec -o ref.gz "${job[@]}"
for bytes in 5 500 20000; do
	rm -rf f.gz*
	expect_exit 0 sm plan f.gz.job exec -o f.gz "${job[@]}"
	start run run f.gz -q
	wait_for 20 test -s f.gz.job/growing
	kill -KILL -- -$pid
	wait $pid
	[ -e f.gz.part ] || mv f.gz f.gz.part # it was quicker
	for how in cut zero; do
		truncate -s $bytes f.gz.part
		[ $how = cut ] || { truncate -s 0 f.gz.part; truncate -s \
			$bytes f.gz.part; }
		expect_exit 0 sm run f.gz -q
		same ref.gz f.gz
		[ $how = zero ] || mv f.gz f.gz.part
	done
done
# A job whose database is damaged begins again, and its file with it.
rm -rf f.gz*
expect_exit 0 sm plan f.gz.job exec -o f.gz "${job[@]}"
start run run f.gz -q
wait_for 20 test -s f.gz.job/growing
kill -KILL -- -$pid
wait $pid
[ -e f.gz.part ] || mv f.gz f.gz.part # it was quicker
truncate -s 50 f.gz.part
rm -f f.gz.job/job.db-*
echo damaged >f.gz.job/job.db
expect_exit 0 sm exec -o f.gz --restart --yes "${job[@]}"
same ref.gz f.gz
[ ! -e f.gz.part ] || fail "the growing file is left"

# Moved to another file system or copied, its inode is another one.
rm -rf f.gz*
expect_exit 0 sm exec -o f.gz "${job[@]}"
cp f.gz f.gz.part
rm f.gz
expect_exit 0 sm run f.gz -q
same ref.gz f.gz

# And a crash forgot the name of its first shard, which nothing else tells of.
rm -rf f.gz* g
expect_exit 0 sm plan f.gz.job exec -o f.gz "${job[@]}"
start run run f.gz -q
wait_for 20 sh -c '[ "$(stat -c %s f.gz.part || echo 0)" -gt 1000 ]'
kill -KILL -- -$pid
wait $pid
[ -e f.gz.part ] || mv f.gz f.gz.part # it was quicker
mkdir copy
cp -r f.gz.job f.gz.part copy/
(
	cd copy || exit 1
	token=$(sql f.gz.job "SELECT token FROM batch WHERE id = 0")
	first=$(ls f.gz.job/shards/0*.gz | head -n 1)
	mv "$first" "${first%.gz}.$token.tmp"
	expect_exit 0 sm run f.gz -q
	same ../ref.gz f.gz
) || exit 1

# A link is followed, and told; so is a name without .gz.
rm -rf f.gz*
mkdir elsewhere
touch elsewhere/f.gz
ln -s elsewhere/f.gz link.gz
expect_exit 0 sm exec -o link.gz --force "${job[@]}"
expect_text err "'link.gz' is a symbolic link" "elsewhere/f.gz'"
[ -L link.gz ] || fail "the link is gone"
same ref.gz elsewhere/f.gz
ln -s nowhere dangling.gz
expect_exit 0 sm exec -o dangling.gz "${job[@]}"
expect_text err "leads nowhere"
same ref.gz dangling.gz
expect_exit 0 sm exec -o plain.jsonl "${job[@]}"
expect_text err "plain.jsonl'" "does not end in .gz"
expect_exit 0 sm exec -o plain.gz "${job[@]}"
equal "$(cat err)" "" "what is said of an ordinary name"
