#!/bin/bash
# numpy-parser 1.2.3 (npm) reads an array of strings as one of numbers.
#
# One would guess: a .npy file whose element type a reader does not know is
# refused, as this one refuses 64-bit integers, 16-bit floats and bool by name.
# What happens: the type is looked up in small letters.  So `<U2` (two
# characters of four bytes each) is taken for `<u2`, and the halves of the
# characters come back as a Uint16Array, without an error.  The array has eight
# numbers for the two elements that its shape speaks of.
# Why it matters: keys and vocabularies are kept as such arrays; numbers come
# out where names were, and code that indexes by them goes on.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit numpy-parser@1.2.3 >/dev/null
node --input-type=module - >seen <<'END'
import parser from 'numpy-parser';

// As numpy.save() writes array(['ab', 'c']), and the same shape as bool.
const file = (descr, data) => {
	const dict = `{'descr': '${descr}', 'fortran_order': False, ` +
		`'shape': (2,), }`;
	const head = Buffer.from(dict.padEnd(117) + '\n', 'latin1');
	const all = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
		Buffer.from([head.length, 0]), head, data]);
	return all.buffer.slice(all.byteOffset, all.byteOffset + all.length);
};
const text = Buffer.alloc(16);
[97, 98, 99, 0].forEach((c, i) => text.writeUInt32LE(c, 4 * i));
const a = parser.fromArrayBuffer(file('<U2', text));
console.log('<U2', a.data.constructor.name, a.shape[0], [...a.data].join());
try {
	parser.fromArrayBuffer(file('|b1', Buffer.from([1, 0])));
	console.log('|b1 is read');
} catch (e) {
	console.log('|b1 is refused');
}
END
cat >expected <<'END'
<U2 Uint16Array 2 97,0,98,0,99,0,0,0
|b1 is refused
END
echo "numpy-parser 1.2.3, node $(node --version):"
cat seen
diff expected seen && echo "as described"
