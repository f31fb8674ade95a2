#!/bin/bash
# A job that several people of a group work on: all of it follows the umask and
# the directory's group, and what a person may not open is named, with its owner.
. "$(dirname "$0")/lib.sh"
need setpriv
[ "$(id -u)" = 0 ] || skip "only root can be several people"

# Numbers without a name: whoever they are, none of them is anybody here.
ann=20001 bob=20002 group=20500
setpriv --reuid $ann --regid $ann --groups $group true 2>/dev/null ||
	skip "setpriv is not permitted here"
cp "$SHARDMILL" sm
chmod 755 . sm
as() {
	local who=$1 mask=$2
	shift 2
	setpriv --reuid "$who" --regid "$who" --groups $group \
		bash -c 'umask '"$mask"'; cd "$0" && exec ../sm "$@"' "$PWD/lab" "$@"
}
# lab [MODE]: the directory of the group
lab() {
	rm -rf lab
	mkdir lab
	chgrp $group lab
	chmod "${1:-2775}" lab
}
# All but batch 2 can be made, until the file `ok` is there.
# shellcheck disable=SC2016
job=(exec -q -o f.gz --range 4 --size 1 -j 1 --max-attempts 1 --keep-logs --
	sh -c 'echo log >&2; [ $SHARDMILL_BATCH != 2 ] || [ -e ok ] || exit 1; echo x')
seq 4 | sed s/.*/x/ >want

# The mode of everything is what the umask leaves of 666 or 777.
for mask in 002 027 077; do
	lab
	expect_exit 1 as $ann $mask "${job[@]}"
	while read -r mode owner name; do
		all=666
		[ ! -d "lab/$name" ] || all=2777
		want_mode=$(printf '%o' $((8#$all & ~8#$mask)))
		equal "$mode" "$want_mode" "mode of $name under umask $mask"
		equal "$owner" $group "group of $name"
	done < <(cd lab && find f.gz* -printf '%m %G %p\n')
	for name in job.db shards tables spec.json workers run.lock write.lock \
		final.lock logs/000002.1.log shards/000000.gz; do
		[ -e "lab/f.gz.job/$name" ] || fail "$name is missing"
	done
done
# The database's log and shared memory too, while it is open.
lab
# shellcheck disable=SC2016
as $ann 002 exec -q -o g.gz --range 1 -- sh -c \
	'cd g.gz.job && stat -c "%a %g" job.db-wal job.db-shm' || fail "exit $?"
equal "$(gzip -dc lab/g.gz | sort -u)" "664 $group" "mode of the log"

# Another person goes on, and the result is the group's as well.
expect_exit 1 as $ann 002 "${job[@]}"
touch lab/ok
expect_exit 0 as $bob 002 run f.gz --trust --retry-failed
same_text want lab/f.gz
equal "$(stat -c '%a %u %g' lab/f.gz)" "664 $ann $group" "the final file"

# denied NAME COMMAND...: what may not be written is named, with its owner
denied() {
	local name=$1
	shift
	expect_exit 4 as $bob 002 "$@"
	expect_text err "/$name" "belongs to user $ann, group $group, mode" \
		"chmod -R g+rwX" "umask 002"
	! grep -q 'check the disk' err || fail "the disk is not to blame"
	! grep -q newgrp err || fail "bob is of the group"
}
for name in run.lock write.lock workers job.db shards; do
	lab
	expect_exit 1 as $ann 002 "${job[@]}"
	touch lab/ok
	chmod g-w lab/f.gz.job/$name
	denied "$name" run f.gz --trust --retry-failed
	chmod g+w lab/f.gz.job/$name
	expect_exit 0 as $bob 002 run f.gz --trust --retry-failed
	same_text want lab/f.gz
done
# The whole job under umask 022, as it is where nobody thinks of others.
lab
expect_exit 1 as $ann 022 "${job[@]}"
denied write.lock run f.gz --trust
denied write.lock retry f.gz --trust
chmod -R g+w lab/f.gz.job
touch lab/ok
denied f.gz.part run f.gz --trust --retry-failed
# A directory of somebody else's, and one of another group.
lab 755
expect_exit 4 as $bob 002 "${job[@]}"
expect_text err "make the job directory '" "f.gz.job'" \
	"its directory belongs to" "mode 755"
group=20501
lab
group=20500
chmod 2771 lab
expect_exit 4 as $bob 002 "${job[@]}"
expect_text err "you are not in group 20501 ('newgrp 20501')"
