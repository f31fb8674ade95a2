#!/bin/bash
# before.sh PROGRAM [CASE...] - cases that the build da0d459 got wrong: what
# PROGRAM makes of them, a line each; 1 if one is wrong.  By hand; the regular
# tests have them too, each beside its like.
#
#	arrays    .npy of an x86-64 machine.  da0d459 on s390x: an empty file
#	mounts    a job by an overlay and the directory below it, `run` by both
#	filesize  `ulimit -f`, which no batch may be failed for
#	memory    the window that zlib's inflate() asks for is refused
#
# A program for another processor runs as `tests/run machines` runs it, with
# QEMU_LD_PREFIX set.  SECONDS_EACH (60) limits what hangs.
set -u
program=$(realpath -e "${1:?before.sh PROGRAM [CASE...]}") || exit 2
shift
PYTHON=${PYTHON:-/usr/bin/python3}
tests=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
# shellcheck disable=SC2317 # by the trap
leave() {
	cd /
	umount -l "$dir/one" "$dir/fs" 2>/dev/null
	rm -rf "$dir"
}
trap leave EXIT
cd "$dir" || exit 2
wrong=0

sm() {
	timeout -k 5 "${SECONDS_EACH:-60}" "$program" "$@" </dev/null
}

# says NAME TRUE-OR-FALSE WORDS FILE: the last line of FILE is what it said
says() {
	local verdict=right
	[ "$2" -eq 0 ] || verdict=WRONG wrong=1
	printf '%-8s %s: %s\n' "$1" "$verdict" "$3"
	tail -n 1 "$4" | cut -c 1-200 | sed 's/^/         /'
}

arrays() {
	local code want got
	"$PYTHON" - <<-'END' || exit 2
	import json
	import numpy as np
	rng = np.random.default_rng(1)
	# Ids from 1 on: of 0 the older builds thought otherwise.
	np.save("c.npy", np.array([rng.permutation(60) + 1 for _ in range(400)]
	                          ).astype("<i4"))
	np.save("s.npy", -np.sort(-rng.random((400, 60)), axis=1).astype("<f4"))
	json.dump([f"k{i}" for i in range(400)], open("keys.json", "w"))
	json.dump([f"v{i}" for i in range(61)], open("vocab.json", "w"))
	END
	sm candidates -q -j 2 -o a.gz --cands c.npy --scores s.npy \
		--keys keys.json --vocab vocab.json --min-candidates 10 \
		>arrays.log 2>&1
	code=$?
	"$PYTHON" "$tests/oracle.py" --cands c.npy --scores s.npy \
		--keys keys.json --vocab vocab.json --min-candidates 10 \
		--output want.gz || exit 2
	want=$(zcat want.gz | wc -l) got=$(zcat a.gz 2>/dev/null | wc -l)
	cmp -s <(zcat want.gz) <(zcat a.gz 2>/dev/null)
	says arrays $? "exit $code, $got of $want records" arrays.log
}

# In a mount namespace of its own.
mounts() {
	local one two n whole
	mkdir fs one
	mount -t tmpfs tmpfs fs && mkdir fs/lower fs/upper fs/work &&
		mount -t overlay overlay one -o \
			lowerdir=fs/lower,upperdir=fs/upper,workdir=fs/work || {
		echo "mounts   cannot be tried: no overlay"
		return
	}
	sm plan one/job exec -q -o f.gz --range 400 --size 1 -- \
		sh -c 'sleep 0.02; echo "$1"' - '{first}' >/dev/null || exit 2
	sm run one/job -j 2 >one.log 2>&1 &
	for n in {1..600}; do
		n=$(sqlite3 one/job/job.db "SELECT count(*) FROM batch
			WHERE state = 'done'" 2>/dev/null)
		[ "${n:-0}" -lt 4 ] || break
		sleep 0.05
	done
	sm run fs/upper/job -j 2 >two.log 2>&1
	two=$?
	wait $!
	one=$?
	whole=$(sqlite3 fs/upper/job/job.db 'PRAGMA integrity_check' 2>&1 |
		tail -n 1)
	[ "$one,$two,$whole" = 0,7,ok ] && cmp -s <(seq 0 399) <(zcat f.gz)
	says mounts $? "exit $one and $two, integrity_check: $whole" two.log
}

filesize() {
	local code failed
	(ulimit -f 2000 && sm exec -q -o l.gz --range 3 --no-follow -- \
		head -c 4000000 /dev/urandom) >size.log 2>&1
	code=$?
	failed=$(sqlite3 l.gz.job/job.db "SELECT count(*) FROM batch
		WHERE state = 'failed'")
	[ "$code,$failed" = 4,0 ]
	says filesize $? "exit $code, $failed of 3 batches failed" size.log
}

memory() {
	local file job rec left
	cat >refuse.c <<-'END'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <stddef.h>
	void *malloc(size_t n)
	{
		static void *(*next)(size_t);
		if (!next)
			*(void **)&next = dlsym(RTLD_NEXT, "malloc");
		return n == 32768 ? NULL : next(n);
	}
	END
	cc -shared -fPIC -o refuse.so refuse.c || exit 2
	sm exec -q -o m.gz --range 3000 --size 1000 -- seq '{first}' '{last}' \
		>/dev/null || exit 2
	LD_PRELOAD=$dir/refuse.so sm verify m.gz >memory.log 2>&1
	file=$?
	sm plan m.job exec -q --range 3000 --size 1000 -o m2.gz -- \
		seq '{first}' '{last}' >/dev/null && sm run -q m.job || exit 2
	LD_PRELOAD=$dir/refuse.so sm verify --requeue m.job >memory.log 2>&1
	job=$?
	left=$(sqlite3 m.job/job.db "SELECT count(*) FROM batch
		WHERE state = 'done'")
	rm m.job/job.db*
	LD_PRELOAD=$dir/refuse.so sm recover m.job >memory.log 2>&1
	rec=$?
	[ "$file,$job,$left,$rec" = 4,4,3,4 ]
	says memory $? "verify $file, verify --requeue $job leaves $left of 3 done, recover $rec" memory.log
}

if [ $# -eq 0 ]; then
	set -- arrays mounts filesize memory
fi
for name; do
	case $name in
	arrays | filesize | memory) "$name" ;;
	mounts)
		if [ -z "${BEFORE_MOUNTS:-}" ]; then
			BEFORE_MOUNTS=1 unshare -m bash "$tests/before.sh" \
				"$program" mounts ||
				wrong=1
		else
			mounts
		fi
		;;
	*) echo "no case '$name'" >&2; exit 2 ;;
	esac
done
exit $wrong
