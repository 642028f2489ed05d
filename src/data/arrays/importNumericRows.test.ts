import assert from 'node:assert/strict';
import { test } from 'node:test';
import { madeDataset } from '../../../test/support/madeDataset.js';
import { importNumericRows, type NumericRow, type NumericRowOptions } from './importNumericRows.js';

/** Gives the same array again and again, as readers do. */
async function* rowsOf(count: number, row: NumericRow | number[]): AsyncGenerator<NumericRow> {
  const buffer = row as number[];
  for (let i = 0; i < count; i++) {
    buffer[0] = i;
    buffer[1] = (i % 7) / 8;
    buffer[2] = i % 2;
    yield buffer;
  }
}

function made(
  rows: Iterable<NumericRow> | AsyncIterable<NumericRow>,
  options: Partial<NumericRowOptions> = {},
) {
  return madeDataset((storage, out) => importNumericRows(storage, rows, { out, ...options }));
}

test('rows of a program, of any kind of array, become a data set', async () => {
  const kinds: [NumericRow, string][] = [
    [[0, 0, 0], 'float64'],
    [new Float32Array(3), 'float32'],
    [new Int32Array(3), 'float64'],
  ];
  for (const [row, dtype] of kinds) {
    // More than one piece of the scratch file.
    const count = 20_000;
    const { description, train } = await made(rowsOf(count, row), { percentage: 1 });
    assert.deepEqual(
      [description.dtype, description.parts.train.n, description.task],
      [dtype, count, 'classification'],
    );
    const whole = row instanceof Int32Array;
    assert.deepEqual(train.features[12_345], [12_345, whole ? 0 : (12_345 % 7) / 8]);
    assert.deepEqual(train.labels.slice(-4), [0, 1, 0, 1]);
  }
  const bytes = Array.from({ length: 10 }, (_, i) => Uint8Array.of(i, 250, i % 3));
  const {
    description,
    train,
    test: held,
  } = await made(bytes, { labelColumn: 0, task: 'regression', percentage: 0.5, seed: 3 });
  assert.deepEqual(
    [description.dtype, description.d, train.labels.length, held.labels.length],
    ['uint8', 2, 5, 5],
  );
  assert.deepEqual(
    [...train.labels, ...held.labels].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

test('test rows of their own, and the same rows for the same seed', async () => {
  const { train, test: held } = await made(rowsOf(30, [0, 0, 0]), { test: [[7, 8, 1]] });
  assert.deepEqual([train.labels.length, held], [30, { features: [[7, 8]], labels: [1] }]);
  const fingerprint = async (seed: number) =>
    (await made(rowsOf(30, [0, 0, 0]), { seed })).description.fingerprint;
  assert.equal(await fingerprint(1), await fingerprint(1));
  assert.notEqual(await fingerprint(1), await fingerprint(2));
});

test('rows that cannot be used are named', async () => {
  const cases: [readonly unknown[], RegExp][] = [
    [[], /rows: there is no row/],
    [[[1]], /rows: row 0: has 1 numbers; features and a label/],
    [
      [
        [1, 0],
        [1, 2, 3],
      ],
      /rows: row 1: has 3 numbers, the rows before it 2/,
    ],
    [
      [
        [1, 0],
        ['1', 2],
      ],
      /rows: row 1: number 0 is "1"/,
    ],
    [[[1, 0], null], /rows: row 1: is null; an array/],
    [
      [new Uint8Array([1, 0]), [256, 1]],
      /row 1: number 0 is 256, which does not fit uint8, the type of the first row/,
    ],
    [
      [
        [1, 0],
        [Number.NaN, 1],
      ],
      /rows: byte 16 of the copy, row 1: feature 0: NaN is not a finite number/,
    ],
  ];
  for (const [rows, message] of cases)
    await assert.rejects(made(rows as NumericRow[]), { code: 'MLML_BAD_DATA', message });
  const { train } = await made(
    [
      [1, 0],
      [Number.NaN, 1],
      [2, 1],
    ],
    { onNan: 'skip', percentage: 1 },
  );
  assert.deepEqual(train.features, [[1], [2]]);
  await assert.rejects(made([[1, 0]], { test: [[1, 0]], percentage: 0.5 }), { code: 'MLML_USAGE' });
});

test('a source that fails, and an interruption, leave nothing behind', async () => {
  const failing = async function* () {
    yield [1, 0];
    throw new Error('the line is dead');
  };
  await assert.rejects(made(failing()), /the line is dead/);
  const abort = new AbortController();
  const endless = async function* () {
    for (let i = 0; ; i++) {
      if (i === 1000) abort.abort();
      yield [i, i % 2];
    }
  };
  await assert.rejects(made(endless(), { signal: abort.signal }), { name: 'AbortError' });
});
