import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listTable } from '../../../test/support/listTable.js';
import { put } from '../../../test/support/originalFiles.js';
import { houses, imported } from '../../../test/support/tableImports.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import type { Cell } from '../columns/columnMapping.js';
import { RowEncoder } from '../columns/rowEncoder.js';
import { openTable } from './openTable.js';

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

  test('a date may be a word for a missing value, in text too', async () => {
    const rows = Array.from({ length: 40 }, (_, i) => [
      i % 4 === 0 ? '1900-01-01' : `2001-02-${10 + (i % 9)}`,
      String(i + 0.5),
    ]);
    const storage = new MemoryStorage();
    const text = ['when,y', ...rows.map((row) => row.join(','))].join('\n');
    await put(storage, '/t.csv', new TextEncoder().encode(text));
    const csv = await openTable(storage, '/t.csv', { bufferBytes: 1e6 });
    const given = { label: 'y', percentage: 1, missingValues: ['1900-01-01'] } as const;
    const ofText = await imported(csv, given);
    assert.deepEqual(ofText.rows('train')[0], [0, 0, 0, 0, 1, 0.5]);
    assert.deepEqual(ofText.rows('train')[1], [2001, 2, 11, 6, 0, 1.5]);
    assert.deepEqual(
      ofText.rows('train'),
      (await imported(listTable(['when', 'y'], rows), given)).rows('train'),
    );
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

  test('words for missing values are those that are given, for labels and features alike', async () => {
    const table = listTable(
      ['x', 'kind', 'y'],
      [
        ['1', 'oil', 'None'],
        ['Unknown', 'none', 'NA'],
        ['3', '-', 'heat'],
        ['', '?', ' na '],
        [null, ' - ', 'heat'],
      ],
    );
    const given = { label: 'y', percentage: 1 } as const;
    const { description, rows } = await imported(table, { ...given, missingValues: ['unknown', '-'] });
    assert.deepEqual(description.classNames, ['NA', 'None', 'heat', 'na']);
    assert.deepEqual(description.columns!.missingValues, ['unknown', '-']);
    assert.deepEqual(description.columns!.features, [
      { column: 'x', kind: 'number', missing: { fill: 2, indicator: false } },
      { column: 'kind', kind: 'category', values: ['?', 'none', 'oil'] },
    ]);
    assert.deepEqual(rows('train'), [
      [1, 0, 0, 1, 1],
      [2, 0, 1, 0, 0],
      [3, 0, 0, 0, 2],
      [2, 1, 0, 0, 3],
      [2, 0, 0, 0, 2],
    ]);
    const none = await imported(table, { ...given, missingValues: [] });
    assert.deepEqual(none.description.columns!.features[0], {
      column: 'x',
      kind: 'category',
      values: ['1', '3', 'Unknown'],
    });
    // A model reads new tables by the same words.
    const encoder = new RowEncoder(description.columns!, ['x', 'kind'], description.classNames);
    const target = new Float64Array(encoder.d);
    encoder.encode(['UNKNOWN', 'None'], target, (column) => column);
    assert.deepEqual([...target], [2, 0, 0, 0]);
    encoder.encode(['UNKNOWN', 'none'], target, (column) => column);
    assert.deepEqual([...target], [2, 0, 1, 0]);
    assert.throws(() => encoder.encode(['NA', 'oil'], target, (column) => column), {
      message: 'x: "NA" is not a number',
    });
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
});
