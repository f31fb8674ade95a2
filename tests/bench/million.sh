#!/bin/bash
# A million batches of one row: planning, status with 900,000 done, the first
# claim after a resume, and a claim while 40,000 batches wait.
. "$(dirname "$0")/../e2e/lib.sh"

expect_exit 0 sm sample in --rows 1000000 --width 1 --vocab 1000
args=(--cands in/cands.npy --scores in/scores.npy --keys in/keys.json
	--vocab in/vocab.json --batch-rows 1 --min-candidates 1 --sync end)

# within MS NAME CMD...
within() {
	local most=$1 name=$2 start=$EPOCHREALTIME ms
	shift 2
	"$@" >out 2>err || fail "$name: $(cat err)"
	ms=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
	printf '%-44s %6d ms (at most %d)\n' "$name" $ms "$most"
	[ $ms -le "$most" ] || slow=1
}
slow=0

within 5000 "plan 1,000,000 batches" sm plan job candidates "${args[@]}"
sql job "UPDATE batch SET state = 'done', token = id, worker = 1, rows = 1,
	records = 0, skipped = 0, raw_bytes = 0, gz_bytes = 1, raw_crc32 = 0,
	gz_crc32 = 0, finished = 1 WHERE id < 900000;
	PRAGMA wal_checkpoint(TRUNCATE)" >/dev/null
within 500 "status with 900,000 done" sm status job
within 500 "status --json" sm status job --json
sql job "UPDATE batch SET not_before = unixepoch() + 1000 WHERE id >= 960000"
"$PYTHON" - job/shards <<'PY'
import os, sys
# Links, a new file now and then: file systems bound the links of one.
for n in range(900000):
    name = f"{sys.argv[1]}/{n:06d}.gz"
    if n % 30000:
        os.link(first, name)
    else:
        first = name
        with open(name, "wb") as f:
            f.write(b"x")
PY
start run run job -j 2
begin=$EPOCHREALTIME
until at_least job running 1; do
	:
done
ms=$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
printf '%-44s %6d ms (at most 1000)\n' "first claim after a resume" $ms
[ $ms -le 1000 ] || slow=1
before=$(count_of job pending) begin=$EPOCHREALTIME
sleep 5
after=$(count_of job pending)
ms=$(((${EPOCHREALTIME/./} - ${begin/./}) / 1000))
echo "batches a second with 40,000 waiting: $(((before - after) * 1000 / ms))"
kill -TERM $pid
wait $pid
[ $slow = 0 ]
