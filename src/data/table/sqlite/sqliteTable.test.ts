import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { cellsOf } from '../../../../test/support/cellsOf.js';
import { listTable } from '../../../../test/support/listTable.js';
import { unlessInstalled } from '../../../../test/support/optionalPackages.js';
import { temporaryFolder } from '../../../../test/support/temporaryFolder.js';
import { nodeStorage } from '../../../storage/nodeStorage.js';
import { importTable } from '../importTable.js';
import type { TableSource } from '../tableSource.js';
import { openSqliteTable, type SqliteOptions } from './sqliteTable.js';

function made(path: string, ...statements: string[]): void {
  const { Database } = createRequire(import.meta.url)(
    'node-sqlite3-wasm',
  ) as typeof import('node-sqlite3-wasm');
  const database = new Database(path);
  for (const statement of statements) database.exec(statement);
  database.close();
}

async function using(path: string, options: SqliteOptions, work: (table: TableSource) => Promise<void>) {
  const table = await openSqliteTable(nodeStorage, path, { bufferBytes: 1e6, ...options });
  try {
    await work(table);
  } finally {
    await table.close();
  }
}

describe('tables of SQLite', { skip: unlessInstalled('node-sqlite3-wasm') }, () => {
  test('values of every type, and missing ones, from tables and queries', async (t) => {
    const path = join(temporaryFolder(t), 'it "is".sqlite');
    made(
      path,
      'CREATE TABLE "t 1" (n INTEGER, x REAL, big INTEGER, word TEXT, bytes BLOB, "2" INTEGER)',
      `INSERT INTO "t 1" VALUES (1, 0.5, 9007199254740993, 'grüß', x'00', 7), (NULL, NULL, NULL, NULL, NULL, NULL), ('any', 2, -3, '', NULL, 1e300)`,
    );
    await using(path, {}, async (table) => {
      assert.deepEqual([...table.columns].sort(), ['2', 'big', 'bytes', 'n', 'word', 'x']);
      for await (const batch of table.batches()) {
        const cells = (row: number) =>
          ['n', 'x', 'big', 'word', '2'].map((name) => batch.cell(row, table.columns.indexOf(name)));
        assert.deepEqual(cells(0), [1, 0.5, 9007199254740993n, 'grüß', 7]);
        assert.deepEqual(cells(1), [null, null, null, null, null]);
        assert.deepEqual(cells(2), ['any', 2, -3, '', 1e300]);
        assert.throws(() => batch.cell(0, table.columns.indexOf('bytes')), {
          code: 'MLML_BAD_DATA',
          message: /: t 1: row 1, column bytes: the value is bytes \(BLOB\): --drop=bytes leaves/,
        });
      }
    });
    const sql = `SELECT n, n, x + 1 AS y FROM "t 1" WHERE x IS NOT NULL ORDER BY x DESC; `;
    await using(path, { sql }, async (table) => {
      assert.deepEqual(table.columns, ['n', 'n:1', 'y']);
      assert.deepEqual(await cellsOf(table), [
        ['any', 'any', 3],
        [1, 1, 1.5],
      ]);
    });
    await using(path, { sql: 'SELECT n FROM "t 1" WHERE 0' }, async (table) => {
      assert.deepEqual([table.columns, await cellsOf(table)], [['n'], []]);
    });
  });

  test('a table is the same data set as its CSV', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'trips.db');
    made(
      path,
      `CREATE TABLE trips AS WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r WHERE i < 4999) SELECT i AS id, (i * 7919 % 1000) / 8.0 AS x,
        CASE WHEN i % 11 <> 0 THEN i % 13 END AS part, date('2026-01-01', i % 500 || ' days') AS day, substr('York Bath WellsLeeds', 1 + 5 * (i % 4), 5) AS town, (i * 31 % 97) / 4.0 AS fare FROM r`,
      'CREATE TABLE other (a)',
    );
    const fingerprints: string[] = [];
    await using(path, { table: 'Trips' }, async (table) => {
      const rows = (await cellsOf(table)).map((row) =>
        row.map((cell) => (cell === null ? '' : String(cell))),
      );
      for (const source of [table, listTable(table.columns, rows, { batchRows: 900 })]) {
        const options = {
          label: 'fare',
          drop: ['id'],
          out: join(folder, String(fingerprints.length)),
          bufferBytes: 1e6,
        };
        const description = await importTable(nodeStorage, source, options);
        assert.equal(description.parts.train.n, 4000);
        fingerprints.push(description.fingerprint);
        if (source === table) assert.equal(description.source.files[0]!.name, path);
      }
    });
    assert.equal(fingerprints[0], fingerprints[1]);
    // Opened for reading, it leaves no lock.
    assert.deepEqual((await nodeStorage.list(folder)).sort(), ['0', '1', 'trips.db']);
  });

  test('what cannot be read is told', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'two.sqlite');
    made(
      path,
      'CREATE TABLE trips (a)',
      'CREATE TABLE towns (b)',
      "INSERT INTO trips VALUES (zeroblob(10)), ('x')",
    );
    const fails = async (at: string, options: SqliteOptions, code: string, message: RegExp) =>
      await assert.rejects(
        using(at, options, async (table) => void (await cellsOf(table))),
        { code, message },
      );
    await fails(
      path,
      {},
      'MLML_USAGE',
      /say which table to read with --table=<name>; its tables are towns, trips$/,
    );
    await fails(path, { table: 'trip' }, 'MLML_USAGE', /has no such table; did you mean trips\?$/);
    await fails(path, { sql: 'SELECT c FROM trips' }, 'MLML_USAGE', /no such column: c/);
    await fails(path, { sql: 'DROP TABLE trips' }, 'MLML_USAGE', /syntax error/);
    await fails(
      path,
      { sql: "SELECT printf('%.*c', 300000, 'x') AS a" },
      'MLML_BAD_DATA',
      /row 1: takes 300 kB, more/,
    );
    await fails(join(folder, 'no.db'), {}, 'MLML_NOT_FOUND', /there is no such file/);
    const other = join(folder, 'other.db');
    const file = await nodeStorage.create(other);
    await file.write(
      new TextEncoder().encode('This is no database, however long it goes on. '.repeat(100)),
      0,
    );
    await file.close();
    await fails(other, {}, 'MLML_BAD_FILE', /file is not a database/);
    const refused = async (bytes: Uint8Array, position: number, message: RegExp) => {
      const edited = await nodeStorage.openWrite(path);
      await edited.write(bytes, position);
      await edited.close();
      await fails(path, { table: 'trips' }, 'MLML_BAD_FILE', message);
    };
    const original = await nodeStorage.openRead(path);
    const header = new Uint8Array(100);
    await original.readInto(header, 0);
    await original.close();
    await refused(Uint8Array.of(2, 2), 18, /keeps a write-ahead log, .* "vacuum into 'copy.sqlite'"$/);
    await refused(Buffer.from('DUCK'), 8, /is a database of DuckDB, not of SQLite; give --format=duckdb$/);
    const mended = await nodeStorage.openWrite(path);
    await mended.write(header, 0);
    await mended.close();
    await using(path, { sql: 'SELECT random() AS a' }, async (table) => {
      await cellsOf(table);
      await assert.rejects(cellsOf(table), { code: 'MLML_BAD_DATA', message: /gives other rows each time/ });
      const interruption = new AbortController();
      interruption.abort(new Error('enough'));
      await assert.rejects(cellsOf(table, interruption.signal), /enough/);
    });
  });
});
