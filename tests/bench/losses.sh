#!/bin/bash
# What the defaults leave out of data as recommenders make it, and what is said
# of that.  OLD=PROGRAM compares with another build, with its own defaults.
. "$(dirname "$0")/lib.sh"
"$PYTHON" -c 'import faiss' 2>/dev/null || skip "no faiss: Debian's python3-faiss"
"$PYTHON" "$tests/bench/losses.py" . || fail "no data"

# told PROGRAM NAME OPTION...: a row of the table
told() {
	local code=0 rows=-
	rm -rf f.gz f.gz.job
	"$1" candidates -o f.gz --keys keys.json --vocab vocab.json \
		--cands "$2-c.npy" --scores "$2-s.npy" "${@:3}" >out 2>err \
		</dev/null || code=$?
	[ ! -e f.gz ] || rows=$(gzip -dc f.gz | wc -l)
	row "$2 ${*:3}" "$([ "$1" = "$SHARDMILL" ] && echo now || echo before)" \
		"$rows of 4000" $code "$(sed "s|^\([0-9:]* \)*shardmill: ||; s|$PWD/||g" err |
			paste -sd '@' | sed 's/@/; /g')"
}

heading "Losses: what is left out of a job of 4,000 rows, and told"
columns data program "lines written" exit "what it says"
for name in implicit faiss l2 lightfm nan; do
	[ -z "${OLD:-}" ] || told "$OLD" $name
	told "$SHARDMILL" $name
done
told "$SHARDMILL" implicit --pad 0
told "$SHARDMILL" faiss --min-score none --min-candidates 1
told "$SHARDMILL" l2 --min-score none
told "$SHARDMILL" lightfm --min-score none
told "$SHARDMILL" nan --min-score none --no-stop
echo
