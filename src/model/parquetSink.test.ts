import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { listTable } from '../../test/support/listTable.js';
import { duckdb, unlessInstalled } from '../../test/support/optionalPackages.js';
import { temporaryFolder } from '../../test/support/temporaryFolder.js';
import { openTable } from '../data/table/openTable.js';
import type { TableSource } from '../data/table/tableSource.js';
import type { LinearModel } from '../ssgd/linearModel.js';
import { nodeStorage } from '../storage/nodeStorage.js';
import { readText } from '../storage/textFile.js';
import { predictTable } from './table/predictTable.js';

const model: LinearModel = {
  task: 'classification',
  loss: 'softmax',
  d: 1,
  k: 3,
  scaling: { name: 'none', multiply: Float64Array.of(1), add: Float64Array.of(0) },
  weights: Float64Array.of(-1, 0.1, 1),
  intercept: Float64Array.of(0, 1 / 3, 0),
  classNames: ['', 'two "words", one', 'ü'],
  fingerprint: 'f',
  columns: {
    features: [{ column: 'x', kind: 'number', missing: { fill: 0, indicator: false } }],
    label: { column: 'y', kind: 'class' },
  },
};
const scoring = { bufferBytes: 4e6, nthreads: 1, proba: true } as const;

/** Names and types of the columns of a Parquet file, and its rows as texts. */
async function readBack(path: string) {
  const connection = await duckdb();
  const described = await connection.runAndReadAll(`DESCRIBE FROM read_parquet('${path}')`);
  const rows = await connection.runAndReadAll(`SELECT COLUMNS(*)::VARCHAR FROM read_parquet('${path}')`);
  return {
    columns: described.getRows().map(([name, type]) => `${name} ${type}`),
    rows: rows.getRows() as (string | null)[][],
  };
}

