import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsIn } from '../../../test/support/fuzz/rowsIn.js';
import { madeDataset } from '../../../test/support/madeDataset.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { importRows, type NamedRow, type NamedRowOptions } from './importRows.js';

function made(rows: Iterable<NamedRow> | AsyncIterable<NamedRow>, options: Partial<NamedRowOptions> = {}) {
  return madeDataset((storage, out) => importRows(storage, rows, { out, label: 'y', ...options }));
}

test('objects are rows of a table: kinds of columns, missing values, classes by name', async () => {
  async function* rows(): AsyncGenerator<NamedRow> {
    yield { size: 1, town: 'Ulm', big: 5n, when: new Date('2026-01-31T00:00:00Z'), y: 'yes' };
    yield { size: Number.NaN, town: 'Bern', big: 7n, when: new Date('2026-02-01T00:00:00Z'), y: 'no' };
    yield { size: 3, town: null, big: 6n, when: new Date('2027-02-01T00:00:00Z'), y: 'yes', late: undefined };
  }
  const { description, train } = await made(rows(), { percentage: 1, dateParts: ['year'] });
  assert.deepEqual(description.classNames, ['no', 'yes']);
  assert.deepEqual(
    description.columns!.features.map(({ column, kind }) => [column, kind]),
    [
      ['size', 'number'],
      ['town', 'category'],
      ['big', 'number'],
      ['when', 'date'],
    ],
  );
  assert.deepEqual(train.features, [
    [1, 0, 1, 5, 2026],
    [2, 1, 0, 7, 2026],
    [3, 0, 0, 6, 2027],
  ]);
  assert.deepEqual(train.labels, [1, 0, 1]);
  assert.deepEqual(description.source.files, []);
});

test('test rows of their own; arrays go straight to numbers', async () => {
  const rows = Array.from({ length: 10 }, (_, i) => ({ x: i, y: i / 4 }));
  const { description, train, test: held } = await made(rows, { test: [{ x: 50, y: 0.5 }] });
  assert.deepEqual(
    [description.task, train.labels.length, held],
    ['regression', 10, { features: [[50]], labels: [0.5] }],
  );
  const storage = new MemoryStorage();
  const numeric = await importRows(
    storage,
    [
      [1, 0],
      [2, 1],
      [3, 0],
    ],
    { out: '/out', percentage: 1 },
  );
  assert.deepEqual(
    [numeric.d, numeric.columns, (await rowsIn(storage, '/out', 'train')).labels],
    [1, undefined, [0, 1, 0]],
  );
});

test('rows that cannot be used are named', async () => {
  await assert.rejects(importRows(new MemoryStorage(), [{ x: 1 }] as never, { out: '/out' }), {
    code: 'MLML_USAGE',
    message: 'label: rows that are objects need it, the column to be predicted',
  });
  const cases: [readonly unknown[], string, RegExp][] = [
    [[], 'MLML_BAD_DATA', /rows: there is no row/],
    [[{ x: 1, y: 0 }, [1, 2]], 'MLML_BAD_DATA', /rows: line 2: is no object/],
    [
      [
        { x: 1, y: 0 },
        { x: 2, z: 0 },
      ],
      'MLML_BAD_DATA',
      /rows: line 2.*label/,
    ],
    [
      [
        { x: 1, y: 0.5 },
        { x: Number.POSITIVE_INFINITY, y: 0 },
      ],
      'MLML_BAD_DATA',
      /rows: line 2.*Infinity/,
    ],
    [
      [
        { x: [1], y: 0.5 },
        { x: 2, y: 0 },
      ],
      'MLML_BAD_DATA',
      /rows: line 1, column x: is a list or an object/,
    ],
  ];
  for (const [rows, code, message] of cases)
    await assert.rejects(made(rows as NamedRow[]), { code, message });
  await assert.rejects(made([{ x: 1, y: 0 }], { label: 'w' }), { code: 'MLML_USAGE', message: /--label=w/ });
});
