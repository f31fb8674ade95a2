# read_chromium.sh PAGE-URL - the text that a page of the browser has read;
# the page holds it in base64
dir=$(mktemp -d) && trap 'rm -rf "$dir"' EXIT
chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
	--disable-background-networking --disable-component-update \
	--disable-sync --user-data-dir="$dir" --virtual-time-budget=60000 \
	--dump-dom "$1" 2>"$dir.said" |
	sed -n 's/.*<pre>\([^<]*\)<\/pre>.*/\1/p' | base64 -d
rm -f "$dir.said"
