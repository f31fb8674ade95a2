#!/bin/bash
# bloom-filters 3.0.4 (npm): its CuckooFilter says of elements that were added, and
# taken, that they are not there.
#
# One would guess: a filter of this kind errs to one side only.  has() may be true
# for what was never added, but false is, as its own manual says, "definitively
# not in the filter"; and add() that finds no room is false.
# What happens: when both places of an element are taken, another one is moved out.
# Its new place is reckoned from the old one after the division by the table's
# length, while has() reckons it before; so it mostly ends where has() does not
# look.  Of a filter made for 10,000 elements, 28 of 5,000 are not found, and of
# 10,000 a third; each add() was true.  BloomFilter of the same package finds all.
# Why it matters: such a filter stands in front of a table to spare look-ups, or
# keeps what was seen already.  Rows are then passed over that exist, or done a
# second time, the more the fuller it gets; a test with a few does not show it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit bloom-filters@3.0.4 >/dev/null
cat >try.cjs <<'END'
const { BloomFilter, CuckooFilter } = require('bloom-filters');

// add() of a CuckooFilter tells whether it found room.
const fill = (name, filter, count) => {
	let refused = 0, missed = 0;
	for (let i = 0; i < count; i++)
		refused += filter.add(`key ${i}`) === false;
	for (let i = 0; i < count; i++)
		missed += !filter.has(`key ${i}`);
	console.log(`${name}: ${count} added, ${refused} refused, ` +
		`${missed} not found`);
};
for (const count of [2500, 5000, 7500, 10000])
	fill('cuckoo', CuckooFilter.create(10000, 0.001), count);
fill('bloom', BloomFilter.create(10000, 0.001), 10000);
END
node try.cjs >seen
cat >expected <<'END'
cuckoo: 2500 added, 0 refused, 0 not found
cuckoo: 5000 added, 0 refused, 28 not found
cuckoo: 7500 added, 0 refused, 278 not found
cuckoo: 10000 added, 0 refused, 3413 not found
bloom: 10000 added, 0 refused, 0 not found
END
echo "bloom-filters 3.0.4, filters for 10,000 elements:"
cat seen
diff expected seen && echo "as described"
