// read.mjs WAY FILE|URL [PACKAGE] - the text, or the number of its lines; for
// Node, Bun and Deno
import fs from "node:fs";
import process from "node:process";
import { Buffer } from "node:buffer";
import { createRequire } from "node:module";
import { PassThrough, Readable } from "node:stream";
import zlib from "node:zlib";

const [way, arg, name] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const data = () => fs.readFileSync(arg);
const bytes = async (answer) => Buffer.from(await answer.arrayBuffer());
const pieces = function* (size) {
	for (let all = data(), at = 0; at < all.length; at += size)
		yield all.subarray(at, at + size);
};
const through = async (stream) => {
	const parts = [];
	const end = new PassThrough();
	stream.on("error", (error) => end.destroy(error));
	for await (const part of Readable.from(pieces(10000)).pipe(stream).pipe(end))
		parts.push(Buffer.from(part));
	return Buffer.concat(parts);
};
// push(stream, final) of a class that calls back with each piece
const pushed = (make) => {
	const parts = [], all = [...pieces(10000)];
	const stream = make((part) => part && parts.push(Buffer.from(part)));
	all.forEach((part, i) => stream.push(part, i === all.length - 1));
	if (stream.err) throw new Error(stream.msg || stream.err);
	return Buffer.concat(parts);
};
const duck = async (sql) => {
	const { DuckDBInstance } = await import(name);
	const db = await (await DuckDBInstance.create(":memory:")).connect();
	return (await db.runAndReadAll(sql)).getRows();
};

const ways = {
	gunzipSync: () => zlib.gunzipSync(data()),
	unzipSync: () => zlib.unzipSync(data()),
	createGunzip: () => through(zlib.createGunzip()),
	DecompressionStream: () => bytes(new Response(new Blob([data()]).stream()
		.pipeThrough(new DecompressionStream("gzip")))),
	fetch: async () => bytes(await fetch(arg)),
	"Bun.gunzipSync": () => Bun.gunzipSync(data()),
	"Bun.gunzipSync-libdeflate": () =>
		Bun.gunzipSync(data(), { library: "libdeflate" }),
	"Bun.gunzipSync-zlib": () => Bun.gunzipSync(data(), { library: "zlib" }),

	"pako-ungzip": async () => {
		const pako = await import(name);
		return (pako.default ?? pako).ungzip(data());
	},
	"pako-Inflate": async () => {
		let pako = await import(name);
		pako = pako.default ?? pako;
		return pushed((got) => {
			const stream = new pako.Inflate();
			stream.onData = got;
			return stream;
		});
	},
	"fflate-gunzipSync": () => require("fflate").gunzipSync(data()),
	"fflate-decompressSync": () => require("fflate").decompressSync(data()),
	"fflate-gunzip": () => new Promise((good, bad) =>
		require("fflate").gunzip(data(), (error, got) =>
			error ? bad(error) : good(got))),
	"fflate-Gunzip": () => pushed((got) => new (require("fflate").Gunzip)(got)),
	"fflate-Decompress": () =>
		pushed((got) => new (require("fflate").Decompress)(got)),
	"minizlib-Gunzip": async () => {
		const { Gunzip } = await import("minizlib");
		const stream = new Gunzip();
		stream.end(data());
		return stream.concat();
	},
	"minizlib-Unzip": async () => {
		const { Unzip } = await import("minizlib");
		const stream = new Unzip();
		stream.end(data());
		return stream.concat();
	},
	"gunzip-maybe": () => through(require("gunzip-maybe")()),
	"browserify-gunzipSync": () => require("browserify-zlib").gunzipSync(data()),
	"browserify-createGunzip": () =>
		through(require("browserify-zlib").createGunzip()),
	zlibjs: () => require("zlibjs").gunzipSync(data()),
	"loaders.gl": async () => {
		const { GZipCompression } = await import("@loaders.gl/compression");
		const all = data();
		return Buffer.from(await new GZipCompression().decompress(
			all.buffer.slice(all.byteOffset, all.byteOffset + all.length)));
	},
	"bgzf-unzip": async () =>
		(await import("@gmod/bgzf-filehandle")).unzip(data()),
	got: async () => (await import("got")).default(arg).buffer(),
	"axios-http": async () => (await (await import("axios")).default.get(arg,
		{ responseType: "arraybuffer", adapter: "http" })).data,
	"axios-fetch": async () => (await (await import("axios")).default.get(arg,
		{ responseType: "arraybuffer", adapter: "fetch" })).data,
	"node-fetch": async () =>
		bytes(await (await import("node-fetch")).default(arg)),
	"undici-fetch": async () => bytes(await (await import(name)).fetch(arg)),
	"undici-decompress": async () => {
		const { Agent, interceptors, request } = await import(name);
		const { body } = await request(arg, { dispatcher:
			new Agent().compose(interceptors.decompress()) });
		return bytes(body);
	},
	superagent: async () => (await require("superagent").get(arg).buffer(true)
		.responseType("blob")).body,

	read_json: async () => String((await duck("SELECT count(*) FROM " +
		`read_json('${arg}', format = 'newline_delimited')`))[0][0]),
	read_csv: async () => String((await duck("SELECT count(*) FROM " +
		`read_csv('${arg}', header = false, delim = '\x01', quote = '', ` +
		"escape = '', auto_detect = false, " +
		"columns = {'line': 'VARCHAR'})"))[0][0]),
	read_ndjson_objects: async () => (await duck("SELECT json::VARCHAR " +
		`FROM read_ndjson_objects('${arg}')`))
		.map(([line]) => `${line}\n`).join(""),
	scanJson: async () => String((await import("nodejs-polars")).default
		.scanJson(arg).collectSync().height),
	scanCSV: async () => String((await import("nodejs-polars")).default
		.scanCSV(arg, { hasHeader: false, sep: "\x01", quoteChar: "\x02" })
		.collectSync().height),
};

const text = Buffer.from(await ways[way]());
for (let at = 0; at < text.length;)
	at += fs.writeSync(1, text, at);
process.exit(0);
