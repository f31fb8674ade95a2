#!/bin/bash
# Options that differ from the planned ones are refused, and the two ways out.
. "$(dirname "$0")/lib.sh"

mkdir in
"$PYTHON" "$tests/nasty.py" --plain 300 60 1 in
mapfile -t args <in/args
args+=(--batch-rows 50 --sync end)
expect_exit 0 sm candidates -o f.gz "${args[@]}"
cp f.gz first.gz

expect_exit 7 sm candidates -o f.gz "${args[@]}" --min-score 0.5
expect_text err --min-score 0.3 0.5 --accept-changed --restart
for option in --level=9 --pad=0 --min-candidates=1 --max-candidates=55 \
	--score-digits=double --ids=string --no-stop --key-field=k; do
	expect_exit 7 sm candidates -o f.gz "${args[@]}" $option
	name=${option%=*}
	expect_text err "$name"
done
expect_exit 7 sm candidates -o f.gz "${args[@]:0:4}" --batch-rows 60
expect_text err --batch-rows 50 60

# Throughput options change freely.
expect_exit 0 sm candidates -o f.gz "${args[@]:0:6}" -j 3 --lease 30 \
	--max-attempts 5 --sync shard
same first.gz f.gz

# An input touched is the same; changed, it is not.
touch in/keys.json
expect_exit 0 sm candidates -o f.gz "${args[@]}"
cp in/keys.json keys.bak
sed -i 's/user-7"/user-8"/' in/keys.json
expect_exit 7 sm candidates -o f.gz "${args[@]}"
expect_text err keys
expect_exit 7 sm run f.gz.job
cp keys.bak in/keys.json
expect_exit 0 sm candidates -o f.gz "${args[@]}"
truncate -s -1 in/cands.npy
expect_exit 7 sm candidates -o f.gz "${args[@]}"
printf '\0' >>in/cands.npy
same first.gz f.gz

# --restart: asks on a terminal, needs --yes elsewhere.
code=0
sm candidates -o f.gz "${args[@]}" --min-score 0.5 --restart >out 2>err \
	</dev/null || code=$?
[[ $code = [27] ]] || fail "--restart without --yes: exit $code"
expect_text err --yes
same first.gz f.gz
equal "$(count_of f.gz.job done)" 6
expect_exit 0 sm candidates -o f.gz "${args[@]}" --min-score 0.5 \
	--restart --yes
"$PYTHON" "$tests/oracle.py" -j 1 -o want.gz "${args[@]:0:4}" --min-score 0.5
gzip -dc want.gz >want
same_text want f.gz

# --accept-changed keeps what is done and goes on with the new options.
rm -rf f.gz f.gz.job
expect_exit 0 sm plan f.gz.job candidates -o f.gz "${args[@]}"
sql f.gz.job "UPDATE batch SET priority = 5 WHERE id IN (1, 4)"
expect_exit 0 sm candidates -o f.gz "${args[@]}"
sql f.gz.job "UPDATE batch SET state = 'pending' WHERE id IN (0, 2, 3, 5)"
inodes f.gz.job before
expect_exit 0 sm candidates -o f.gz "${args[@]}" --min-score 0.4 \
	--min-candidates 2 --accept-changed
kept_inodes f.gz.job before
expect_exit 0 sm verify f.gz.job
expect_exit 0 sm verify f.gz
"$PYTHON" "$tests/oracle.py" -j 1 -o new.gz "${args[@]:0:4}" \
	--min-score 0.4 --min-candidates 2
for n in 0 1 2 3 4 5; do
	case $n in
	1 | 4) file=first.gz ;;
	*) file=new.gz ;;
	esac
	gzip -dc $file | awk -v n=$n -F '"user-' \
		'{ split($2, k, "\""); if (int(k[1] / 50) == n) print }'
done >want
same_text want f.gz
equal "$(sql f.gz.job 'SELECT count(DISTINCT fingerprint) FROM attempt')" 2 \
	"number of fingerprints"
# From here on the new options are the planned ones.
expect_exit 0 sm candidates -o f.gz "${args[@]}" --min-score 0.4 \
	--min-candidates 2
expect_exit 7 sm candidates -o f.gz "${args[@]}"

# Without the database nothing says which shards were kept: they are made again
# with the options of now, and that is told.
cp -r f.gz.job kept.job
rm -f f.gz.job/job.db f.gz.job/job.db-*
expect_exit 0 sm recover f.gz.job
expect_text out "4 of 6 batches were whole" "2 of the others" --accept-changed
rm -rf f.gz.job
mv kept.job f.gz.job

# Killed behind the commit: spec.json and the tables follow at the next start.
sql f.gz.job 'SELECT spec FROM job' >spec.now
for next in "run f.gz.job" "candidates -o f.gz ${args[*]} --min-score 0.4
	--min-candidates 2"; do
	echo '{"an older": "one"}' >f.gz.job/spec.json
	mkdir f.gz.job/tables/0123456789abcdef
	# shellcheck disable=SC2086
	expect_exit 0 sm $next
	[ "$(cat f.gz.job/spec.json)" = "$(cat spec.now)" ] ||
		fail "spec.json is not the job row's"
	equal "$(ls f.gz.job/tables)" \
		"$(sql f.gz.job 'SELECT fingerprint FROM job')" "tables"
done

# Items from standard input, for a job that was planned from something else.
expect_exit 0 sm plan r.gz.job exec -o r.gz --range 3 -- echo old "{first}"
expect_exit 7 sm exec -o r.gz --items - -- echo new {}
expect_text err "there was no input 'items'" "--range was 3" --restart
expect_exit 7 sm exec -o r.gz --items - --accept-changed -- echo new {}
expect_text err "so what is done cannot be kept" --restart
expect_exit 7 sm plan r.gz.job exec --items - -- echo new {}
expect_exit 0 sm run r.gz.job
equal "$(sm cat r.gz | tr '\n' ' ')" "old 0 old 1 old 2 " "text"
# What is done and stays as it was made is said.
expect_exit 0 sm exec -o r.gz --range 3 --accept-changed -- echo "{first}"
expect_text err "3 of 3 batches are done and stay as they were made"
