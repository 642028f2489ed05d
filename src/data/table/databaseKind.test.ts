import assert from 'node:assert/strict';
import { test } from 'node:test';
import { databaseKind, shownSource } from './databaseKind.js';
import { shownQuery } from './sqlText.js';

test('sources that have readers of their own are known by their text, or by the format given', () => {
  const kinds: readonly (readonly [string, string | undefined])[] = [
    ['trips.parquet', 'parquet'],
    ['trips/**/part-*.PQ', 'parquet'],
    ["select a, b from 'x.csv'", 'sql'],
    [' WITH t AS (SELECT 1) FROM t', 'sql'],
    ["from\n'trips.parquet'", 'sql'],
    ['from-here.csv', undefined],
    ['selected', undefined],
    ['postgres://me@host/base', 'postgres'],
    ['postgresql:///base.sqlite', 'postgres'],
    ['a.sqlite', 'sqlite'],
    ['a.db', 'sqlite'],
    ['a.duckdb', 'duckdb'],
    ['a.csv', undefined],
    ['a.parquet.csv', undefined],
  ];
  for (const [source, kind] of kinds) assert.equal(databaseKind(source), kind, source);
  assert.equal(databaseKind('a.dat', 'sqlite'), 'sqlite');
  assert.equal(databaseKind('a.db', 'csv'), undefined);
});

test('addresses are shown without passwords, queries in one line', () => {
  const address = 'postgres://me:p%40ss@host:5433/base?sslmode=require&password=x';
  assert.equal(shownSource(address), 'postgres://me@host:5433/base');
  assert.equal(shownSource('postgresql:///base'), 'postgresql:///base');
  assert.doesNotMatch(shownSource('postgres://me:p@ss:x@host:port/base?password=pass'), /p@ss|pass/);
  assert.equal(shownSource('a:b@c.csv'), 'a:b@c.csv');
  assert.equal(shownQuery(' select\n  1 '), 'select 1');
  assert.equal(shownQuery('x'.repeat(100)).length, 81);
});
