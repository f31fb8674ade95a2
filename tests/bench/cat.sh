#!/bin/bash
# Decompressing a final file, beside gzip, pigz, igzip and rapidgzip; and ten
# records from its middle, beside zcat and sed.
. "$(dirname "$0")/lib.sh"
need pigz igzip
rows=${BENCH_ROWS:-1000000}
room $((rows / 50000 + 1))
dataset "$rows" 300
expect_exit 0 sm candidates -q -o final.gz --sync end "${args[@]}"
rm -rf final.gz.job
text=$(sm index --json final.gz | "$PYTHON" -c 'import json, sys
print(json.load(sys.stdin)["raw_bytes"])')

# quiet CMD...: as it is, but to /dev/null
quiet() {
	"$@" >/dev/null
}

tools=("gzip -dc" "pigz -dc" "igzip -dc" "shardmill cat -j1" "shardmill cat -j2")
command -v rapidgzip >/dev/null && tools+=("rapidgzip -dcP2")
sed 1q final.gz >/dev/null # all of it is in memory, as far as it fits
cat final.gz >/dev/null
for ((i = 0; i < runs; i++)); do
	for tool in "${tools[@]}"; do
		# shellcheck disable=SC2086
		clock "$tool" quiet ${tool/#shardmill/"$SHARDMILL"} final.gz
	done
done

heading "Decompressing $(megabytes "$(stat -c %s final.gz)" %.0f) to $(
	megabytes "$text" %.0f) (\`/dev/null\`)"
columns command time text
for tool in "${tools[@]}"; do
	ms=$(median "$tool")
	row "\`$tool\`" "$(seconds "$ms")" \
		"$(calc "$text / 1e3 / $ms" '%.0f MB/s')"
done
echo
echo "\`-j2\` is $(ratio "$(median "shardmill cat -j1")" \
	"$(median "shardmill cat -j2")" "%.2f") \`-j1\` (aim: 1.9)."
echo

# read_by CMD...: bytes that it read, files and pipes
read_by() {
	local me=$BASHPID before after
	before=$(awk '/^rchar/ { print $2 }' "/proc/$me/io")
	"$@" >/dev/null 2>&1
	after=$(awk '/^rchar/ { print $2 }' "/proc/$me/io")
	echo $((after - before))
}

first=$(($(gzip -dc final.gz | wc -l) / 2))
with_sed() {
	zcat final.gz | sed -n "$((first + 1)),$((first + 10))p;$((first + 10))q"
}
with_sed 2>/dev/null >want
expect_exit 0 sm cat final.gz --records $first-$((first + 9))
same out want
for ((i = 0; i < runs; i++)); do
	clock records sm cat final.gz --records $first-$((first + 9))
	clock rows sm cat final.gz --rows $((rows / 2))-$((rows / 2 + 9))
	clock last sm cat final.gz --rows $((rows / 2 - 10))-$((rows / 2 - 1))
done
start=$EPOCHREALTIME
with_sed >/dev/null 2>&1
note sed "$(ms_since "$start")"

heading "Ten records from the middle of $(thousands "$rows") rows"
columns command time "bytes read"
row "\`zcat \\| sed -n\`" "$(seconds "$(median sed)")" \
	"$(megabytes "$(read_by zcat final.gz)" %.0f), half of it"
row "\`cat --records $first-$((first + 9))\`" \
	"$(calc "$(median records)" '%.0f ms')" "$(megabytes "$(read_by \
	sm cat final.gz --records $first-$((first + 9)))")"
row "\`cat --rows $((rows / 2))-…\`, the start of a batch" \
	"$(calc "$(median rows)" '%.0f ms')" "$(megabytes "$(read_by \
	sm cat final.gz --rows $((rows / 2))-$((rows / 2 + 9)))")"
row "\`cat --rows …-$((rows / 2 - 1))\`, the end of one" \
	"$(calc "$(median last)" '%.0f ms')" "$(megabytes "$(read_by \
	sm cat final.gz --rows $((rows / 2 - 10))-$((rows / 2 - 1)))")"
echo
