import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { listTable } from '../../../test/support/listTable.js';
import { imported } from '../../../test/support/tableImports.js';
import { defaultOptions } from '../../ssgd/options.js';
import { train } from '../../ssgd/train.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { openDataset } from '../dataset.js';
import { importTable } from './importTable.js';
import { Spread } from './spread.js';

function spreadOf(values: readonly number[]): Spread {
  const spread = new Spread();
  for (const value of values) spread.add(value);
  return spread;
}

const range = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));

test('the step of float32 is that of its neighbouring numbers', () => {
  for (const largest of [1, 1.5, 2 ** 24, 1e9, 1.7e12, 0.3]) {
    const [bits] = new Uint32Array(Float32Array.of(largest).buffer);
    const [next] = new Float32Array(Uint32Array.of(bits! + 1).buffer);
    assert.equal(spreadOf([0, -largest]).stepOf('float32'), next! - Math.fround(largest));
  }
  assert.equal(spreadOf([2049]).stepOf('float16'), 2);
});

test('deviations are found whatever the offset', () => {
  for (const offset of [0, 1e6, 1.7e12]) {
    const { deviation } = spreadOf(range(1001, (i) => offset + i));
    assert.ok(Math.abs(deviation / Math.sqrt((1001 ** 2 - 1) / 12) - 1) < 1e-9, `${deviation}`);
  }
});

test('numbers that float32 tells apart, or holds as they are, are fine', () => {
  for (const values of [
    range(100, (i) => i / 7),
    range(100, (i) => 1e9 + 1e6 * i + 0.1),
    range(100, () => 1.7e12 + 0.5),
    // Too near each other, but floats already.
    range(100, (i) => Math.fround(1.7e12 + 131_072 * i)),
    [3],
    [],
  ])
    assert.equal(spreadOf(values).isTooFineFor('float32'), false, String(values[1]));
  for (const values of [range(100, (i) => 1.7e12 + 1000 * i), range(100, (i) => 999_999_900 + i)])
    assert.equal(spreadOf(values).isTooFineFor('float32'), true, String(values[1]));
});

/** Sales in one hour, whose price rises by 1 a minute. */
const sales = listTable(
  ['id', 'at', 'price', 'size'],
  range(200, (i) => [
    String(4_000_000_000 + i),
    String(1_700_000_000_000 + 18_000 * i),
    String(500 + 0.3 * i),
    String(i % 7),
  ]),
  { batchRows: 64 },
);

describe('a table with numbers near each other', () => {
  test('is stored as float64, and nothing of it is lost', async () => {
    const { description, rows, notices, warnings } = await imported(sales, { label: 'price', percentage: 1 });
    assert.deepEqual([description.dtype, description.labelDtype], ['float64', 'float64']);
    assert.deepEqual(rows('train')[199], [4_000_000_199, 1_700_003_582_000, 3, 559.7]);
    assert.deepEqual(warnings, []);
    assert.deepEqual(notices, [
      'rows are stored as float64, since of column id (and 1 more): float32 would round values to multiples of 256, which have a standard deviation of 57.7; --dtype=float32 takes half the room',
    ]);
    const other = await imported(sales, { label: 'price', drop: ['id', 'at'] });
    assert.deepEqual([other.description.dtype, other.notices], ['float32', []]);
  });

  test('a type that is asked for is taken, with a warning', async () => {
    for (const dtype of ['float32', 'float16'] as const) {
      const keep = dtype === 'float16' ? ['price'] : ['at'];
      const label = dtype === 'float16' ? 'size' : 'price';
      const { description, notices, warnings } = await imported(sales, {
        label,
        keep,
        dtype,
        task: 'regression',
      });
      assert.equal(description.dtype, dtype);
      assert.deepEqual(notices, []);
      const [step, deviation] = dtype === 'float16' ? [0.5, 17.3] : [131_000, 1_040_000];
      assert.deepEqual(warnings, [
        `--dtype=${dtype}: of column ${keep[0]}: ${dtype} would round values to multiples of ${step}, which have a standard deviation of ${deviation}; --dtype=float64 keeps them apart`,
      ]);
    }
  });

  test('labels alone, and seconds since 1970 of dates', async () => {
    const keep = ['size'];
    const { description, notices } = await imported(sales, { label: 'at', keep });
    assert.deepEqual([description.dtype, description.labelDtype], ['float32', 'float64']);
    assert.match(
      notices[0]!,
      /^labels are stored as float64: of at, float32 would round values to multiples of 131000/,
    );
    const dates = listTable(
      ['when', 'y'],
      range(90, (i) => [`2026-11-25 10:${String(Math.floor(i / 2)).padStart(2, '0')}:30`, String(i / 3)]),
    );
    for (const [dateParts, dtype] of [
      [undefined, 'float32'],
      [['hour', 'epoch'], 'float64'],
    ] as const) {
      const more = dateParts === undefined ? {} : { dateParts };
      const found = await imported(dates, { label: 'y', percentage: 1, ...more });
      assert.equal(found.description.dtype, dtype);
    }
  });

  test('is learnt from as if it had no offset', async () => {
    const storage = new MemoryStorage();
    await importTable(storage, sales, { out: '/sales', label: 'price', keep: ['at', 'size'] });
    const dataset = await openDataset(storage, '/sales');
    for (const [verb, most] of [
      ['closed', 0.01],
      ['ssgd', 0.5],
    ] as const) {
      const options = { ...defaultOptions, loss: 'ridge', reg: 1e-6, epochs: 100, bufferBytes: 1e6 } as const;
      const { test } = await train(verb, dataset, options, { storage, scratchFolder: '/scratch' });
      assert.ok(test!.rmse! < most, `${verb}: ${test!.rmse}`);
    }
    await dataset.close();
  });
});
