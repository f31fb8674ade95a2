#!/bin/bash
# --to: the command makes a file for each batch, which is done, lost, verified,
# made again and fenced as a shard is.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
seed_random

export PACE=0 # no part of the job
# shellcheck disable=SC2016
make='echo "said of $1"; seq "$1" "$2" >"$3"; sleep "$PACE"'
job=(--to res --suffix .txt --range 40 --size 2 -j 2 -q -- sh -c "$make" sh
	'{first}' '{last}' '{out}')
# whole: twenty files, as they should be, and nothing else in their directory
whole() {
	local n
	for n in $(seq 0 19); do
		seq $((2 * n)) $((2 * n + 1)) |
			cmp -s - "$(printf '%s/%06d.txt' "${1:-res}" "$n")" ||
			fail "the file of batch $n"
	done
	equal "$(find "${1:-res}" -mindepth 1 | wc -l)" 21 "files and the mark"
}

expect_exit 0 sm exec "${job[@]}"
whole
equal "$(sql res.job "SELECT group_concat(file_bytes) FROM batch WHERE id < 6")" \
	4,4,4,4,4,6 "bytes"
equal "$(sql res.job "SELECT trim(stderr, char(10)) FROM attempt WHERE batch = 3")" \
	"said of 6" "what it printed"
expect_exit 0 sm verify res.job
expect_exit 0 sm status res.job
expect_text out "the files are in '$PWD/res'"
equal "$("$SHARDMILL" status --json res.job | jq -r .files_dir)" "$PWD/res"

# Lost, cut, changed: found, and made again, alone.
inode() { stat -c %i res/000000.txt; }
kept=$(inode)
rm res/000004.txt
truncate -s 1 res/000005.txt
expect_exit 0 sm exec "${job[@]}"
whole
equal "$(sql res.job "SELECT count(*) FROM attempt WHERE outcome = 'done'")" 22
tr 0-9 5-90-4 <res/000007.txt >other
cp other res/000007.txt # as large
expect_exit 0 sm exec "${job[@]}"
expect_exit 9 sm verify res.job --requeue
expect_text out "batch 7: file crc: the file '$PWD/res/000007.txt'"
expect_exit 0 sm run res.job -q
whole
equal "$(inode)" "$kept" "the inode of an untouched file"
# An empty mount point is no loss of everything.
mv res away
mkdir res
for command in "exec ${job[*]:0:1}" "run res.job" "work res.job" \
	"verify res.job --requeue"; do
	if [ "${command%% *}" = exec ]; then
		expect_exit 7 sm exec "${job[@]}"
	else
		# shellcheck disable=SC2086
		expect_exit 7 sm $command
	fi
	expect_text err "lacks its mark" "mount it"
done
rmdir res
expect_exit 7 sm run res.job
expect_text err "is missing"
# One that cannot be opened: nothing is said of what is in it.
ln -s res res
expect_exit 0 sm status res.job
for command in run verify; do
	"$SHARDMILL" $command res.job >out 2>err && fail "$command of a loop"
	expect_text err "'$PWD/res'" "symbolic links"
	! grep -q missing err || fail "a file is called missing"
done
rm res
mv away res
expect_exit 0 sm run res.job -q

# Whose is the directory?
expect_exit 7 sm exec --job two "${job[@]}"
expect_text err "the files of another job" "--force"
[ ! -e two ] || fail "a job was left behind"
mkdir mine
echo mine >mine/000003.txt
expect_exit 7 sm exec --to mine "${job[@]:2}"
expect_text err "'000003.txt', which is not this job's" "--force"
equal "$(cat mine/000003.txt)" mine
expect_exit 7 sm exec --to elsewhere --job res.job "${job[@]:2}"
expect_text err "are in '$PWD/res', and '$PWD/elsewhere' is another one"
expect_exit 7 sm exec --job res.job -o f.gz "${job[@]:4}"
expect_text err "was planned with --to"
mv res elsewhere
expect_exit 0 sm exec --to elsewhere --job res.job "${job[@]:2}"
whole elsewhere
mv elsewhere res
expect_exit 0 sm exec "${job[@]}"

# Recovered: the shards are receipts, and a file that is another is none.
rm res.job/job.db*
echo other >res/000002.txt
rm res/000009.txt
expect_exit 0 sm recover res.job
equal "$(count_of res.job pending)" 2 "batches to be made again"
expect_exit 0 sm run res.job -q
whole

