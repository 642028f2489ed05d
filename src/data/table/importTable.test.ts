import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listTable } from '../../../test/support/listTable.js';
import { dtypeBytes, readNumber } from '../../arithmetic/dtype.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { Cell } from '../columns/columnMapping.js';
import { openDataset } from '../dataset.js';
import type { PartName } from '../format.js';
import { verifyDataset } from '../verify.js';
import { importTable } from './importTable.js';
import type { TableImportOptions } from './tableImportOptions.js';
import type { TableSource } from './tableSource.js';

const OUT = '/data/new';

/** Imports, checks the files, and gives the rows of a part as they are stored: features, then the label. */
async function imported(source: TableSource, options: Omit<TableImportOptions, 'out'>) {
  const storage = new MemoryStorage();
  const warnings: string[] = [];
  const notices: string[] = [];
  await importTable(storage, source, {
    onWarning: (message) => warnings.push(message),
    onNotice: (message) => notices.push(message),
    ...options,
    out: OUT,
  });
  await verifyDataset(storage, OUT);
  const dataset = await openDataset(storage, OUT);
  const { description, layout } = dataset;
  await dataset.close();
  const rows = (part: PartName) => {
    const bytes = storage.bytesOf(`${OUT}/${part}.rows`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const { d, dtype, labelDtype, labelOffset, rowBytes } = layout;
    return Array.from({ length: description.parts[part].n }, (_, row) => [
      ...Array.from({ length: d }, (_, j) => readNumber(view, row * rowBytes + j * dtypeBytes[dtype], dtype)),
      readNumber(view, row * rowBytes + labelOffset, labelDtype),
    ]);
  };
  return { description, rows, warnings, notices };
}

async function fails(
  source: TableSource,
  options: Omit<TableImportOptions, 'out'>,
  code: string,
  message: string | RegExp,
) {
  const storage = new MemoryStorage();
  await assert.rejects(importTable(storage, source, { ...options, out: OUT }), { code, message });
  assert.deepEqual(storage.paths(), []);
}

const houses = listTable(
  ['id', 'rooms', 'sea', 'built', 'town', 'price'],
  [
    ['a', '3', 'yes', '2001-02-03', 'York', '10.5'],
    ['b', '', 'no', '2002-03-04', 'Bath', '20'],
    ['c', '6', '', '', 'York', '30'],
    ['d', '9', 'yes', '2003-12-31', '', '40'],
  ],
  { name: 'houses.csv' },
);

describe('importing a table', () => {
  test('kinds of columns are those of their values, and missing values are filled', async () => {
    const { description, rows, notices } = await imported(houses, {
      label: 'price',
      id: 'id',
      percentage: 1,
    });
    assert.equal(description.task, 'regression');
    assert.deepEqual(notices, []);
    const fill = (value: number) => ({ fill: value, indicator: false });
    assert.deepEqual(description.columns, {
      features: [
        { column: 'rooms', kind: 'number', missing: fill(6) },
        { column: 'sea', kind: 'boolean', missing: fill(2 / 3) },
        {
          column: 'built',
          kind: 'date',
          parts: ['year', 'month', 'day', 'weekday'],
          missing: { fill: 0, indicator: true },
        },
        { column: 'town', kind: 'category', values: ['Bath', 'York'] },
      ],
      label: { column: 'price', kind: 'number' },
      id: 'id',
    });
    const share = Math.fround(2 / 3);
    assert.deepEqual(rows('train'), [
      [3, 1, 2001, 2, 3, 5, 0, 0, 1, 10.5],
      [6, 0, 2002, 3, 4, 0, 0, 1, 0, 20],
      [6, share, 0, 0, 0, 0, 1, 0, 1, 30],
      [9, 1, 2003, 12, 31, 2, 0, 0, 0, 40],
    ]);
    assert.deepEqual(description.source, {
      description: 'table houses.csv, label price',
      files: [{ name: 'houses.csv', sha256: '0'.repeat(64) }],
    });
  });

  test('missing values become zeros, or have a feature of their own', async () => {
    const keep = ['rooms', 'sea'];
    const zero = await imported(houses, { label: 'price', keep, missing: 'zero', percentage: 1 });
    assert.deepEqual(zero.rows('train'), [
      [3, 1, 10.5],
      [0, 0, 20],
      [6, 0, 30],
      [9, 1, 40],
    ]);
    const told = await imported(houses, { label: 'price', keep, missing: 'indicator', percentage: 1 });
    assert.deepEqual(told.rows('train')[1], [6, 1, 0, 0, 20]);
    assert.deepEqual(told.rows('train')[0], [3, 0, 1, 0, 10.5]);
  });

  test('means are those of the training rows, also where values are missing in other tables only', async () => {
    const table = listTable(
      ['set', 'x', 'z', 'y'],
      [
        ['train', '1', '2', '0.5'],
        ['TEST', '100', '100', '1'],
        ['train', '', '4', '2'],
        ['test', '', '', '3'],
        ['Train', '2', '9', '4'],
      ],
    );
    const { description, rows } = await imported(table, { label: 'y', splitColumn: 'set' });
    assert.deepEqual(rows('train'), [
      [1, 2, 0.5],
      [1.5, 4, 2],
      [2, 9, 4],
    ]);
    assert.deepEqual(rows('test'), [
      [100, 100, 1],
      [1.5, 5, 3],
    ]);
    const whole = listTable(
      ['x', 'y'],
      [
        ['1', '0.5'],
        ['2', '1'],
        ['6', '2'],
      ],
    );
    const other = listTable(['y', 'x', 'more'], [['7', '', 'z']]);
    const second = await imported(whole, { label: 'y', test: other });
    assert.deepEqual(second.description.columns!.features, [
      { column: 'x', kind: 'number', missing: { fill: 3, indicator: false } },
    ]);
    assert.deepEqual(second.rows('test'), [[3, 7]]);
    assert.equal(description.parts.test.n, 2);
  });

  test('a date that is missing in other tables only is the mean of each part', async () => {
    const table = listTable(
      ['when', 'y'],
      [
        ['2001-02-05', '1.5'],
        ['2003-04-07', '2'],
      ],
    );
    const later = listTable(['when', 'y'], [['', '3']]);
    const { description, rows } = await imported(table, { label: 'y', test: later });
    const [when] = description.columns!.features;
    assert.deepEqual(when, {
      column: 'when',
      kind: 'date',
      parts: ['year', 'month', 'day', 'weekday'],
      missing: { fill: 0, fills: [2002, 3, 6, 0], indicator: false },
    });
    assert.deepEqual(rows('test'), [[2002, 3, 6, 0, 3]]);
  });

  test('classes are the values of the label, in order of their size when they are numbers', async () => {
    const labels = ['10', '9.0', '9', '1', 'x'];
    const table = (names: readonly string[]) =>
      listTable(
        ['x', 'y'],
        names.map((name, row) => [String(row), name]),
      );
    const mixed = await imported(table(labels), { label: 'y', percentage: 1 });
    assert.deepEqual(mixed.description.classNames, ['1', '9', '10', 'x']);
    assert.deepEqual(
      mixed.rows('train').map((row) => row[1]),
      [2, 1, 1, 0, 3],
    );
    assert.deepEqual(mixed.description.classCounts, [1, 2, 1, 1]);
    const whole = await imported(table(labels.slice(0, 4)), { label: 'y', percentage: 1 });
    assert.equal(whole.description.task, 'classification');
    assert.match(whole.notices[0]!, /^y is taken for a class, having 3 different whole numbers/);
    const numbers = await imported(table(labels.slice(0, 4)), { label: 'y', task: 'regression' });
    assert.equal(numbers.description.k, 1);
    const far = Array.from({ length: 21 }, (_, i) => String(i));
    assert.equal((await imported(table(far), { label: 'y' })).description.task, 'regression');
    assert.equal((await imported(table(far), { label: 'y', task: 'classification' })).description.k, 21);
  });

  test('many different values are hashed, long ones read as text, numbers among words are names', async () => {
    const table = listTable(
      ['code', 'zip', 'said', 'y'],
      [
        ['1', 'a', 'the sea is here', '0.1'],
        ['2', 'b', 'the sea was there once', '1'],
        ['x', 'c', 'no sea at all', '2'],
        ['1', 'd', 'a house by a road', '3'],
      ],
    );
    const { description, notices } = await imported(table, {
      label: 'y',
      categories: 3,
      hashBits: 3,
      ngrams: 2,
    });
    assert.deepEqual(description.columns!.features, [
      { column: 'code', kind: 'category', values: ['1', '2', 'x'] },
      { column: 'zip', kind: 'hash', bits: 3 },
      { column: 'said', kind: 'text', bits: 3, ngrams: 2 },
    ]);
    assert.equal(notices.length, 3);
    assert.match(notices[0]!, /^column code is not taken for numbers/);
    const forced = await imported(table, {
      label: 'y',
      drop: ['said'],
      text: ['zip'],
      types: { code: 'hash' },
      hashBits: 2,
    });
    assert.deepEqual(
      forced.description.columns!.features.map(({ kind }) => kind),
      ['hash', 'text'],
    );
  });

  test('rows are drawn for training in proportion to their classes, by seed', async () => {
    const table = listTable(
      ['x', 'y'],
      Array.from({ length: 200 }, (_, row): Cell[] => [row, row % 10 === 0 ? 'rare' : 'common']),
      { batchRows: 7 },
    );
    const first = await imported(table, { label: 'y', percentage: 0.7, seed: 3 });
    assert.deepEqual(first.description.classCounts, [126, 14]);
    assert.equal(first.description.parts.test.n, 60);
    const all = [...first.rows('train'), ...first.rows('test')].map(([x]) => x!).sort((a, b) => a - b);
    assert.deepEqual(
      all,
      Array.from({ length: 200 }, (_, row) => row),
    );
    assert.deepEqual(
      (await imported(table, { label: 'y', percentage: 0.7, seed: 3 })).rows('test'),
      first.rows('test'),
    );
    assert.notDeepEqual(
      (await imported(table, { label: 'y', percentage: 0.7, seed: 4 })).rows('test'),
      first.rows('test'),
    );
    const few = await imported(table, { label: 'y', percentage: 0.7, seed: 3, n: 10 });
    assert.deepEqual(few.rows('train'), first.rows('train').slice(0, 10));
    assert.deepEqual(few.rows('test'), first.rows('test'));
  });

  test('infinite values and missing labels are refused, or repaired as asked', async () => {
    const table = listTable(
      ['x', 'y'],
      [
        ['1', '0.5'],
        ['inf', '1'],
        ['2', ''],
        ['3', '-inf'],
        ['4', '2'],
      ],
    );
    const whole = { label: 'y', percentage: 1 };
    await fails(
      table,
      whole,
      'MLML_BAD_DATA',
      'list: row 3, column y: the label is missing; --on-nan=skip leaves such rows out',
    );
    const skipped = await imported(table, { ...whole, onNan: 'skip' });
    assert.deepEqual(skipped.rows('train'), [
      [1, 0.5],
      [4, 2],
    ]);
    assert.equal(skipped.warnings.length, 2);
    const labelled = listTable(
      ['x', 'y'],
      [
        ['1', '0.5'],
        ['-inf', '1'],
      ],
    );
    await fails(
      labelled,
      whole,
      'MLML_BAD_DATA',
      'list: row 2, column x: -Infinity cannot be used; --on-nan=zero reads such values as 0, --on-nan=skip leaves their rows out',
    );
    const zero = await imported(labelled, { ...whole, onNan: 'zero' });
    assert.deepEqual(zero.rows('train'), [
      [1, 0.5],
      [0, 1],
    ]);
  });

  test('numbers that do not fit the number type asked for are refused with their place', async () => {
    const table = listTable(
      ['x', 'y'],
      [
        ['255', '0.5'],
        ['7', '1'],
      ],
    );
    const bytes = await imported(table, { label: 'y', dtype: 'uint8', percentage: 1 });
    assert.deepEqual(bytes.rows('train'), [
      [255, 0.5],
      [7, 1],
    ]);
    assert.equal(bytes.description.labelDtype, 'float32');
    await fails(
      table,
      { label: 'y', dtype: 'int8', percentage: 1 },
      'MLML_BAD_DATA',
      'list: row 1, x: 255 does not fit int8; choose another --dtype',
    );
    const large = listTable(
      ['x', 'y'],
      [
        [1e39, 0.5],
        [1, 1],
      ],
    );
    await fails(
      large,
      { label: 'y' },
      'MLML_BAD_DATA',
      'list: row 1, column x: 1e+39 does not fit float32; choose another --dtype',
    );
    await fails(
      large,
      { label: 'y', types: { x: 'boolean' } },
      'MLML_BAD_DATA',
      'list: row 1, column x: "1e+39" is not true or false',
    );
  });

  test('columns and labels that cannot be are told', async () => {
    await fails(
      houses,
      { label: 'prize' },
      'MLML_USAGE',
      '--label=prize: houses.csv has no such column; did you mean price?',
    );
    await fails(houses, { label: 'price', keep: ['price'] }, 'MLML_USAGE', /no column is left/);
    await fails(
      houses,
      { label: 'town', task: 'regression', onNan: 'skip' },
      'MLML_BAD_DATA',
      /^houses.csv: row 1, column town: "York" is not a number/,
    );
    await fails(
      listTable(
        ['x', 'y'],
        [
          ['1', 'a'],
          ['2', 'a'],
        ],
      ),
      { label: 'y' },
      'MLML_BAD_DATA',
      /at least two classes/,
    );
    await fails(
      houses,
      { label: 'price', splitColumn: 'town' },
      'MLML_BAD_DATA',
      /"york" is neither train nor test/,
    );
    await fails(
      houses,
      { label: 'price', bufferBytes: 1000 },
      'MLML_BUDGET_TOO_SMALL',
      /needs at least .* --buffer is/,
    );
    await fails(
      { ...houses, repeatable: false },
      { label: 'price' },
      'MLML_INTERNAL',
      /can be read once only/,
    );
    for (const [option, value] of [
      ['percentage', 2],
      ['categories', -1],
      ['hashBits', 25],
      ['ngrams', 0],
      ['n', 0],
      ['missing', 'median'],
      ['dateParts', ['century']],
      ['types', { rooms: 'integer' }],
    ] as const)
      await fails(houses, { label: 'price', [option]: value }, 'MLML_USAGE', /: must be /);
  });
});

test('one cell that is no number is told of, and makes no classes of a label of numbers', async () => {
  const table = (bad: { readonly x?: string; readonly y?: string }) =>
    listTable(
      ['x', 'y'],
      Array.from({ length: 60 }, (_, i) => [
        i === 30 ? (bad.x ?? '7') : `${i}`,
        i === 40 ? (bad.y ?? '7.5') : `${i}.5`,
      ]),
    );
  await assert.rejects(imported(table({ y: '-' }), { label: 'y' }), {
    code: 'MLML_BAD_DATA',
    message: /row 41, column y: "-" is not a number, as most values of the label are/,
  });
  const { notices, description } = await imported(table({ x: '1,5' }), { label: 'y' });
  assert.equal(description.columns!.features[0]!.kind, 'category');
  assert.match(
    notices.join('\n'),
    /^column x is not taken for numbers, since .*row 31.* holds "1,5"; mend that/m,
  );
});