describe('predictions as Parquet', { skip: unlessInstalled('@duckdb/node-api') }, () => {
  test('the columns of CSV with their types, names and probabilities as they are', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'p.parquet');
    const ids = ['plain', '007', ' a, "b"\nc', '', 'ö', '1e3'];
    const source = listTable(
      ['id', 'x'],
      ids.map((id, i) => [id, String(i - 2.25)]),
    );
    assert.equal(await predictTable(nodeStorage, model, source, path, scoring), 6);
    assert.deepEqual(readdirSync(folder), ['p.parquet']);
    const { columns, rows } = await readBack(path);
    assert.deepEqual(columns, [
      'id VARCHAR',
      'class INTEGER',
      'name VARCHAR',
      'p0 DOUBLE',
      'p1 DOUBLE',
      'p2 DOUBLE',
    ]);
    assert.deepEqual(
      rows.map(([id]) => id),
      ['plain', '007', 'a, "b"\nc', null, 'ö', '1e3'],
    );
    await predictTable(nodeStorage, model, source, join(folder, 'p.jsonl'), scoring);
    const lines = (await readText(nodeStorage, join(folder, 'p.jsonl'))).trimEnd().split('\n');
    for (const [i, line] of lines.entries()) {
      const wanted = JSON.parse(line);
      const [, number, name, ...probabilities] = rows[i]!;
      assert.deepEqual([Number(number), name], [wanted.class, wanted.name]);
      // Every bit of them.
      assert.deepEqual(probabilities.map(Number), wanted.probabilities);
    }
    assert.deepEqual([...new Set(rows.map(([, , name]) => name))].sort(), [...model.classNames].sort());
  });

  test('ids keep what the source knows of them; a name that is taken makes way', async (t) => {
    const folder = temporaryFolder(t);
    const connection = await duckdb();
    const types = {
      small: ['range::INTEGER', 'BIGINT', '0'],
      large: ['9007199254740993::BIGINT + range', 'BIGINT', '9007199254740993'],
      beyond: ['18446744073709551610::UBIGINT + range::UBIGINT', 'VARCHAR', '18446744073709551610'],
      real: ['range + 0.5::DOUBLE', 'DOUBLE', '0.5'],
      day: ["DATE '2026-01-31' + range::INTEGER", 'DATE', '2026-01-31'],
      moment: [
        "TIMESTAMP '2026-01-31 10:20:30.5' + INTERVAL (range) DAY",
        'TIMESTAMP',
        '2026-01-31 10:20:30.5',
      ],
      truth: ['range % 2 = 1', 'BOOLEAN', 'false'],
      class: ["'k' || range", 'VARCHAR', 'k0'],
    } as const;
    for (const [name, [expression, type, first]] of Object.entries(types)) {
      const input = join(folder, `${name}-in.parquet`);
      await connection.run(
        `COPY (SELECT range::DOUBLE AS x, ${expression} AS ${name} FROM range(5)) TO '${input}'`,
      );
      const source = await openTable(nodeStorage, input, { bufferBytes: 1e6 });
      const path = join(folder, `${name}.parquet`);
      await predictTable(nodeStorage, model, source, path, { ...scoring, proba: false, id: name });
      await source.close();
      const { columns, rows } = await readBack(path);
      assert.equal(columns[0], `${name === 'class' ? 'class_id' : name} ${type}`);
      assert.equal(rows[0]![0], first);
      assert.equal(rows.length, 5);
    }
  });

  test('names of outputs that differ in capitals alone make way', async (t) => {
    const path = join(temporaryFolder(t), 'p.parquet');
    const { classNames: _, ...others } = model;
    const several: LinearModel = {
      ...others,
      task: 'regression',
      loss: 'ridge',
      classNames: [],
      labelNames: ['Price', 'rent', 'price'],
      columns: {
        features: model.columns!.features,
        label: { column: 'Price', kind: 'number', others: ['rent', 'price'] },
      },
    };
    const source = listTable(
      ['prediction_rent', 'x'],
      [
        ['a', '2'],
        ['b', '3'],
      ],
    );
    const given = { ...scoring, proba: false, id: 'prediction_rent' };
    await predictTable(nodeStorage, several, source, path, given);
    const { columns, rows } = await readBack(path);
    assert.deepEqual(columns, [
      'prediction_rent_id VARCHAR',
      'prediction_Price DOUBLE',
      'prediction_rent DOUBLE',
      'prediction_price_ DOUBLE',
    ]);
    assert.deepEqual(
      rows.map(([id, ...values]) => [id, ...values.map(Number)]),
      [
        ['a', -2, 0.1 * 2 + 1 / 3, 2],
        ['b', -3, 0.1 * 3 + 1 / 3, 3],
      ],
    );
  });

  test('a column for each of several outputs', async (t) => {
    const path = join(temporaryFolder(t), 'p.parquet');
    const outputs = {
      ...model,
      task: 'regression',
      loss: 'ridge',
      k: 2,
      weights: Float64Array.of(2, -1),
      intercept: Float64Array.of(0.5, 0),
      classNames: [],
      labelNames: ['north', 'a "b"'],
    } as LinearModel;
    const { proba: _, ...plain } = scoring;
    await predictTable(nodeStorage, outputs, listTable(['x'], [['1'], ['0.25']]), path, plain);
    assert.deepEqual(await readBack(path), {
      columns: ['row BIGINT', 'prediction_north DOUBLE', 'prediction_a "b" DOUBLE'],
      rows: [
        ['0', '2.5', '-1.0'],
        ['1', '1.0', '-0.25'],
      ],
    });
  });

  test('more rows than a group holds, in little memory, in their order', async (t) => {
    const path = join(temporaryFolder(t), 'p.parquet');
    const count = 300_000;
    const source: TableSource = {
      ...listTable(['x'], []),
      async *batches() {
        for (let from = 0; from < count; from += 1000)
          yield {
            rows: 1000,
            cell: (row) => from + row,
            place: (row) => `row ${from + row + 1}`,
          };
      },
    };
    await predictTable(nodeStorage, model, source, path, { ...scoring, queryBytes: 200e6 });
    const connection = await duckdb();
    const sums = await connection.runAndReadAll(
      `SELECT count(*), max(abs(row - file_row_number)), sum(p0 + p1 + p2)::BIGINT FROM read_parquet('${path}', file_row_number = true)`,
    );
    assert.deepEqual(sums.getRows()[0]!.map(Number), [count, 0, count]);
  });

  test('nothing is left of what fails or is given up; an older file stays', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'p.parquet');
    await predictTable(nodeStorage, model, listTable(['x'], [['1']]), path, scoring);
    const before = await readBack(path);
    const bad = listTable(['x'], [['1'], ['many']]);
    await assert.rejects(predictTable(nodeStorage, model, bad, path, scoring), { code: 'MLML_BAD_DATA' });
    const good = listTable(['x'], [['2'], ['3']]);
    await assert.rejects(predictTable(nodeStorage, model, good, path, { ...scoring, queryBytes: 10e6 }), {
      code: 'MLML_BUDGET_TOO_SMALL',
    });
    const interruption = new AbortController();
    const given = { ...scoring, signal: interruption.signal, onProgress: () => interruption.abort() };
    await assert.rejects(predictTable(nodeStorage, model, good, path, given), { name: 'AbortError' });
    assert.deepEqual(readdirSync(folder), ['p.parquet']);
    assert.deepEqual(await readBack(path), before);
    assert.ok(existsSync(path));
  });
});