# Moved, all of it; and a copy, which touches nothing of the original's.
mkdir there
mv res res.job there/
(cd there && expect_exit 0 sm run res.job -q && whole) || exit 1
rm there/res/000011.txt
(cd there && expect_exit 0 sm run res.job -q && whole) || exit 1
mkdir copy
cp -r there/res.job copy/
expect_exit 7 sm run copy/res.job
cp -r there/res copy/
rm copy/res/000001.txt
before=$(stat -c %i there/res/000001.txt)
(cd copy && expect_exit 0 sm exec "${job[@]}" && whole) || exit 1
equal "$(stat -c %i there/res/000001.txt)" "$before" "the original's file"
rm -rf copy
mv there/* .

# More of the same, and begun again.
more=("${job[@]}")
more[5]=47
expect_exit 7 sm exec "${more[@]}"
expect_exit 0 sm exec --extend "${more[@]}"
equal "$(find res -name '*.txt' | wc -l)" 24 "files"
equal "$(cat res/000023.txt)" 46
echo mine >res/notes.md
expect_exit 0 sm exec --restart --yes "${job[@]}"
rm res/notes.md
whole
# Bad input ends it before anything is deleted.
expect_exit 2 sm exec --restart --yes "${job[@]:0:6}" --bytes 7 "${job[@]:6}"
whole
expect_exit 0 sm run res.job -q

# A list of the files.
rm -rf res res.job
expect_exit 0 sm exec -o list.gz --job res.job "${job[@]}"
whole
equal "$(zcat list.gz | jq -r '[.batch, .file, .bytes] | join(" ")' | sed -n 6p)" \
	"5 000005.txt 6"
equal "$(zcat list.gz | jq -r 'select(.batch == 5) | .crc32')" \
	"$("$PYTHON" -c 'import sys, zlib
print("%08x" % zlib.crc32(open("res/000005.txt", "rb").read()))')" "CRC-32"
expect_exit 0 sm exec -o list.gz --job res.job "${job[@]}"
rm res/000012.txt
expect_exit 0 sm exec -o list.gz --job res.job "${job[@]}"
whole
rm -rf res res.job list.gz

# Killed at any moment.
export PACE=0.02
for n in $(seq 1 "${KILLS:-5}"); do
	rm -rf res res.job
	start run exec "${job[@]}"
	sleep "$(random_ms 500)"
	case $((n % 3)) in
	0) kill -KILL -- -$pid ;;
	1) kill -KILL "$pid" ;;
	2)
		read -r -a workers <<<"$(children "$pid" | tr '\n' ' ')"
		kill -KILL "${workers[0]:-$pid}" 2>/dev/null
		kill -KILL -- -$pid
		;;
	esac 2>/dev/null
	wait "$pid"
	expect_exit 0 sm exec "${job[@]}"
	whole
	made_once res.job
	no_leftovers res.job
done
# A worker that dies leaves nothing to a run that lives.
rm -rf res res.job
PACE=0.1
start run exec "${job[@]}"
wait_for 20 at_least res.job 'done' 2
read -r worker _ <<<"$(children "$pid" | tr '\n' ' ')"
kill -KILL "$worker"
ended 0 "$pid" run
whole
PACE=0

# What it makes is checked.
bad() { # OUTCOME-TEXT OPTION... -- COMMAND: fails by that
	rm -rf res res.job
	expect_exit 1 sm exec --to res --range 1 --max-attempts 1 -q "${@:2}"
	expect_text err "$1"
	equal "$(find res -mindepth 1 | wc -l)" 1 "what is left in the directory"
}
bad "made no file" -- true
bad "is no regular file" -- mkfifo '{out}'
bad "(--max-shard-bytes)" --max-shard-bytes 10 -- cp /proc/self/status '{out}'
bad "is empty (--check nonempty)" --check nonempty -- touch '{out}'
bad "status 3" -- sh -c 'echo half >"$1"; exit 3' sh '{out}'
for options in "--suffix .txt --range 1" "--to res --suffix x --range 1" \
	"--to res --suffix .tmp --range 1" "--to res --no-output --range 1" \
	"--to res --check jsonl --range 1" "--to res --output-header 1 --range 1"; do
	# shellcheck disable=SC2086
	expect_exit 2 sm exec --job j $options -- true
	[ ! -e j ] || fail "a job was left behind"
done

# A process that lives makes files, too; `try` makes one elsewhere.
rm -rf res res.job
# shellcheck disable=SC2016
serve='while read -r ask; do
	out=${ask##*\"out\": \"}; first=${ask##*\"first\": }; end=${ask##*\"end\": }
	seq "${first%%,*}" $((${end%%,*} - 1)) >"${out%\"*}"; echo ok; done'
expect_exit 0 sm exec --to res --suffix .txt --range 40 --size 2 -j 2 -q --serve \
	-- bash -c "$serve"
whole
cat >maker.py <<'END'
import shardmill
def make(batch):
    with open(batch.out, "w") as f:
        f.writelines("%d\n" % n for n in batch)
    try:
        batch.write("text")
    except ValueError as e:
        print(e)
shardmill.serve(make)
END
rm -rf res res.job
PYTHONPATH=$("$SHARDMILL" python-path) expect_exit 0 sm exec --to res \
	--suffix .txt --range 40 --size 2 -q --serve -- "$PYTHON" maker.py
whole
rm -rf res res.job
expect_exit 0 sm plan res.job exec "${job[@]}"
expect_exit 0 sm try res.job 4
made=$(sed -n "s/^the file is '\(.*\)'$/\1/p" err)
equal "$(tr '\n' ' ' <"$made")" "8 9 " "what try made"
rm -r "$(dirname "$made")"
equal "$(find res -mindepth 1 | wc -l)" 1 "files after try"

# What is still open for writing is not whole yet.
cat >open.py <<'END'
import shardmill
kept = []
def make(batch):
    kept.append(open(batch.out, "w"))
    kept[-1].write("text")
shardmill.serve(make)
END
rm -rf res res.job
PYTHONPATH=$("$SHARDMILL" python-path) expect_exit 1 sm exec --to res --range 2 \
	--max-attempts 1 -q --serve -- "$PYTHON" open.py
expect_text err "still open for writing"
equal "$(find res -mindepth 1 | wc -l)" 1 "files"
# shellcheck disable=SC2016
bad "still open for writing" -- sh -c '{ sleep 2; echo b; } >"$1" 2>/dev/null &
	until [ -e "$1" ]; do sleep 0.01; done' sh '{out}'
# A directory in its place is removed, too.
bad "is no regular file" -- mkdir -p '{out}/in/it'
expect_exit 1 sm run res.job -q --retry-failed

# A copy of the job beside it has no files; an earlier job's files are no one's.
rm -rf res res.job
expect_exit 0 sm exec "${job[@]}"
cp -r res.job copy.job
expect_exit 7 sm run copy.job
expect_exit 7 sm finalize copy.job -o list.gz
expect_exit 7 sm exec --job copy.job --restart --yes "${job[@]}"
whole
rm -r copy.job
expect_exit 7 sm exec --suffix .csv --accept-changed "${job[@]:0:2}" "${job[@]:4}"
expect_text err "end in '.txt', not '.csv'"
mkdir j
expect_exit 7 sm exec --job j --to j/in --range 1 -- touch "{out}"
expect_text err "the job's own directory"
rm -r j
expect_exit 2 sm exec --job j --to - --range 1 -- touch '{out}'
rm res/000003.txt
expect_exit 1 sm finalize res.job -o list.gz
[ ! -e list.gz ] || fail "a list of files that are not there"
mv res away
rm res.job/job.db*
expect_exit 7 sm recover res.job
mv away res
rm -rf res.job
few=("${job[@]}")
few[5]=10
expect_exit 7 sm exec "${few[@]}"
expect_text err "is not this job's"
expect_exit 0 sm exec --force "${few[@]}"
equal "$(find res -name '*.txt' | wc -l)" 5 "files"

# Parts: one directory for all.
rm -rf res res.job
expect_exit 0 sm plan res.job exec --parts 3 "${job[@]}"
expect_exit 0 sm run res.job -q
whole
expect_exit 0 sm verify res.job
# A part's start leaves alone what another's is to become.
touch res/000019.4711.tmp.txt
rm res/000000.txt
expect_exit 0 sm run res.job/part-0000 -q
[ -e res/000019.4711.tmp.txt ] || fail "another part's file is gone"
expect_exit 0 sm run res.job -q
whole
expect_exit 0 sm plan res.job exec --parts 3 --restart --yes "${job[@]}"
expect_exit 0 sm run res.job -q
whole

# Nothing at all is made that we know of.
expect_exit 0 sm exec --no-output --job none --range 4 -- \
	sh -c 'echo "$1" >own.$1; echo said' sh '{first}'
expect_text out "all 4 batches are done"
equal "$(cat own.*)" "$(seq 0 3)"
equal "$(sql none "SELECT count(*) FROM attempt WHERE stderr LIKE 'said%'")" 4
expect_exit 2 sm finalize none -o f.gz
expect_text err "no text to join"
expect_exit 2 sm exec --no-output -o f.gz --range 4 -- true
expect_text err "no final file"
