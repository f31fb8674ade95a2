/*
 * peer.mjs - what polars.mjs and duckdb.mjs share: options, inputs, workers
 *
 *	node polars.mjs -o OUT [-j N] [--gzip igzip|own] [--batch-rows N]
 *		--cands C --scores S --keys K --vocab V
 *
 * Options bear the names that oracle_fast.py has for them.  N processes have a
 * share of the rows each, and one thread: that way nothing of a process, such
 * as making JSON, is left to one core.  What a process prints goes through an
 * `igzip -1` of its own, or is compressed already; `cat` joins the shares.
 *
 * Only what the bench makes is read: arrays of int32 and float32 in C order,
 * rows of falling scores with padding (0) after them, an object of keys and one
 * of items, both numbered from 0, each item an integer in digits.
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { parseArgs } from 'node:util';

export const { values: args } = parseArgs({ options: {
	output: { type: 'string', short: 'o' },
	workers: { type: 'string', short: 'j', default: '2' },
	gzip: { type: 'string', default: 'igzip' },
	cands: { type: 'string' },
	scores: { type: 'string' },
	keys: { type: 'string' },
	vocab: { type: 'string' },
	'min-score': { type: 'string', default: '0.3' },
	'min-candidates': { type: 'string', default: '50' },
	'batch-rows': { type: 'string', default: '5000' },
	rows: { type: 'string' }, /* of one worker: FIRST-END */
} });

export const minScore = Number(args['min-score']);
export const minCandidates = Number(args['min-candidates']);

/* An array of a .npy file, rows of which are read into an array of `type`. */
export function openArray(path, descr, type) {
	const fd = fs.openSync(path, 'r'), head = Buffer.alloc(256);
	fs.readSync(fd, head, 0, head.length, 0);
	const start = 10 + head.readUInt16LE(8);
	const text = head.toString('latin1', 10, start);
	const shape = /'shape': \((\d+), (\d+)\)/.exec(text);
	if (head[6] !== 1 || start > head.length || !shape ||
	    !text.includes(`'descr': '${descr}', 'fortran_order': False`))
		throw new Error(`${path}: not rows of ${descr}`);
	const [rows, width] = shape.slice(1).map(Number);
	return { rows, width, read(first, end) {
		const array = new type((end - first) * width);
		const bytes = Buffer.from(array.buffer);
		const from = start + first * width * type.BYTES_PER_ELEMENT;
		for (let n = 0; n < bytes.length;) {
			const got = fs.readSync(fd, bytes, n, bytes.length - n,
				from + n);
			if (got === 0)
				throw new Error(`${path} is cut off`);
			n += got;
		}
		return array;
	} };
}

export const openCands = () => openArray(args.cands, '<i4', Int32Array);
export const openScores = () => openArray(args.scores, '<f4', Float32Array);

/* The entries of an object whose names are 0, 1, …: JavaScript sorts those. */
export function readTable(path) {
	return Object.values(JSON.parse(fs.readFileSync(path)));
}

/* The id of each item. */
export function readVocab() {
	const texts = readTable(args.vocab), ids = Int32Array.from(texts);
	for (let i = 0; i < ids.length; i += 997)
		if (String(ids[i]) !== texts[i])
			throw new Error(`${args.vocab}: item ${i} does not ` +
				'fit 32 bits');
	return ids;
}

/* FIRST and END of each batch of a worker that has these rows. */
export function* batches(rows = args.rows.split('-').map(Number)) {
	const [begin, end] = rows;
	const n = Number(args['batch-rows']);
	for (let first = begin; first < end; first += n)
		yield [first, Math.min(first + n, end)];
}

function run(command, ...words) {
	return new Promise((done, fail) => {
		spawn('bash', ['-o', 'pipefail', '-c', command, ...words],
			{ stdio: ['ignore', 'inherit', 'inherit'] })
			.on('error', fail)
			.on('exit', (code) => code === 0 ? done()
				: fail(new Error(`${words[1]} ended with ${code}`)));
	});
}

/*
 * Where a batch's text goes.  What compresses by itself writes a file each:
 * Polars writes gzip to no pipe, and DuckDB writes plain text to one.
 */
export function outOf(first) {
	return args.gzip === 'own' ? `${args.output}.${first}.gz` : '/dev/stdout';
}

/* All workers, or with --rows this one, which is work(). */
export async function main(work) {
	if (args.rows) {
		await work();
		process.exit(0);
	}
	const { rows } = openCands(), n = Number(args.workers);
	const own = args.gzip === 'own';
	const shares = Array.from({ length: n }, (_, i) =>
		[Math.round(rows / n * i), Math.round(rows / n * (i + 1))]);
	const starts = shares.flatMap((share) =>
		own ? Array.from(batches(share), ([first]) => first) : share[0]);
	const parts = starts.map((first) => `${args.output}.${first}.gz`);
	await Promise.all(shares.map(([first, end]) => run(
		own ? '"$@"' : '"$@" | igzip -1 -c >"$0"',
		`${args.output}.${first}.gz`, process.execPath,
		...process.argv.slice(1), `--rows=${first}-${end}`)));
	await run('cat "$@" >"$0"', args.output, ...parts);
	parts.forEach((part) => fs.unlinkSync(part));
}
