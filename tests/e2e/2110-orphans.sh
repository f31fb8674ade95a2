#!/bin/bash
# What a command leaves running ends in its own time, and is then reaped.
. "$(dirname "$0")/lib.sh"

cat >leave.sh <<'SH'
#!/bin/bash
# An orphan that ends soon, in a session of its own, holding no pipe of ours.
setsid sleep 0.05 >/dev/null 2>&1 </dev/null &
echo "$1"
sleep 0.02
SH
chmod +x leave.sh
expect_exit 0 sm plan f.job exec -o f.gz --range 100 --size 1 -- ./leave.sh '{first}'
start run run f.job -j 2
zombies() {
	ps --ppid "$pid" -o stat= | grep -c '^Z'
}
most=0
for _ in 1 2 3 4 5 6 7 8; do
	sleep 0.2
	n=$(zombies)
	[ "$n" -le "$most" ] || most=$n
done
ended 0 "$pid" run
[ "$most" -le 20 ] || fail "$most zombies at once"
seq 0 99 >want
same_text want f.gz
