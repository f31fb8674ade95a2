#!/bin/bash
# --timeout, --max-shard-bytes, --check and --keep-logs decide about no byte: free
# to change at any start, of `run` too, and `recover` keeps what was done before.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

job() {
	expect_exit "$1" sm exec -o a.gz --range 6 -j 2 --max-attempts 1 "${@:2}" \
		-- sh -c 'test {first} -lt 4 || sleep 1; echo {first}'
}
limit() {
	sql a.gz.job "SELECT spec ->> 'options.$1' FROM job" ||
		sql a.gz.job "SELECT json_extract(spec, '\$.options.$1') FROM job"
}

job 1 --timeout 0.3
equal "$(count_of a.gz.job done)" 4 "batches within the limit"
equal "$(count_of a.gz.job failed)" 2 "batches over it"
fingerprint=$(sql a.gz.job "SELECT fingerprint FROM job")
inodes a.gz.job before

# By run, which keeps what is not given.
expect_exit 0 sm run a.gz.job --retry-failed --timeout 30 --check jsonl
equal "$(limit timeout)" 30.0 "timeout"
equal "$(limit check)" jsonl "check"
kept_inodes a.gz.job before
expect_exit 0 sm run a.gz.job --keep-logs
equal "$(limit timeout)" 30.0 "timeout"
equal "$(limit keep_logs)" 1 "keep-logs"
[ "$(sql a.gz.job 'SELECT spec FROM job')" = "$(cat a.gz.job/spec.json)" ] ||
	fail "spec.json is not the job row's"

# By the job's own command, which has the defaults for what is not given.
job 0 --max-shard-bytes 1M
equal "$(limit timeout)" "" "timeout"
equal "$(limit max_shard_bytes)" 1048576 "max-shard-bytes"
equal "$(sql a.gz.job 'SELECT fingerprint FROM job')" "$fingerprint" \
	"fingerprint"
made_once a.gz.job

# The limit that is recorded is the one that holds.
expect_exit 0 sm retry a.gz.job --batch 5
expect_exit 1 sm run a.gz.job --timeout 0.3
expect_exit 0 sm run a.gz.job --timeout 30 --retry-failed

# Nothing that was done is made again.
rm a.gz.job/job.db*
expect_exit 0 sm recover a.gz.job
expect_text out "6 of 6 batches were whole"
job 0 --timeout 5
expect_exit 0 sm verify a.gz
same_text <(seq 0 5) a.gz

# Content is no limit, a kind without limits has none, and values are checked.
expect_exit 2 sm run a.gz.job --level 3
expect_exit 2 sm run a.gz.job --timeout soon
expect_exit 2 sm run a.gz.job --check xml
mkdir in
"$PYTHON" "$tests/nasty.py" --plain 20 20 1 in
mapfile -t args <in/args
expect_exit 0 sm plan c.job candidates "${args[@]}"
expect_exit 2 sm run c.job --timeout 3
expect_text err "--timeout" candidates

# A job in parts: all of them.
expect_exit 0 sm plan p exec -o p.gz --range 4 --parts 2 -- \
	sh -c 'sleep 0.4; echo {first}'
expect_exit 1 sm run p --timeout 0.1 --max-attempts 1
expect_exit 0 sm run p --timeout 30 --retry-failed
same_text <(seq 0 3) p.gz
