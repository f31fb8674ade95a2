#!/bin/bash
# Miller 6.6.0 (Debian 12) takes two groups for one where values of several key
# fields read alike with commas between them.
#
# One would guess: count, top, head and join with more than one key compare the
# keys field by field, as GROUP BY does; Miller reads JSON Lines and quoted CSV,
# where a comma in a value is nothing special.
# What happens: the values of the keys are put together with commas, and that
# text is the group.  So ("Paris, Texas", "film") and ("Paris", " Texas,film")
# are one: counted together, with one top record for both, and joined with each
# other.  The names that come out are those of the first one.  There is no
# error, and with one key the same records are kept apart.
# Why it matters: titles, places and names of people have commas.  A sum or a best
# row per (title, tag) is quietly one of two groups, and the other one is gone.
set -euo pipefail
version=6.6.0-2+b3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
apt-get download -qq -o APT::Sandbox::User=root miller=$version
dpkg -x miller_*.deb .

cat >scores.jsonl <<'END'
{"title": "Paris, Texas", "tag": "film", "score": 1}
{"title": "Paris", "tag": " Texas,film", "score": 2}
END
echo '{"title": "Paris", "tag": " Texas,film", "note": "here"}' >notes.jsonl
# try VERB...
try() {
	echo "$*:"
	usr/bin/mlr --ijsonl --ojsonl "$@" scores.jsonl
}
{
	usr/bin/mlr --version
	try count -g title
	try count -g title,tag
	try stats1 -a sum -f score -g title,tag
	try top -a -f score -g title,tag
	try join -j title,tag -f notes.jsonl
} >seen
cat >expected <<'END'
mlr 6.6.0
count -g title:
{"title": "Paris, Texas", "count": 1}
{"title": "Paris", "count": 1}
count -g title,tag:
{"title": "Paris, Texas", "tag": "film", "count": 2}
stats1 -a sum -f score -g title,tag:
{"title": "Paris, Texas", "tag": "film", "score_sum": 3}
top -a -f score -g title,tag:
{"title": "Paris", "tag": " Texas,film", "score": 2}
join -j title,tag -f notes.jsonl:
{"title": "Paris", "tag": " Texas,film", "note": "here", "score": 1}
{"title": "Paris", "tag": " Texas,film", "note": "here", "score": 2}
END
echo "Miller $version, two records that differ in both keys:"
cat seen
diff expected seen && echo "as described"
