#!/bin/bash
# One job by two mounts, whose locks do not reach each other: an overlay and the
# directory below it, which root can have, and others in a namespace of their
# own.  Then a mark that counts, which anybody can write.
if [ -z "${TWO_MOUNTS:-}" ]; then
	export TWO_MOUNTS=no
	as=(unshare -m)
	[ "$(id -u)" = 0 ] || as=(unshare -Urm)
	if "${as[@]}" true 2>/dev/null; then
		TWO_MOUNTS=yes exec "${as[@]}" bash "$0" "$@"
	fi
fi
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
need "$PYTHON" sqlite3

overlay() {
	mkdir fs && mount -t tmpfs tmpfs fs 2>err || return 1
	mkdir fs/lower fs/upper fs/work one
	mount -t overlay overlay one -o \
		lowerdir=fs/lower,upperdir=fs/upper,workdir=fs/work 2>err ||
		mount -t overlay overlay one -o userxattr \
			-o lowerdir=fs/lower,upperdir=fs/upper,workdir=fs/work \
			2>err
}
leave() {
	local pid
	for pid in "${pids[@]}"; do
		kill -KILL -- "$pid" 2>/dev/null
	done
	umount -l "$dir/one" "$dir/fs" 2>/dev/null
	cleanup
}
trap leave EXIT

waiting=(exec --range 6 -- sh -c
	'echo "$1"; until [ -e "$2" ]; do sleep 0.05; done' - "{first}" "$dir/go")
in_hand() {
	at_least "$1" running 2
}
intact() {
	equal "$(sql "$1" 'PRAGMA integrity_check')" ok "integrity"
	made_once "$1"
}

# two ONE OTHER: it runs by the one, and is asked for by the other
two() {
	local command
	rm -f go
	expect_exit 0 sm plan "$1/job" "${waiting[@]}"
	start first run "$1/job" -j 2
	wait_for 20 in_hand "$1/job"
	for command in status run work "status --batch 1" verify retry finalize \
		"set -j 3" "run --takeover"; do
		# shellcheck disable=SC2086
		expect_exit 7 sm ${command%% *} "$2/job" ${command#"${command%% *}"}
		expect_text err "whose locks do not reach this one" "$dir/$1/job"
	done
	# One that stands still works on it no less.
	kill -STOP "$pid"
	expect_exit 7 sm run "$2/job"
	expect_exit 7 sm status "$2/job"
	kill -CONT "$pid"
	# By its own mount all is well, with a mark as well as without.
	expect_exit 0 sm status "$1/job"
	expect_exit 0 sm set "$1/job" -j 2
	expect_exit 8 sm run "$1/job"
	# A copy is another job, also while the original is at work.
	cp -a "$1/job" "$1/copy"
	expect_exit 0 sm status "$1/copy"
	expect_exit 0 sm retry "$1/copy"
	rm -rf "$1/copy"
	# It is killed: nobody is in doubt, and nothing waits.
	kill -KILL -- "-$pid"
	wait "$pid" 2>/dev/null
	expect_exit 0 sm status "$2/job"
	touch go
	expect_exit 0 sm run "$1/job"
	expect_exit 0 sm verify "$2/job"
	intact "$1/job"
	rm -rf "$1/job"
}

if [ "$TWO_MOUNTS" = yes ] && overlay; then
	two one fs/upper
	two fs/upper one
	mounted=yes
else
	mounted=no
fi

# Another pid namespace, where the pid means somebody else: locks reach.
mkdir home
rm -f go
expect_exit 0 sm plan home/job "${waiting[@]}"
start first run home/job -j 2
wait_for 20 in_hand home/job
if [ "$(id -u)" = 0 ] && unshare -pf --mount-proc true 2>/dev/null; then
	expect_exit 0 unshare -pf --mount-proc "$SHARDMILL" status home/job
	expect_exit 8 unshare -pf --mount-proc "$SHARDMILL" run home/job
fi

# Somebody begins later, and was not kept from it: the run ends at once, leaves
# job.db alone, and the next one makes what was in hand.
cat >mark.py <<'END'
import os, struct, sys, time
# reach.h: magic, id, boot, pid namespace, pid, start, at work, counter
fd = os.open(sys.argv[1], os.O_RDWR)
for n in range(6000):
    os.pwrite(fd, struct.pack("=8sQQQqQQQ", b"SMMARK1\n", 4711, 1, 1, 1, 1, 1,
                              n), 64 + 64 * int(sys.argv[2]))
    time.sleep(0.1)
END
place() { # one that is empty
	"$PYTHON" -c 'import sys
data = open(sys.argv[1], "rb").read()
print(next(i for i in range(511) if not any(data[64 + 64 * i:128 + 64 * i])))' \
		home/job/run.lock
}
free=$(place)
"$PYTHON" mark.py home/job/run.lock "$free" &
other=$!
keep_pid "$other"
ended 7 "$pid" first
expect_text first.err "whose locks do not reach this one"
# shellcheck disable=SC2046
gone $(sql home/job "SELECT pid FROM worker") || fail "workers outlive the run"
equal "$(count_of home/job running)" 2 "batches in hand"
# Whoever may write looks for it; a person who reads is not kept waiting.
expect_exit 7 sm work home/job
expect_exit 0 sm status home/job
kill "$other"
wait "$other" 2>/dev/null
touch go
expect_exit 0 sm run home/job -j 2
expect_exit 0 sm verify home/job
intact home/job
equal "$(tr -d '\0' <home/job/run.lock | wc -c)" 0 "bytes of marks"
[ $mounted = yes ] || skip "two mounts cannot be had here; the rest was tried"
