import assert from 'node:assert/strict';
import { test } from 'node:test';
import { duckdbColumns } from './selectColumns.js';

test('types of DuckDB are numbers, truth values, dates, texts, or no single values', () => {
  const kinds = (types: readonly string[]) =>
    duckdbColumns(
      types.map((type, i) => [`c${i}`, type] as const),
      "'t.parquet'",
    ).map(({ type, sent }) => `${type}: ${sent ?? 'nothing'}`);
  assert.deepEqual(
    new Set(kinds(['TINYINT', 'UINTEGER', 'FLOAT', 'DOUBLE', 'DECIMAL(18,3)'])),
    new Set(['number: doubles']),
  );
  assert.deepEqual(new Set(kinds(['BIGINT', 'UBIGINT', 'HUGEINT'])), new Set(['number: doubles and texts']));
  assert.deepEqual(kinds(['BOOLEAN']), ['boolean: doubles']);
  assert.deepEqual(
    new Set(kinds(['DATE', 'TIMESTAMP', 'TIMESTAMP_NS', 'TIMESTAMP WITH TIME ZONE'])),
    new Set(['date: doubles and texts']),
  );
  assert.deepEqual(
    new Set(kinds(['VARCHAR', "ENUM('a', 'b(1)')", 'UUID', 'TIME', 'TIME WITH TIME ZONE', '"NULL"', 'JSON'])),
    new Set(['text: texts']),
  );
  assert.deepEqual(
    new Set(
      kinds([
        'VARCHAR[]',
        'FLOAT[3]',
        'STRUCT(a INTEGER, b DATE[])',
        'MAP(VARCHAR, INTEGER)',
        'BLOB',
        'STRUCT(a INTEGER)[]',
      ]),
    ),
    new Set(['text: nothing']),
  );
});

test('a column that is no single value says which SQL makes some of it', () => {
  const [column] = duckdbColumns([['a "b"', 'INTEGER[]']], "'t.parquet'");
  assert.equal(
    column!.problem,
    `is a list (INTEGER[]), no single value: --drop='"a ""b"""' leaves it out, or choose what of it counts: ` +
      `mlml import 'SELECT "a ""b"""[1] AS "a ""b""_1", * EXCLUDE ("a ""b""") FROM '\\''t.parquet'\\'''`,
  );
});
