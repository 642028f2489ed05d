import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { cellsOf } from '../../../../test/support/cellsOf.js';
import { listTable } from '../../../../test/support/listTable.js';
import { duckdb, unlessInstalled } from '../../../../test/support/optionalPackages.js';
import { childProcesses } from '../../../../test/support/processes.js';
import { temporaryFolder } from '../../../../test/support/temporaryFolder.js';
import { MlmlError } from '../../../errors.js';
import { nodeStorage } from '../../../storage/nodeStorage.js';
import { importTable } from '../importTable.js';
import { type DuckdbSource, openDuckdbTable } from './duckdbTable.js';

const skip = unlessInstalled('@duckdb/node-api');

async function opened(test: TestContext, folder: string, source: DuckdbSource, bufferBytes = 1e6) {
  const table = await openDuckdbTable(nodeStorage, source, {
    scratchFolder: join(folder, 'not', 'there'),
    bufferBytes,
  });
  test.after(() => table.close());
  return table;
}

const files = (path: string): DuckdbSource => ({ kind: 'files', name: path, paths: [path] });

async function parquet(folder: string, query: string, options = ''): Promise<string> {
  const path = join(folder, 'table.parquet');
  await (await duckdb()).run(`COPY (${query}) TO '${path}' (FORMAT parquet ${options})`);
  return path;
}

