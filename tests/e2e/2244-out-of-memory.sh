#!/bin/bash
# The kernel's OOM killer itself, in a control group: each command fits alone,
# two do not.
. "$(dirname "$0")/lib.sh"

limit=$((100 << 20))
group=$(sed -n 's/^[0-9]*:memory:/\/sys\/fs\/cgroup\/memory/p' /proc/self/cgroup)
file=memory.limit_in_bytes
if [ -z "$group" ]; then
	group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
	file=memory.max
fi
group=$group/shardmill-test-$$
mkdir "$group" 2>/dev/null || skip "no control group can be made here"
if [ ! -e "$group/$file" ] || ! echo $limit >"$group/$file"; then
	rmdir "$group"
	skip "memory cannot be limited here"
fi
# No swapping, where that can be said.
echo $limit >"$group/memory.memsw.limit_in_bytes" 2>/dev/null
echo 0 >"$group/memory.swap.max" 2>/dev/null
remove_group() {
	local n
	for n in 1 2 3 4 5 6 7 8 9; do
		rmdir "$group" 2>/dev/null && break
		sleep 0.2
	done
	cleanup
}
trap remove_group EXIT

cat >hog.py <<'END2'
import sys, time
asked = bytearray(60 << 20)
for at in range(0, len(asked), 4096):
    asked[at] = 1
time.sleep(0.4)
print(sys.argv[1])
END2
inside() {
	(echo "$BASHPID" >"$group/cgroup.procs" && exec "$SHARDMILL" "$@")
}
expect_exit 0 inside exec -o f.gz -j 3 --range 5 --max-attempts 1 -- \
	"$PYTHON" hog.py '{first}'
seq 0 4 >want
same_text want f.gz
expect_text err "the kernel's OOM killer was here" \
	"the memory limit of this control group is 100 MiB" "does not count"
equal "$(sql f.gz.job "SELECT max(attempts) FROM batch")" 1 "counted tries"
