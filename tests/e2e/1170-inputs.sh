#!/bin/bash
# Lines in all forms: plain, gzip, a final file, standard input, several files;
# headers of input and output.  The same lines give the same text.
. "$(dirname "$0")/lib.sh"

"$PYTHON" - <<'PY'
import gzip, random
random.seed(17)
lines = ["".join(random.choices("abcdef ", k=random.randrange(900))) + "\n"
         for n in range(12000)]
text = "".join(lines).encode()
open("in.txt", "wb").write(text)
third = len(text) // 3
with open("in.txt.gz", "wb") as f:           # three members
    for i in range(3):
        end = len(text) if i == 2 else (i + 1) * third
        f.write(gzip.compress(text[i * third:end], i * 4 + 1))
with open("table.csv", "w") as f:
    f.write("id,name\n")
    for n in range(1000):
        f.write(f"{n},name {n}\n")
with open("more.csv", "w") as f:
    f.write("id,name\n")
    for n in range(1000, 1300):
        f.write(f"{n},name {n}\n")
PY
count() {
	sql "$1.job" 'SELECT group_concat(first || "-" || "end" || ":" ||
		first_byte || "-" || end_byte) FROM batch'
}

# Each form gives the batches of the plain file.
run=(-j 2 --level 1 --lines 600 -- sed 's/^/x/')
expect_exit 0 sm exec -o plain.gz --input in.txt "${run[@]}"
sed 's/^/x/' in.txt >want
same_text want plain.gz
batches=$(count plain.gz)
expect_exit 0 sm exec -o gzip.gz --input in.txt.gz "${run[@]}"
same_text want gzip.gz
equal "$(count gzip.gz)" "$batches" "batches of the gzip file"
expect_exit 0 sm exec -q -o final.gz --input in.txt --level 1 --lines 150 -- cat
expect_exit 0 sm exec -o chain.gz --input final.gz "${run[@]}"
same_text want chain.gz
equal "$(count chain.gz)" "$batches" "batches of the final file"
for form in in.txt in.txt.gz final.gz; do
	sm exec -o stdin.gz --input - "${run[@]}" <$form 2>err ||
		fail "standard input from $form"
	expect_text err "standard input is kept in the job: $(stat -c %s $form)"
	same_text want stdin.gz
	equal "$(count stdin.gz)" "$batches" "batches of standard input"
	expect_exit 0 sm run stdin.gz.job
	sm exec -o stdin.gz --input - "${run[@]}" <$form >out 2>err ||
		fail "the same again"
	expect_text out "nothing is left"
	expect_exit 7 sm exec -o stdin.gz --input - "${run[@]}"
	expect_text err "standard input was another one: $(stat -c %s $form)" \
		"'shardmill run $PWD/stdin.gz.job' goes on with what it was"
	expect_exit 0 sm run stdin.gz.job
	equal "$(ls stdin.gz.job/tables)" \
		"$(sql stdin.gz.job 'SELECT fingerprint FROM job')" "tables"
	expect_exit 0 sm verify stdin.gz.job
	expect_exit 0 sm try stdin.gz.job 3
	sed -n '1801,2400s/^/x/p' in.txt | cmp -s - out || fail "try differs"
	rm -rf stdin.gz stdin.gz.job
done
for form in in.txt in.txt.gz final.gz; do
	expect_exit 0 sm exec -q -o bytes.gz --input $form --level 1 --bytes 600k -- cat
	same_text in.txt bytes.gz
	equal "$(sql bytes.gz.job 'SELECT sum(rows) FROM batch')" 12000 "rows"
	rm -rf bytes.gz bytes.gz.job
done

# What is wrong with a gzip file is said while planning.
size=$(stat -c %s in.txt.gz)
bad() {
	expect_exit 3 sm exec -o n.gz --input bad.gz "${run[@]}"
	[ "$(wc -l <err)" = 1 ] || fail "more or less than one line"
	expect_text err "bad.gz" "$@"
	[ ! -e n.gz.job ] || fail "a job was left behind"
}
for at in 10 100000 $((size - 5)); do
	head -c "$at" in.txt.gz >bad.gz
	bad "is cut off: it ends after "
done
cp in.txt.gz bad.gz
printf 'x' | dd of=bad.gz bs=1 seek=$((size - 8)) conv=notrunc 2>/dev/null
bad "a member's CRC differs"
{ cat in.txt.gz; echo garbage; } >bad.gz
bad "what follows is no member of it"
head -c 100 in.txt >bad.gz
bad "is no gzip file by its first bytes"
: >bad.gz
bad "it is empty"
head -c $((size - 9)) final.gz | tail -c 99999 >bad.gz
bad "is no gzip file"
head -c $(($(stat -c %s final.gz) - 1)) final.gz >bad.gz
bad "is cut off: it ends after $(stat -c %s in.txt) bytes of text"

# Two final files by cat(1): the end's index is of one of them.
cat final.gz final.gz >twice.gz
cat in.txt in.txt >twice
expect_exit 0 sm exec -q -o both.gz --input twice.gz --level 1 --lines 2700 -- cat
same_text twice both.gz
sm cat twice.gz 2>err | cmp - twice || fail "cat of two final files"

# By the index: nothing of a final file is read but its index, so that damage
# in a body is found by the batch, which gives no text of it.
cp final.gz damaged.gz
printf '\377\377\377' | dd of=damaged.gz bs=1 seek=300000 conv=notrunc 2>/dev/null
expect_exit 0 sm plan d.job exec -o d.gz --input damaged.gz --lines 150 -- cat
expect_exit 7 sm run d.job -j 1
expect_text err "damaged.gz' is damaged: batch"

