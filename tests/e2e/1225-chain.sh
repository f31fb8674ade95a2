#!/bin/bash
# One job's output is the next one's input: candidates, jq over their final
# file, a file per batch from that; killed in each step, and nothing of it lies
# unpacked on the disk.
. "$(dirname "$0")/lib.sh"
seed_random

data chain 900 60
export PACE=0
# shellcheck disable=SC2016
pace='[ "$PACE" = 0 ] || sleep "$PACE"'
one=(candidates -o one.gz --batch-rows 60 -j 2 -q "${args[@]}")
two=(exec -o two.gz --input one.gz --lines 80 -j 2 -q -- sh -c "$pace
	jq -c '{key, best: .value[0]}'")
# shellcheck disable=SC2016
three=(exec --to three --suffix .tar --input two.gz --lines 70 -j 2 -q -- sh -c
	"$pace"'
	d=$(mktemp -d) && cat >"$d/rows" && tar -cf "$1" --mtime=@0 \
		--owner=0 --group=0 -C "$d" rows && rm -r "$d"' sh '{out}')

# What the three give undisturbed.
for step in one two three; do
	declare -n command=$step
	expect_exit 0 sm "${command[@]}"
done
gzip -dc one.gz | jq -c '{key, best: .value[0]}' >want
[ "$(wc -l <want)" -gt 200 ] || fail "too few lines to say anything"
same_text want two.gz
rows() {
	local file
	for file in three/*.tar; do
		tar -xOf "$file" rows
	done
}
rows | cmp - want || fail "the files have other rows"
mkdir ref
mv one.gz two.gz three ref/
text=$(gzip -dc ref/one.gz | wc -c)
rm -rf ./*.job

# largest: the largest file that is no shard, database or final file
largest() {
	find . -type f -not -path './ref/*' -not -path './want' \
		-not -name '*.gz*' -not -name 'job.db*' -not -name '*.npy' \
		-not -name '*.json' -size +0 -printf '%s\n' 2>/dev/null |
		sort -n | tail -n 1
}
declare -A results=([one]=one.gz [two]=two.gz [three]=three)
declare -A jobs=([one]=one.gz.job [two]=two.gz.job [three]=three.job)
for n in $(seq 1 "${KILLS:-3}"); do
	rm -rf one.gz two.gz three ./*.job
	for step in one two three; do
		declare -n command=$step
		# One that was done before its kill is begun again, and killed
		# earlier, so that each step is killed in each round.
		PACE=0.05 within=700 status=0
		while [ $status != 137 ] && [ $within -gt 0 ]; do
			rm -rf "${results[$step]}" "${jobs[$step]}"
			start run "${command[@]}"
			sleep "$(random_ms $within)"
			kill -KILL -- -$pid 2>/dev/null
			wait $pid
			status=$?
			within=$((within / 2))
		done
		[ $status = 137 ] || fail "$step was done before each kill"
		big=$(largest)
		[ "${big:-0}" -lt $((text / 2)) ] ||
			fail "a file of $big bytes; the text has $text"
		PACE=0
		expect_exit 0 sm "${command[@]}"
		made_once "${jobs[$step]}"
	done
	same one.gz ref/one.gz
	same two.gz ref/two.gz
	diff -r -x .shardmill three ref/three || fail "other files"
done
