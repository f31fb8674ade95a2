#!/bin/bash
# DuckDB 1.5.6 (npm @duckdb/node-api 1.5.6-r.1) rounds fractions of JSON Lines
# to whole numbers where the beginning of the file has whole numbers only.
#
# One would guess: the type of a field is taken from a sample of the rows, so
# that a value which does not fit it is an error, as text in a field of numbers
# is one, and a key that the sample did not have.
# What happens: of a field that is whole in the first 20,480 rows (the default
# of sample_size) the type is BIGINT, and 0.25, 0.75 and 2.5 of later rows are
# read as 0, 1 and 2, without an error or a warning.
# Why it matters: scores are such a field.  Writers of JSON that print 1.0 as 1
# (JavaScript's, jq's) make such files when they are sorted by score; averages
# and filters are then of rounded scores.  sample_size = -1 reads them right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm install --silent --no-fund --no-audit @duckdb/node-api@1.5.6-r.1 >/dev/null
node --input-type=module - >seen <<'END'
import fs from 'fs';
import { DuckDBInstance, version } from '@duckdb/node-api';

const whole = '{"score":1}\n'.repeat(30000);
fs.writeFileSync('scores.jsonl', whole +
	'{"score":0.25}\n{"score":0.75}\n{"score":2.5}\n');
fs.writeFileSync('text.jsonl', whole + '{"score":"high"}\n');
fs.writeFileSync('key.jsonl', whole + '{"score":1,"id":7}\n');

const db = await (await DuckDBInstance.create()).connect();
const ask = async (what, from) => {
	try {
		const r = await db.runAndReadAll(`SELECT ${what} FROM ${from}`);
		console.log(r.getRowsJson().flat().join(' '));
	} catch (e) {
		console.log('error');
	}
};
console.log(version());
const last = 'list(score)[30001:]';
await ask(`any_value(typeof(score)), ${last}`,
	"read_ndjson('scores.jsonl')");
await ask(`any_value(typeof(score)), ${last}`,
	"read_ndjson('scores.jsonl', sample_size = -1)");
await ask('sum(score)', "read_ndjson('text.jsonl')");
await ask('sum(score)', "(SELECT * FROM read_ndjson('key.jsonl'))");
END
cat >expected <<'END'
v1.5.6
BIGINT 0,1,2
DOUBLE 0.25,0.75,2.5
error
error
END
echo "rounded; right by sample_size = -1; text and a new key are errors:"
cat seen
diff expected seen && echo "as described"
