import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { put } from '../../test/support/originalFiles.js';
import { readNumber, writeNumber } from '../arithmetic/dtype.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import type { Dataset } from './dataset.js';
import { openDataset } from './dataset.js';
import { importDataset } from './import/importDataset.js';
import { type OnNan, zeroBadValues } from './onNan.js';
import { openRawRows, type RawRows } from './rawRows.js';
import type { RowFile } from './rowFile.js';
import { rowLayout } from './rowLayout.js';

/** Two features and a class; some of it is no number. */
const TRAIN = [
  [1, 2, 0],
  [3, Number.NaN, 1],
  [5, 6, 0],
  [Number.NEGATIVE_INFINITY, Number.NaN, 1],
  [9, 10, 1],
];
const TEST = [
  [1, Number.POSITIVE_INFINITY, 1],
  [4, 5, 0],
];

async function rowFiles(storage: MemoryStorage, train = TRAIN, test = TEST): Promise<RawRows> {
  const write = (path: string, rows: number[][]) => {
    const bytes = new Uint8Array(rows.length * 12);
    const view = new DataView(bytes.buffer);
    for (const [i, x] of rows.flat().entries()) writeNumber(view, 4 * i, 'float32', x);
    return put(storage, path, bytes);
  };
  await write('/train', train);
  await write('/test', test);
  return { n: train.length, d: 2, k: 2, dtype: 'float32', train: '/train', test: '/test', nt: test.length };
}

async function numbersOf(file: RowFile): Promise<number[][]> {
  const bytes = new Uint8Array(file.rows * file.layout.rowBytes);
  await file.readRows(bytes, 0, file.rows);
  const now = new Uint8Array(bytes.length);
  file.readRowsNow(now, 0, file.rows);
  assert.deepEqual(now, bytes, 'read before it returns');
  const view = new DataView(bytes.buffer);
  const step = file.layout.rowBytes / 3;
  return Array.from({ length: file.rows }, (_, i) =>
    [0, 1, 2].map((j) => readNumber(view, (3 * i + j) * step, file.layout.dtype)),
  );
}

/** The same rows by both ways in. */
const ways: readonly (readonly [
  string,
  (s: MemoryStorage, raw: RawRows, onNan: OnNan, warn: (m: string) => void) => Promise<Dataset>,
])[] = [
  ['in place', (storage, raw, onNan, onWarning) => openRawRows(storage, raw, { onNan, onWarning })],
  [
    'imported',
    async (storage, raw, onNan, onWarning) => {
      await importDataset(storage, '/train', { out: '/out', raw, onNan, onWarning });
      return await openDataset(storage, '/out');
    },
  ],
  [
    'imported as other numbers',
    async (storage, raw, onNan, onWarning) => {
      await importDataset(storage, '/train', { out: '/out', raw, onNan, onWarning, dtype: 'float64' });
      return await openDataset(storage, '/out');
    },
  ],
];

