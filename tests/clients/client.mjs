// client.mjs DRIVER FILE STEPS - Node, Deno and Bun, and packages of npm
import { readFileSync } from "node:fs";

const [driver, path, steps] = process.argv.slice(2);
let rows; // a promise of the rows, as arrays or objects
if (driver == "node:sqlite") {
	const { DatabaseSync } = await import("node:sqlite");
	const db = new DatabaseSync(path);
	rows = (sql) => db.prepare(sql).all();
} else if (driver == "bun:sqlite") {
	const { Database } = await import("bun:sqlite");
	const db = new Database(path);
	rows = (sql) => db.query(sql).all();
} else if (driver == "@libsql/client") {
	const { createClient } = await import("@libsql/client");
	const db = createClient({ url: "file:" + path });
	// It may open another connection for each call, but for a transaction's.
	let held = null;
	rows = async (sql) => {
		if (sql == "BEGIN IMMEDIATE" || sql == "BEGIN") {
			held = await db.transaction(
				sql == "BEGIN" ? "read" : "write");
			return [];
		}
		if (sql == "COMMIT") {
			await held.commit();
			held = null;
			return [];
		}
		return (await (held ?? db).execute(sql)).rows;
	};
} else if (driver == "turso" || driver == "turso-multiprocess") {
	const { connect } = await import("@tursodatabase/database");
	const db = await connect(path, driver == "turso" ? {} :
		{ experimental: ["multiprocess_wal"] });
	rows = async (sql) => await (await db.prepare(sql)).all();
} else if (driver == "sqlite-wasm") {
	const { default: init } = await import("@sqlite.org/sqlite-wasm");
	const sqlite3 = await init({ print: () => 0, printErr: () => 0 });
	const db = new sqlite3.oo1.DB();
	const bytes = new Uint8Array(readFileSync(path));
	const p = sqlite3.wasm.allocFromTypedArray(bytes);
	db.checkRc(sqlite3.capi.sqlite3_deserialize(db.pointer, "main", p,
		bytes.length, bytes.length,
		sqlite3.capi.SQLITE_DESERIALIZE_FREEONCLOSE));
	rows = (sql) => db.exec(sql, { rowMode: "object",
		returnValue: "resultRows" });
} else {
	const { default: Database } = await import(driver);
	const db = new Database(path);
	rows = (sql) => {
		const s = db.prepare(sql);
		return s.reader ? s.all() : (s.run(), []);
	};
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
for (const line of readFileSync(steps, "utf8").trimEnd().split("\n")) {
	const [op, ...args] = line.split("\t");
	const begun = performance.now();
	let word = "ok", value = "";
	try {
		if (op == "timeout") {
			await rows(`PRAGMA busy_timeout = ${args[0]}`);
		} else if (op == "sleep") {
			await sleep(Number(args[0]));
		} else if (op == "storm") {
			value = 0;
			for (let i = 0; i < Number(args[0]); i++)
				try {
					await rows(args[1]);
				} catch {
					value++;
				}
		} else if (op == "value") {
			value = Object.values((await rows(args[0]))[0])[0];
		} else if (op == "rows") {
			value = (await rows(args[0])).length;
		} else {
			await rows(args[0]);
		}
	} catch (e) {
		word = "no";
		value = String(e.message).replaceAll("\n", " ");
	}
	console.log(`${Math.round(performance.now() - begun)}\t${word}\t${value}`);
}
process.exit(0);
