#!/bin/bash
# heap-js 2.7.1 (npm): a heap with a limit keeps bad elements and drops good ones.
#
# One would guess: with `limit = 5` a heap that takes one score after another has
# the five best in the end; or, since the worst of a heap cannot be found quickly
# from its top, the five worst.
# What happens: neither.  When the heap is longer than the limit, the last place
# of its array is cut off.  A newcomer is compared only with those between that
# place and the top, and so it, or the one that it was put above, is dropped,
# while the other branches of the tree are not looked at.  Of 0 to 999 in a mixed
# order 0, the first one, stays to the end, and 997 goes.  With addAll() other
# ones are kept, and wrong ones as well.
# Why it matters: a limit is how the best k of many are kept in little memory.
# The top, which one looks at first, is right, and the others look like scores.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit heap-js@2.7.1 >/dev/null
cat >try.cjs <<'END'
const { Heap } = require('heap-js');

// 0 to 999, each once: 0, 389, 778, 167, …
const scores = Array.from({ length: 1000 }, (_, i) => i * 389 % 1000);
const show = (what, list) =>
	console.log(`${what}: ${[...list].sort((a, b) => b - a).join(' ')}`);

const pushed = new Heap(Heap.maxComparator);
pushed.limit = 5;
for (const score of scores)
	pushed.push(score);
show('limit of 5, push', pushed.toArray());

const added = new Heap(Heap.maxComparator);
added.limit = 5;
added.addAll(scores);
show('limit of 5, addAll', added.toArray());

const whole = new Heap(Heap.maxComparator);
whole.addAll(scores);
show('no limit, top(5)', whole.top(5));
END
node try.cjs >seen
cat >expected <<'END'
limit of 5, push: 999 998 556 167 0
limit of 5, addAll: 999 998 983 981 975
no limit, top(5): 999 998 997 996 995
END
echo "heap-js 2.7.1, five of the scores 0 to 999:"
cat seen
diff expected seen && echo "as described"
