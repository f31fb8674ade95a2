#!/bin/bash
# The record encoder beside general compressors: one text, compressed by each;
# speed and size.  shardmill's times include making the text.
. "$(dirname "$0")/lib.sh"
rows=${BENCH_ROWS:-20000}
[ "$rows" -le 20000 ] || rows=20000
share=$((rows / 5)) # of the rows, for what takes long
dataset "$rows" 300
c_program bench_record

# mill NAME OPTION...: one worker that makes it all, as one batch
mill() {
	local name=$1
	shift
	rm -rf mill.gz mill.gz.job
	clock "$name" sm candidates -q -o mill.gz -j 1 --batch-rows "$rows" \
		"$@" "${args[@]}"
	size[$name]=$(stat -c %s mill.gz.job/shards/000000.gz)
	raw[$name]=$(sql mill.gz.job 'SELECT raw_bytes FROM batch')
	# From claim to commit: produced, deflated, written, synced.
	note "$name worker" "$(sql mill.gz.job 'SELECT CAST(1000 *
		sum(ended - started) AS INTEGER) FROM attempt')"
}

# pack NAME TEXT CMD...: standard input to standard output
pack() {
	local name=$1 text=$2 start=$EPOCHREALTIME
	shift 2
	"$@" <"$text" >packed 2>err || fail "$name"
	note "$name" "$(ms_since "$start")"
	size[$name]=$(stat -c %s packed)
}

declare -A size=() raw=()
mill double --score-digits double
gzip -dc mill.gz >text
head -n "$share" text >part
text=$(stat -c %s text) part=$(stat -c %s part)
took=()

large=("cat" "igzip -1" "pigz -p 2 -1" "pigz -p 2 -6" "gzip -1")
small=("pigz -p 2 -9" "gzip -9" "libdeflate-gzip -12")
for ((i = 0; i < runs; i++)); do
	mill double --score-digits double
	mill source
	mill "double, zlib -6" --score-digits double --encoder zlib
	for cmd in "${large[@]}"; do
		# shellcheck disable=SC2086
		pack "$cmd" text $cmd
	done
	for cmd in "${small[@]}"; do
		# shellcheck disable=SC2086
		pack "$cmd" part $cmd
	done
done

best=$(calc "${size[gzip -9]} * $text / $part" %.0f)

# line NAME MS BYTES CORES [TEXT_BYTES]
line() {
	row "$1" "$(seconds "$2")" \
		"$(calc "${5:-$text} / 1e3 / $2 / $4" '%.0f MB/s')" \
		"$(megabytes "$3")" "$(calc "$3 / $best" '%.3f')"
}

heading "The encoder beside general compressors"
columns "" time "text per second and core" size "of gzip -9's"
for name in double source "double, zlib -6"; do
	line "shardmill, $name" "$(median "$name worker")" "${size[$name]}" 1 \
		"${raw[$name]}"
done
for cmd in "${large[@]}" "${small[@]}"; do
	scale=1 cores=1 mark=
	[[ $cmd != pigz* ]] || cores=2
	[[ " ${small[*]} " != *" $cmd "* ]] ||
		scale=$(calc "$text / $part" %.6f) mark=" *"
	line "\`$cmd\`$mark" "$(calc "$(median "$cmd") * $scale" %.1f)" \
		"$(calc "${size[$cmd]} * $scale" %.0f)" "$cores"
done
cat <<TEXT

$(thousands "$rows") rows of 300, $(megabytes "$text" %.0f) of text.  For shardmill, one worker's time from
claim to commit: it makes the text too, writes and syncs the shard; the others
find the text in the page cache.  With source digits the text has $(megabytes "${raw[source]}" %.0f).
* measured on a fifth, scaled.

TEXT

heading "The record writer alone, the fastest of three"
mkdir -p shards
columns digits result
row double "$(./bench_record -n 5000 shards)"
row source "$(./bench_record -n 5000 -s shards)"
row "double, zlib -6" "$(./bench_record -n 1000 -z 6 shards)"
echo

# Where tokens are text, what repeats within one is not known beforehand.
rows=$share
dataset "$rows" 300
"$PYTHON" - "${args[7]}" titles.json <<'PY'
import json, random, sys
random.seed(1)
words = ["".join(random.choices("aeioulmnrst", k=random.randrange(3, 10)))
         for _ in range(3000)]
with open(sys.argv[1], encoding="utf-8") as f:
    ids = json.load(f)
with open(sys.argv[2], "w", encoding="utf-8") as f:
    json.dump({i: " ".join(random.choices(words, k=3)) for i in ids}, f)
PY
args[7]=titles.json
took=() size=()
for ((i = 0; i < runs; i++)); do
	mill "text tokens"
	mill "text tokens, zlib -6" --encoder zlib
done
gzip -dc mill.gz >text
text=$(stat -c %s text)
pack "gzip -9" text gzip -9
best=${size[gzip -9]}
heading "Tokens of three words, $(megabytes "$text" %.0f) of text"
columns "" time "text per second and core" size "of gzip -9's"
for name in "text tokens" "text tokens, zlib -6"; do
	line "shardmill, $name" "$(median "$name worker")" "${size[$name]}" 1 \
		"${raw[$name]}"
done
echo