for (const [way, open] of ways) {
  describe(way, () => {
    test('error names part, row and feature', async () => {
      const storage = new MemoryStorage();
      const raw = await rowFiles(storage);
      await assert.rejects(
        open(storage, raw, 'error', () => {}),
        {
          code: 'MLML_BAD_DATA',
          message: /^\/train: byte 16, train row 1: feature 1: NaN is not a finite number/,
        },
      );
      const clean = await rowFiles(
        storage,
        TRAIN.filter((row) => row.every(Number.isFinite)),
      );
      await assert.rejects(
        open(storage, clean, 'error', () => {}),
        {
          code: 'MLML_BAD_DATA',
          message: /^\/test: byte 4, test row 0: feature 1: Infinity is not a finite number/,
        },
      );
    });

    test('zero reads such features as 0, before statistics and scaling', async () => {
      const storage = new MemoryStorage();
      const warnings: string[] = [];
      const dataset = await open(storage, await rowFiles(storage), 'zero', (m) => warnings.push(m));
      const zeroed = (rows: number[][]) => rows.map((row) => row.map((x) => (Number.isFinite(x) ? x : 0)));
      assert.deepEqual(await numbersOf(dataset.train), zeroed(TRAIN));
      assert.deepEqual(await numbersOf(dataset.test), zeroed(TEST));
      const { statistics, classCounts } = dataset.description;
      assert.deepEqual(statistics.mean, [18 / 5, 18 / 5]);
      assert.deepEqual(
        [statistics.min, statistics.max],
        [
          [0, 0],
          [9, 10],
        ],
      );
      assert.deepEqual(classCounts, [2, 3]);
      assert.deepEqual(warnings, [
        '--on-nan=zero: 4 values in 3 rows read as 0, being NaN or an infinity; the first: train row 1, feature 1 (NaN)',
      ]);
      await dataset.close();
    });

    test('skip leaves such rows out, of both parts, and counts them', async () => {
      const storage = new MemoryStorage();
      const warnings: string[] = [];
      const dataset = await open(storage, await rowFiles(storage), 'skip', (m) => warnings.push(m));
      assert.deepEqual(await numbersOf(dataset.train), [TRAIN[0], TRAIN[2], TRAIN[4]]);
      assert.deepEqual(await numbersOf(dataset.test), [TEST[1]]);
      const { statistics, classCounts, parts } = dataset.description;
      assert.deepEqual([parts.train.n, parts.test.n], [3, 1]);
      assert.deepEqual(statistics.mean, [5, 6]);
      assert.deepEqual(classCounts, [2, 1]);
      assert.deepEqual(warnings, [
        '--on-nan=skip: 3 rows with NaN or an infinity left out; the first: train row 1, feature 1 (NaN)',
      ]);
      // Single rows and runs of them, across the gaps.
      const one = new Uint8Array(dataset.layout.rowBytes);
      for (const [row, first] of [1, 5, 9].entries()) {
        await dataset.train.readRows(one, row, 1);
        assert.equal(readNumber(new DataView(one.buffer), 0, dataset.layout.dtype), first);
        dataset.train.readRowsNow(one.fill(0), row, 1);
        assert.equal(readNumber(new DataView(one.buffer), 0, dataset.layout.dtype), first);
      }
      assert.deepEqual(await numbersOf(dataset.train.first(2)), [TRAIN[0], TRAIN[2]]);
      await dataset.close();
    });

    test('a label that is no number is left out by skip and an error otherwise', async () => {
      const rows = [TRAIN[0]!, [1, 2, Number.NaN], TRAIN[4]!];
      for (const onNan of ['error', 'zero'] as const) {
        const storage = new MemoryStorage();
        await assert.rejects(
          open(storage, await rowFiles(storage, rows, [TEST[1]!]), onNan, () => {}),
          {
            code: 'MLML_BAD_DATA',
            message: /train row 1: label NaN is not a class number from 0 to 1/,
          },
        );
      }
      const storage = new MemoryStorage();
      const dataset = await open(storage, await rowFiles(storage, rows, [TEST[1]!]), 'skip', () => {});
      assert.deepEqual(await numbersOf(dataset.train), [TRAIN[0], TRAIN[4]]);
      await dataset.close();
    });

    test('errors behind rows that were left out name the row of the file', async () => {
      const storage = new MemoryStorage();
      const raw = await rowFiles(storage, [...TRAIN, [1, 1, 7]]);
      await assert.rejects(
        open(storage, raw, 'skip', () => {}),
        {
          message: /^\/train: byte 68, train row 5: label 7 is not a class number/,
        },
      );
    });

    test('nothing left is an error, nothing to do no warning', async () => {
      const storage = new MemoryStorage();
      const bad = await rowFiles(storage, [TRAIN[1]!, TRAIN[3]!]);
      await assert.rejects(
        open(storage, bad, 'skip', () => {}),
        {
          code: 'MLML_BAD_DATA',
          message: /no training row/,
        },
      );
      for (const onNan of ['zero', 'skip'] as const) {
        const clean = new MemoryStorage();
        const raw = await rowFiles(clean, [TRAIN[0]!, TRAIN[2]!], [TEST[1]!]);
        const dataset = await open(clean, raw, onNan, assert.fail);
        assert.deepEqual(await numbersOf(dataset.train), [TRAIN[0], TRAIN[2]]);
        await dataset.close();
      }
    });
  });
}

test('too many rows to leave out of a file in use are refused; an import takes them', async () => {
  const storage = new MemoryStorage();
  const rows = Array.from({ length: 20_004 }, (_, i) => (i % 2 === 0 ? [1, 2, 1] : [Number.NaN, 1, 0]));
  const raw = await rowFiles(storage, rows, [TEST[1]!]);
  await assert.rejects(openRawRows(storage, raw, { onNan: 'skip' }), {
    code: 'MLML_BAD_DATA',
    message: /more than 10000 rows .* import it with --on-nan=skip/,
  });
  const { parts } = await importDataset(storage, '/train', { out: '/out', raw, onNan: 'skip' });
  assert.equal(parts.train.n, 10_002);
});

test('an unknown policy is a usage error', async () => {
  const storage = new MemoryStorage();
  const raw = await rowFiles(storage);
  const wanted = { code: 'MLML_USAGE', message: '--on-nan=drop: must be one of error, zero, skip' };
  await assert.rejects(openRawRows(storage, raw, { onNan: 'drop' as OnNan }), wanted);
  await assert.rejects(importDataset(storage, '/train', { out: '/o', raw, onNan: 'drop' as OnNan }), wanted);
});

test('zeroBadValues leaves labels and what lies behind the rows alone', () => {
  const bytes = new Uint8Array(Float32Array.of(Number.NaN, 1, Number.NaN, 2, Number.NaN).buffer);
  zeroBadValues(rowLayout(1, 'float32'))(bytes, 2);
  assert.deepEqual([...new Float32Array(bytes.buffer)], [0, 1, 0, 2, Number.NaN]);
});