describe('tables through DuckDB', { skip }, () => {
  test('values of every type, and missing ones', async (t) => {
    const folder = temporaryFolder(t);
    const path = await parquet(
      folder,
      `SELECT 1::TINYINT AS tiny, -2.5::DECIMAL(9,2) AS price, 0.1::DOUBLE AS x, 'NaN'::DOUBLE AS nan, 'inf'::DOUBLE AS inf,
         9007199254740993 AS big, 12345678901 AS wide, 18446744073709551615::UBIGINT AS huge, true AS yes, DATE '2026-11-25' AS day,
         TIMESTAMP '1969-12-31 23:59:59.5' AS at, TIMESTAMPTZ '2026-01-01 00:00:00+02' AS zoned, DATE 'infinity' AS never,
         'grüß' AS word, 'a text of more than twelve bytes' AS long, '12:30:00'::TIME AS time, uuid '00000000-0000-0000-0000-000000000001' AS id, [1, 2] AS list
       UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL`,
    );
    const table = await opened(t, folder, files(path));
    const types = Object.fromEntries(table.columns.map((name, i) => [name, table.types[i]]));
    assert.equal(types['big'], 'number');
    assert.equal(types['yes'], 'boolean');
    assert.equal(types['zoned'], 'date');
    assert.equal(types['word'], 'text');
    for await (const batch of table.batches()) {
      const cells = (row: number) =>
        Object.fromEntries(table.columns.slice(0, -1).map((name, i) => [name, batch.cell(row, i)]));
      assert.deepEqual(cells(0), {
        tiny: 1,
        price: -2.5,
        x: 0.1,
        nan: undefined,
        inf: Infinity,
        big: 9007199254740993n,
        wide: 12345678901,
        huge: 18446744073709551615n,
        yes: true,
        day: new Date('2026-11-25'),
        at: new Date('1969-12-31T23:59:59.5Z'),
        zoned: new Date('2025-12-31T22:00:00Z'),
        never: 'infinity',
        word: 'grüß',
        long: 'a text of more than twelve bytes',
        time: '12:30:00',
        id: '00000000-0000-0000-0000-000000000001',
      });
      assert.deepEqual(new Set(Object.values(cells(1))), new Set([undefined]));
      const numbers = new Float64Array(2);
      const column = (name: string) => {
        batch.numbersOf!(table.columns.indexOf(name), 0, 2, numbers);
        return [...numbers];
      };
      assert.deepEqual(column('price'), [-2.5, NaN]);
      for (const name of ['big', 'inf', 'yes', 'day', 'word']) assert.deepEqual(column(name), [NaN, NaN]);
      assert.equal(batch.place(1), `${path}: row 2`);
      assert.throws(() => batch.cell(0, table.columns.indexOf('list')), {
        code: 'MLML_BAD_DATA',
        message:
          /: column list is a list \(INTEGER\[\]\), no single value: --drop=list .*SELECT "list"\[1\] AS/,
      });
    }
  });

  test('many rows, in order, twice the same, with texts of any length', async (t) => {
    const folder = temporaryFolder(t);
    // Dictionaries, repeated and scattered texts, and rows larger than a frame.
    const query = `SELECT i, i / 3 AS x, repeat(chr(97 + (i % 26)::INTEGER), (i * 7919 % 61)::INTEGER) AS text, 'name of group ' || i % 5 AS name,
      CASE WHEN i % 9000 = 77 THEN repeat('ä' || i, 80000) END AS long, 'key ' || hash(i) AS key, CASE WHEN i % 2 = 0 THEN i::UBIGINT * 900000000000000 END AS big
      FROM range(20000) t(i)`;
    const path = await parquet(folder, query, ', ROW_GROUP_SIZE 5000');
    const expected = (await (await duckdb()).runAndReadAll(query)).getRows();
    const table = await opened(t, folder, files(path), 4e6);
    for (let pass = 0; pass < 2; pass++) {
      const rows = await cellsOf(table);
      assert.equal(rows.length, expected.length);
      for (const [i, row] of rows.entries()) {
        const [number, x, text, name, long, key, big] = expected[i] as unknown[];
        const wide = big === null ? undefined : Number.isSafeInteger(Number(big)) ? Number(big) : big;
        const said = (value: unknown) => (value === null || value === '' ? undefined : value);
        assert.deepEqual(row, [Number(number), x, said(text), name, said(long), key, wide]);
      }
    }
    const numbers = new Float64Array(20000);
    let at = 0;
    for await (const batch of table.batches()) {
      batch.numbersOf!(1, 0, batch.rows, numbers.subarray(at));
      at += batch.rows;
    }
    assert.deepEqual(
      [...numbers],
      expected.map((row) => row[1]),
    );
    const small = await opened(t, folder, files(path), 1000);
    await assert.rejects(cellsOf(small), {
      code: 'MLML_BAD_DATA',
      message: /table.parquet: row 78: takes 320 kB, more than 262 kB, a quarter of --buffer/,
    });
  });

  test('a table is the same data set as its CSV', async (t) => {
    const folder = temporaryFolder(t);
    const query = `SELECT i AS id, (i * 7919 % 1000) / 7 AS x, CASE WHEN i % 11 <> 0 THEN (i % 13)::DECIMAL(8, 3) / 4 END AS part, i % 3 = 0 AS flag,
      DATE '2026-01-01' + (i % 500)::INTEGER AS day, ['York', 'Bath', 'Wells', NULL][1 + i % 4] AS town, (i * 31 % 97) / 3 AS fare FROM range(3000) t(i)`;
    const path = await parquet(folder, query);
    const csv = (await (await duckdb()).runAndReadAll(query))
      .getRowsJS()
      .map((row) =>
        row.map((value) =>
          value === null ? '' : value instanceof Date ? value.toISOString().slice(0, 10) : String(value),
        ),
      );
    const parquetTable = await opened(t, folder, files(path));
    const asked = await opened(t, folder, { kind: 'query', sql: `FROM '${path}' ORDER BY id;` });
    const fingerprints = new Set<string>();
    const texts = listTable(parquetTable.columns, csv, { batchRows: 700 });
    for (const [i, source] of [texts, parquetTable, asked].entries()) {
      const options = { out: join(folder, `set${i}`), label: 'fare', drop: ['id'], bufferBytes: 1e6 };
      const description = await importTable(nodeStorage, source, options);
      assert.equal(description.parts.train.n + description.parts.test.n, 3000);
      fingerprints.add(description.fingerprint);
      if (source === texts) continue;
      const record = description.source.files[0]!;
      assert.equal(record.name, source === parquetTable ? path : asked.name);
      assert.match(record.sha256, /^[0-9a-f]{64}$/);
    }
    assert.equal(fingerprints.size, 1);
  });

  test('integers that doubles cannot hold are refused as numbers, not as names', async (t) => {
    const folder = temporaryFolder(t);
    const sql = 'SELECT 9007199254740993 + i // 2 AS code, i AS x, i / 7 AS y FROM range(40) t(i)';
    const options = { label: 'y', bufferBytes: 1e6, percentage: 1 };
    const table = await opened(t, folder, { kind: 'query', sql });
    await assert.rejects(importTable(nodeStorage, table, { ...options, out: join(folder, 'a') }), {
      code: 'MLML_BAD_DATA',
      message:
        /^SELECT .*: row 1, column code: 9007199254740993 is beyond 2\^53 and would be rounded; --drop=code/,
    });
    const names = { ...options, out: join(folder, 'b'), types: { code: 'category' as const } };
    const { columns } = await importTable(nodeStorage, table, names);
    assert.deepEqual(columns!.features[0], {
      column: 'code',
      kind: 'category',
      values: Array.from({ length: 20 }, (_, i) => String(9007199254740993n + BigInt(i))).sort(),
    });
  });

  test('what cannot be read is told in one line', async (t) => {
    const folder = temporaryFolder(t);
    const path = await parquet(folder, 'SELECT 1 AS fare, 2 AS tip');
    const fails = async (source: DuckdbSource, code: string, message: RegExp) => {
      await assert.rejects(
        async () => await cellsOf(await opened(t, folder, source)),
        (error: Error & { code: string }) => {
          assert.equal(error.code, code);
          assert.match(error.message, message);
          assert.doesNotMatch(error.message, /\n/);
          return true;
        },
      );
    };
    const query = (sql: string): DuckdbSource => ({ kind: 'query', sql });
    await fails(query(`FROM '${folder}/no*.parquet'`), 'MLML_NOT_FOUND', /No files found/);
    await fails(query(`SELECT fair FROM '${path}'`), 'MLML_USAGE', /column "fair" not found.*"fare"/);
    await fails(query('SELECT FROM nowhere'), 'MLML_USAGE', /Parser Error/);
    await fails(query("SELECT 'x'::INTEGER AS a"), 'MLML_BAD_DATA', /Could not convert string 'x'/);
    await fails(query('SELECT 1 AS a; SELECT 2 AS a'), 'MLML_USAGE', /Parser Error/);
    await fails(query("COPY (SELECT 1) TO 'x'"), 'MLML_USAGE', /Parser Error/);
    await nodeStorage.rename(path, join(folder, 'cut.parquet'));
    const cut = join(folder, 'cut.parquet');
    const file = await nodeStorage.create(cut);
    await file.write(new TextEncoder().encode('PAR1 and nothing else PAR1'), 0);
    await file.close();
    await fails(files(cut), 'MLML_BAD_FILE', /cut.parquet/);
    const twice = await opened(t, folder, query('SELECT random() AS a'));
    await cellsOf(twice);
    await assert.rejects(cellsOf(twice), { code: 'MLML_BAD_DATA', message: /gives other rows each time/ });
    await fails({ kind: 'database', path: 'no.duckdb', table: 'x' }, 'MLML_NOT_FOUND', /no such file/);
  });

  test('damaged Parquet files are one error, or rows', async (t) => {
    const folder = temporaryFolder(t);
    const path = await parquet(
      folder,
      "SELECT i, i / 7 AS x, 'a name of some length ' || i % 50 AS name FROM range(3000) t(i)",
    );
    const original = await nodeStorage.openRead(path);
    const bytes = new Uint8Array(original.byteLength);
    await original.readInto(bytes, 0);
    await original.close();
    let refused = 0;
    for (let damage = 0; damage < 8; damage++) {
      const damaged = bytes.slice(0, damage === 7 ? bytes.length / 2 : undefined);
      // In the pages, and in the description at the end.
      for (let i = 0; i < 3; i++) {
        const from = damage % 2 === 0 ? 0 : bytes.length - 400;
        const at = from + ((damage * 7919 + i * 104729) % (bytes.length - from));
        if (at < damaged.length) damaged[at]! ^= 1 + ((damage * 31 + i * 17) % 255);
      }
      const file = await nodeStorage.create(path);
      await file.write(damaged, 0);
      await file.close();
      try {
        const table = await opened(t, folder, files(path));
        assert.equal((await cellsOf(table)).length, 3000);
      } catch (error) {
        if (!(error instanceof MlmlError)) throw error;
        assert.match(error.code, /^MLML_(BAD_FILE|BAD_DATA|IO)$/);
        assert.match(error.message, /^\P{Cc}+$/u);
        refused++;
      }
    }
    assert.ok(refused > 0);
  });

  test('tables of a DuckDB database', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'my "base".duckdb');
    const connection = await duckdb();
    await connection.run(`ATTACH '${path}' AS made`);
    await connection.run('CREATE SCHEMA made.s; CREATE TABLE made.s.t AS SELECT 5 AS a, NULL AS b');
    await connection.run('DETACH made');
    const twice = await opened(t, folder, { kind: 'query', sql: 'SELECT 1 AS a, 2 AS a' });
    assert.deepEqual(twice.columns, ['a', 'a_1']);
    const table = await opened(t, folder, { kind: 'database', path, table: 's.t' });
    assert.deepEqual(await cellsOf(table), [[5, undefined]]);
    const asked = await opened(t, folder, { kind: 'database', path, sql: 'SELECT a + 1 AS c FROM s.t' });
    assert.deepEqual(await cellsOf(asked), [[6]]);
  });

  test('passes that are left early or given up leave no process behind', async (t) => {
    const folder = temporaryFolder(t);
    const table = await opened(t, folder, { kind: 'query', sql: 'SELECT i AS a FROM range(100000000) t(i)' });
    const before = childProcesses();
    for await (const batch of table.batches()) {
      assert.equal(batch.cell(1, 0), 1);
      break;
    }
    const interruption = new AbortController();
    const reason = new Error('enough');
    await assert.rejects(async () => {
      for await (const batch of table.batches(interruption.signal))
        if (batch.place(0).endsWith('row 2049')) interruption.abort(reason);
    }, reason);
    await assert.rejects(cellsOf(table, interruption.signal), reason);
    await table.close();
    if (before !== undefined) assert.deepEqual(childProcesses(), before.slice(1));
    const names = await nodeStorage.list(folder);
    assert.deepEqual(names, []);
  });
});
