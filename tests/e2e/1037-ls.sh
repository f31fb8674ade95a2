#!/bin/bash
# ls, and status of a directory, tell of each job below it, once; what is not
# the caller's, or cannot be read, is named and stops nothing.
. "$(dirname "$0")/lib.sh"

mkdir -p jobs/b/c "jobs/with space" jobs/.hidden jobs/1/2/3/4/5/6 elsewhere
expect_exit 0 sm exec -q -o jobs/done.gz --range 30 -- seq 9
# shellcheck disable=SC2016
expect_exit 1 sm exec -q -o jobs/b/some.gz --range 12 --max-attempts 1 -- \
	sh -c '[ {batch} != 3 -a {batch} != 4 ] || exit 9; echo'
expect_exit 0 sm plan jobs/b/c/parts.job exec --range 10 --parts 3 -- echo
expect_exit 0 sm plan "jobs/with space/idle.job" exec --range 1200 -- echo
expect_exit 0 sm plan jobs/.hidden/no.job exec --range 2 -- echo
expect_exit 0 sm plan elsewhere/other.job exec --range 2 -- echo
expect_exit 0 sm plan jobs/1/2/3/4/5/6/deep.job exec --range 2 -- echo
ln -s ../elsewhere jobs/link
ln -s . jobs/circle
mkdir -p jobs/lost.job/shards jobs/nothing/shards
echo '{' >jobs/lost.job/spec.json
echo text >jobs/job.db # no job without the folders
# shellcheck disable=SC2016
start run exec -q -o jobs/run.gz --range 2 -j 2 -- \
	sh -c 'until [ -e jobs/go ]; do sleep 0.1; done'
wait_for 20 at_least jobs/run.gz.job running 2

expect_exit 0 sm ls jobs -q
cat >want <<'END'
STATE               DONE  FAILED        LEFT  JOB
idle                0/10       0           -  jobs/b/c/parts.job
failed             10/12       2           -  jobs/b/some.gz.job
complete           30/30       0           -  jobs/done.gz.job
running              0/2       0           -  jobs/run.gz.job
idle             0/1,200       0           -  jobs/with space/idle.job
END
# In the order of names.  Sizes depend on the file system.
grep -v lost.job out | sed -E 's/^(.{44})(.{8})/\1/' >got
diff want got >&2 || fail "the list"
grep -qE '^unread .* jobs/lost\.job: .*job\.db' out ||
	fail "a job that lost its table"
(cd jobs && "$SHARDMILL" ls -q) >here || fail "ls of here"
sed 's/  jobs\//  /' got >want
grep -v lost.job here | sed -E 's/^(.{44})(.{8})/\1/' | diff want - >&2 ||
	fail "the names from here"
expect_exit 0 sm ls jobs
expect_text err '--depth'
expect_exit 0 sm ls jobs --depth 7
expect_text out 1/2/3/4/5/6/deep.job
expect_exit 0 sm ls jobs -q --depth 1
[ "$(wc -l <out)" = 4 ] || fail "one level has three jobs"

# status of a directory that is no job; of a job it is what it was.
expect_exit 0 sm status jobs/b
expect_text out "STATE" "jobs/b/some.gz.job"
expect_exit 0 sm status jobs/done.gz.job
expect_text out "fingerprint"
expect_exit 3 sm status jobs/nothing
expect_text err "there is no job in"
expect_exit 3 sm status jobs/lost.job
expect_exit 3 sm ls none
expect_exit 3 sm ls want
expect_exit 2 sm ls jobs jobs
expect_exit 2 sm ls --depth 99
expect_exit 0 sm ls jobs/nothing --json
equal "$(cat out)" "[]" "no job, as JSON"
expect_exit 0 sm ls jobs/done.gz.job -q
[ "$(wc -l <out)" = 2 ] || fail "a job itself is a list of one"

# As JSON, by its description.
expect_exit 0 sm ls jobs --json
mv out list.json
"$PYTHON" "$tests/status_forms.py" "$tests/../schema/ls.schema.json" \
	list.json || fail "the form of ls --json"
expect_exit 0 sm status jobs --json
"$PYTHON" - list.json out <<'END' || fail "the figures of ls --json"
import json, sys
a, b = (json.load(open(name)) for name in sys.argv[1:])
assert [x["path"] for x in a] == [x["path"] for x in b]
by = {x["path"]: x for x in a}
assert by["jobs/run.gz.job"]["state"] == "running"
assert by["jobs/run.gz.job"]["workers"] == 2
assert by["jobs/b/some.gz.job"]["failed"] == 2
assert by["jobs/b/c/parts.job"]["parts"] == 3
assert by["jobs/lost.job"]["error"] and by["jobs/lost.job"]["state"] == "unread"
assert by["jobs/done.gz.job"]["disk_bytes"] > 4096
END
expect_exit 0 sm pause jobs/run.gz.job
expect_exit 0 sm ls jobs -q
grep -qE '^paused .*run.gz.job' out || fail "a pause is not told"
expect_exit 0 sm set jobs/run.gz.job --paused no -j 0
expect_exit 0 sm ls jobs -q
grep -qE '^paused .*run.gz.job' out || fail "0 workers are not told"
expect_exit 0 sm set jobs/run.gz.job -j 2
touch jobs/go
ended 0 "$pid" run

# More names than are held at once, in order, each once.
mkdir many
(cd many && seq -f '%04.0f' 1 700 | xargs mkdir) || fail "directories"
for n in 0001 0255 0256 0257 0512 0513 0700; do
	cp -r "jobs/with space/idle.job" "many/$n/x.job"
done
expect_exit 0 sm ls many -q
equal "$(sed 1d out | grep -oE 'many.*' | xargs)" \
	"$(printf 'many/%s/x.job ' 0001 0255 0256 0257 0512 0513 0700 | xargs)" \
	"the jobs of 700 directories"

# Somebody else's is named, and read if that is asked for.
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chown 65533 many/0256/x.job
	expect_exit 0 sm ls many/0256
	expect_text out unread 'belongs to user 65533' --trust
	expect_exit 0 sm ls many/0256 --trust
	grep -q '^idle' out || fail "--trust"
	chmod 700 many/0255
	chmod 755 "$dir"
	expect_exit 0 setpriv --reuid 65534 --regid 65534 --clear-groups \
		"$SHARDMILL" ls many -q
	grep -qE '^unlisted .* many/0255: cannot list' out ||
		fail "a directory that cannot be listed"
	grep -qE '^unread .* many/0700/x.job: ' out || fail "the jobs of others"
fi
exit 0
