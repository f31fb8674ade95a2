// search.mjs - usearch as npm has it, for libraries.py: builds an index of the
// cosine and writes what a search returned, as it is.
//
//	node search.mjs ITEMS USERS DIMENSIONS K OUT: raw files of float32;
//	OUT.keys (uint64), OUT.distances (float32), OUT.counts (uint64)
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const usearch = createRequire(process.cwd() + "/")("usearch");
const [items, users, dimensions, k, out] = process.argv.slice(2);
const floats = (name) => {
	const bytes = readFileSync(name);
	return new Float32Array(bytes.buffer, bytes.byteOffset,
		bytes.length / 4);
};
const index = new usearch.Index({
	dimensions: Number(dimensions), metric: "cos", quantization: "f32",
	connectivity: 32, expansion_add: 256, expansion_search: 1024,
});
const vectors = floats(items);
const keys = new BigUint64Array(vectors.length / Number(dimensions));
for (let i = 0; i < keys.length; i++)
	keys[i] = BigInt(i);
index.add(keys, vectors, 0);
const found = index.search(floats(users), Number(k), 0);
for (const name of ["keys", "distances", "counts"])
	writeFileSync(out + "." + name,
		new Uint8Array(found[name].buffer, found[name].byteOffset,
			found[name].byteLength));