# Killed, and gone on with; a changed file is refused, the planned one is not.
slow=(--level 1 --lines 600 -- sh -c 'sleep .05; sed s/^/x/')
start slow exec -q -o slow.gz -j 2 --input in.txt.gz "${slow[@]}"
wait_for 20 at_least slow.gz.job 'done' 5
kill -KILL -- "-$pid"
wait "$pid" 2>/dev/null
cp in.txt.gz keep.gz
gzip -c1 <want >in.txt.gz
expect_exit 7 sm exec -o slow.gz --input in.txt.gz "${slow[@]}"
expect_text err "in.txt.gz"
mv keep.gz in.txt.gz
expect_exit 0 sm exec -q -o slow.gz -j 2 --input in.txt.gz "${slow[@]}"
same_text want slow.gz

# recover reads them again, but for what was kept.
sm exec -q -o kept.gz --input - "${run[@]}" <in.txt.gz 2>/dev/null ||
	fail "standard input"
rm kept.gz.job/job.db* gzip.gz.job/job.db*
for job in kept.gz gzip.gz; do
	expect_exit 0 sm recover $job.job
	equal "$(count $job)" "$batches" "recovered batches"
	expect_exit 0 sm verify $job.job
done

# Several: no batch has lines of two.
split -l 4500 -d in.txt part.
gzip part.01
printf '%s\n' part.00 part.01.gz '' part.02 >list
for way in 1 2 3; do
	case $way in
	1) set -- --input part.00 --input part.01.gz --input part.02 ;;
	2) set -- --inputs list ;;
	3) set -- -0 --inputs - ;;
	esac
	tr '\n' '\0' <list |
		sm exec -q -o several.gz "$@" "${run[@]}" 2>err ||
		fail "several inputs: $*"
	same_text want several.gz
	equal "$(sql several.gz.job "SELECT count(*) FROM batch
		WHERE \"end\" - first < 600")" 2 "batches that end with a file"
	expect_exit 0 sm exec -q -o several.gz --inputs list "${run[@]}"
	expect_exit 7 sm exec -o several.gz --input part.00 --input part.01.gz \
		"${run[@]}"
	expect_text err "there is no input 'input 3' any more"
	expect_exit 7 sm exec -o several.gz --input part.00 --input part.02 \
		--input part.01.gz "${run[@]}"
	expect_text err "'input 2'"
	rm -rf several.gz several.gz.job
done
# Which file a batch's lines are of.
expect_exit 0 sm exec -q -o of.gz --inputs list --lines 2700 --replace -- \
	sh -c 'echo "$SHARDMILL_INPUT $1"; cat >/dev/null' sh "{input} {batch}"
for line in "00 0" "00 1" "01.gz 2" "01.gz 3" "02 4" "02 5"; do
	echo "$PWD/part.${line% *} $PWD/part.$line"
done >want.of
same_text want.of of.gz
sm exec -q -o of.gz --restart --yes --input - --lines 12000 -- \
	printenv SHARDMILL_INPUT <in.txt 2>err || fail "its name"
same_text <(echo -) of.gz
expect_exit 0 sm exec -q -o of.gz --restart --yes --range 1 -- \
	sh -c 'echo "${SHARDMILL_INPUT-none} $1"' sh "{input}"
same_text <(echo "none {input}") of.gz

echo "" >empty
expect_exit 3 sm exec -o n.gz --inputs empty "${run[@]}"
expect_text err "'empty' names no file"
expect_exit 2 sm exec -o n.gz --input - --input - "${run[@]}"
expect_exit 2 sm exec -o n.gz --input in.txt --range 5 -- true
[ ! -e n.gz.job ] || fail "a job was left behind"

# CSV in, CSV out.
csv=(-q --lines 300 --header 1 --output-header 1 -- sed 's/name/NAME/')
expect_exit 0 sm exec -o csv.gz --input table.csv --input more.csv "${csv[@]}"
{
	sed 's/name/NAME/' table.csv
	sed '1d; s/name/NAME/' more.csv
} >want
same_text want csv.gz
equal "$(sql csv.gz.job 'SELECT sum(rows) FROM batch')" 1300 "rows"
equal "$(sql csv.gz.job 'SELECT group_concat(first || "-" || "end") FROM batch')" \
	0-300,300-600,600-900,900-1000,1000-1300 "lines are counted after headers"
gzip -k table.csv
expect_exit 0 sm exec -o csvz.gz --input table.csv.gz --input more.csv "${csv[@]}"
same_text want csvz.gz
sed -i 1s/id/ID/ more.csv
expect_exit 3 sm exec -o other.gz --input table.csv --input more.csv "${csv[@]}"
expect_text err "the header of" "more.csv" "is not that of"
expect_exit 1 sm exec -o few.gz -q --max-attempts 1 --input table.csv \
	--lines 300 --output-header 2 -- head -n 1
expect_text err "printed 1 lines, fewer than the 2 of --output-header"

# A job's output is the next one's input.
data chain 900 60
expect_exit 0 sm candidates -q -o cands.gz --batch-rows 100 "${args[@]}"
gzip -dc cands.gz | cut -c 1-40 >want
lines=$(wc -l <want)
for n in 100 64; do
	expect_exit 0 sm exec -q -o cut.gz -j 2 --input cands.gz --lines $n \
		-- cut -c 1-40
	same_text want cut.gz
	equal "$(sql cut.gz.job 'SELECT sum(rows) FROM batch')" "$lines" "rows"
	rm -rf cut.gz cut.gz.job
done

# A batch of it that does not end in a newline: its lines are not as counted.
expect_exit 0 sm exec -q -o open.gz --range 6 --size 2 -- printf 'a\nb'
expect_exit 7 sm exec -o open2.gz --input open.gz --lines 2 -- cat
expect_text err "a batch of it does not end in a newline"
