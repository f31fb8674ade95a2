#!/bin/bash
# The final file on another file system than the job, which is full, read-only,
# or where its name is a directory's: what stood there stays as it was, what is
# done stays done, and with more space the same command replaces it.
. "$(dirname "$0")/lib.sh"
need unshare mount
unshare -Urm true 2>/dev/null || skip "unshare -Urm is not permitted here"

data mid 6000 300
opts=(--batch-rows 300)

# full NAME: the target there stays, then is replaced once there is space
full() {
	local old=$1
	shift
	expect_exit 4 "$@"
	[ "$(grep -ciE 'space|full' err)" = 1 ] ||
		fail "not one message of the disk: $(cat err)"
	expect_text err "$PWD/mnt/"
	same old "$old"
	equal "$(count_of job failed)" 0 "failed batches"
	mount -o remount,size=100m "$PWD/mnt" || fail "remount"
	expect_exit 0 "$@"
	same "$set/by300.gz" "$old"
	equal "$(find mnt -type f -name '*.part*')" "" "left behind"
	made_once job
}

# stays CODE CMD...: it ends so, and what stood there stays, alone
stays() {
	expect_exit "$@"
	same old mnt/f.gz
	equal "$(find mnt -mindepth 1 | sort | tr '\n' ' ')" "$there" "files"
}

inside() {
	mkdir mnt
	mount -t tmpfs -o size=32k none mnt || skip "no tmpfs here"
	echo precious >old
	cp old mnt/f.gz
	# shellcheck disable=SC2064 # the directory of now
	trap "cd /; umount -l $PWD/mnt; cleanup" EXIT
	case $1 in
	path)
		expect_exit 0 sm plan job candidates -o mnt/f.gz --force \
			"${opts[@]}" "${args[@]}"
		full mnt/f.gz sm run job -j 2
		;;
	symlink)
		ln -s mnt/f.gz link.gz
		expect_exit 0 sm plan job candidates -o link.gz --force \
			"${opts[@]}" "${args[@]}"
		full mnt/f.gz sm run job -j 2
		[ -L link.gz ] || fail "the link is gone"
		;;
	finalize)
		expect_exit 0 sm plan job candidates "${opts[@]}" "${args[@]}"
		expect_exit 0 sm run job -j 2
		full mnt/f.gz sm finalize job -o mnt/f.gz --force
		;;
	consume) # no shard goes that the file does not have
		expect_exit 0 sm plan job candidates -o mnt/f.gz --force \
			--consume "${opts[@]}" "${args[@]}"
		full mnt/f.gz sm run job -j 2
		;;
	read-only)
		there="mnt/f.gz "
		expect_exit 0 sm plan job candidates -o mnt/f.gz --force \
			"${opts[@]}" "${args[@]}"
		mount -o remount,ro "$PWD/mnt" || fail "remount"
		stays 4 sm run job -j 2
		expect_text err "$PWD/mnt/f.gz" "Read-only"
		mount -o remount,rw,size=100m "$PWD/mnt" || fail "remount"
		expect_exit 0 sm run job
		same "$set/by300.gz" mnt/f.gz
		made_once job
		;;
	directory) # it came after planning
		expect_exit 0 sm plan job candidates -o mnt/g.gz --force \
			"${opts[@]}" "${args[@]}"
		expect_exit 0 sm work job
		mkdir mnt/g.gz
		cp old mnt/g.gz/inside
		there="mnt/f.gz mnt/g.gz mnt/g.gz/inside "
		stays 7 sm run job -j 2
		expect_text err "$PWD/mnt/g.gz' is a directory"
		stays 7 sm finalize job --force
		stays 7 sm finalize job -o mnt/g.gz --force
		same old mnt/g.gz/inside
		;;
	esac
}

if [ "${1:-}" = inside ]; then
	inside "$2"
	exit 0
fi
reference by300 "${opts[@]}"
for what in path symlink finalize consume read-only directory; do
	DATA=$shared unshare -Urm bash "$tests/e2e/2205-final-elsewhere.sh" \
		inside $what >log 2>&1 || {
		[ $? != 77 ] || skip "$(sed -n 's/^SKIP: //p' log)"
		fail "$what: $(cat log)"
	}
done
