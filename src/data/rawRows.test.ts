import assert from 'node:assert/strict';
import { test } from 'node:test';
import { put } from '../../test/support/originalFiles.js';
import { type Dtype, dtypeBytes, writeNumber } from '../arithmetic/dtype.js';
import type { ErrorCode } from '../errors.js';
import { MemoryStorage } from '../storage/memoryStorage.js';
import { openDataset } from './dataset.js';
import { importDataset } from './import/importDataset.js';
import { openRawRows, type RawRows } from './rawRows.js';

const D = 5;

/** `rows` rows of D features and a label row % 3; `edit` changes numbers of the flat list. */
async function rawFile(
  storage: MemoryStorage,
  path: string,
  rows: number,
  dtype: Dtype = 'float32',
  edit: (values: number[]) => void = () => {},
): Promise<void> {
  const values = Array.from({ length: rows * (D + 1) }, (_, i) =>
    i % (D + 1) === D ? Math.floor(i / (D + 1)) % 3 : (i * 37) % 101,
  );
  edit(values);
  const bytes = new Uint8Array(values.length * dtypeBytes[dtype]);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) writeNumber(view, i * dtypeBytes[dtype], dtype, value);
  await put(storage, path, bytes);
}

const given: RawRows = { n: 100, d: D, train: '/train', test: '/test', nt: 10, dtype: 'float32', k: 3 };

async function storageWithRows(dtype: Dtype = 'float32', edit?: (values: number[]) => void) {
  const storage = new MemoryStorage();
  await rawFile(storage, '/train', 100, dtype, edit);
  await rawFile(storage, '/test', 10, dtype);
  return storage;
}

test('raw rows open in place as the data set an import would make', async () => {
  for (const dtype of Object.keys(dtypeBytes) as Dtype[]) {
    const storage = await storageWithRows(dtype);
    const raw = { ...given, dtype };
    const dataset = await openRawRows(storage, raw);
    assert.deepEqual(storage.paths(), ['/test', '/train']);
    const imported = await importDataset(storage, '/train', { out: '/out', raw });
    const { statistics, classCounts, fingerprint, task, labelDtype } = dataset.description;
    assert.deepEqual(
      { statistics, classCounts, fingerprint, task, labelDtype },
      {
        statistics: imported.statistics,
        classCounts: imported.classCounts,
        fingerprint: imported.fingerprint,
        task: 'classification',
        labelDtype: dtype,
      },
      dtype,
    );
    assert.deepEqual(classCounts, [34, 33, 33]);
    assert.deepEqual([dataset.train.rows, dataset.test.rows], [100, 10]);
    assert.deepEqual(storage.bytesOf('/out/train.rows'), storage.bytesOf('/train'));
    await dataset.close();
  }
});

test('an import converts the dtype and records the hashes of the files', async () => {
  const storage = await storageWithRows('float32');
  const description = await importDataset(storage, '/train', { out: '/out', raw: given, dtype: 'uint8' });
  assert.deepEqual([description.dtype, description.labelDtype], ['uint8', 'uint8']);
  assert.deepEqual(
    description.source.files.map((file) => file.name),
    ['train', 'test'],
  );
  assert.equal(storage.bytesOf('/out/train.rows')[3], (3 * 37) % 101);
  const dataset = await openDataset(storage, '/out');
  assert.equal(dataset.test.rows, 10);
  await dataset.close();
  const unfit = await storageWithRows('float32', (values) => values.splice(13, 1, 300));
  await assert.rejects(importDataset(unfit, '/train', { out: '/out', raw: given, dtype: 'uint8' }), {
    code: 'MLML_BAD_DATA',
    message: /\/train: byte 52, train row 2: feature 1 is 300, which does not fit uint8/,
  });
  assert.deepEqual(unfit.paths(), ['/test', '/train']);
});

test('regression keeps any finite target; a label may have its own dtype', async () => {
  const storage = await storageWithRows('float64', (values) => values.splice(5, 1, -2.5));
  const raw = { n: 100, d: D, train: '/train', dtype: 'float64', k: 1 } as const;
  const dataset = await openRawRows(storage, raw);
  assert.deepEqual([dataset.description.task, dataset.test.rows], ['regression', 0]);
  assert.deepEqual(dataset.description.classCounts, []);
  await dataset.close();
  const mixed = new Uint8Array(2 * 7);
  new DataView(mixed.buffer).setInt16(5, 700, true);
  await put(storage, '/mixed', mixed);
  const raw700 = { n: 2, d: 5, train: '/mixed', dtype: 'uint8', labelDtype: 'int16', k: 1000 } as const;
  const opened = await openRawRows(storage, raw700);
  assert.equal(opened.description.classCounts[700], 1);
  await opened.close();
});

test('bad values are refused with path, byte and row, on both ways in', async () => {
  const cases: [(values: number[]) => void, RegExp][] = [
    [
      (values) => values.splice(6 * 70 + 5, 1, 3),
      /\/train: byte 1700, train row 70: label 3 is not a class number from 0 to 2/,
    ],
    [(values) => values.splice(6 * 70 + 5, 1, 0.5), /row 70: label 0.5/],
    [
      (values) => values.splice(6 * 7 + 1, 1, NaN),
      /\/train: byte 172, train row 7: feature 1: NaN is not a finite number/,
    ],
    [(values) => values.splice(0, 1, -Infinity), /byte 0, train row 0: feature 0: -Infinity/],
  ];
  for (const [edit, message] of cases) {
    const storage = await storageWithRows('float32', edit);
    const expected = { code: 'MLML_BAD_DATA', message };
    await assert.rejects(openRawRows(storage, given), expected);
    await assert.rejects(importDataset(storage, '/train', { out: '/out', raw: given }), expected);
    assert.deepEqual(storage.paths(), ['/test', '/train']);
  }
  const storage = await storageWithRows();
  await rawFile(storage, '/test', 10, 'float32', (values) => values.splice(2, 1, NaN));
  await assert.rejects(openRawRows(storage, given), {
    code: 'MLML_BAD_DATA',
    message: /\/test: byte 8, test row 0/,
  });
});

test('sizes that are wrong or do not match the file are refused', async () => {
  const storage = await storageWithRows();
  const cases: [Partial<RawRows>, ErrorCode, RegExp][] = [
    [{ n: 99 }, 'MLML_BAD_FILE', /\/train: has 2400 bytes; 99 rows of 5 float32 features .* are 2376 bytes/],
    [{ d: 6 }, 'MLML_BAD_FILE', /2800 bytes/],
    [{ train: '/nowhere' }, 'MLML_NOT_FOUND', /\/nowhere/],
    [{ n: 0 }, 'MLML_USAGE', /--n=0/],
    [{ n: 1.5 }, 'MLML_USAGE', /--n=1.5/],
    [{ d: 2 ** 40 }, 'MLML_USAGE', /--d=1099511627776/],
    [{ k: NaN }, 'MLML_USAGE', /--k=NaN/],
    [{ nt: 0 }, 'MLML_USAGE', /--test=\/test: give the number of its rows/],
    [{ nt: -1 }, 'MLML_USAGE', /--nt=-1/],
    [{ dtype: 'float' as Dtype }, 'MLML_USAGE', /^--dtype=float: is not a number type/],
    [{ labelDtype: 'int' as Dtype }, 'MLML_USAGE', /^labelDtype=int: is not a number type/],
    [{ task: 'regression' }, 'MLML_USAGE', /--k=3: regression has one target/],
  ];
  for (const [change, code, message] of cases)
    await assert.rejects(openRawRows(storage, { ...given, ...change }), { code, message });
  const { test: _, ...withoutTest } = given;
  await assert.rejects(openRawRows(storage, withoutTest), { code: 'MLML_USAGE', message: /--nt=10/ });
});

test('an interrupted pass stops', async () => {
  const options = { signal: AbortSignal.abort() };
  await assert.rejects(openRawRows(await storageWithRows(), given, options), { code: 'MLML_INTERRUPTED' });
});

test('sizes that somebody made up are refused before they are made room for', async () => {
  const storage = new MemoryStorage();
  await put(storage, '/file', new Uint8Array(24));
  const before = process.memoryUsage().arrayBuffers;
  const raw = { n: 1, d: 2 ** 27, k: 2, dtype: 'float64', train: '/file' } as const;
  await assert.rejects(importDataset(storage, '/file', { out: '/out', raw }), {
    code: 'MLML_BAD_FILE',
    message: /^\/file: has 24 bytes; 1 rows of 134217728 float64 features/,
  });
  await assert.rejects(openRawRows(storage, { ...raw, d: 3, k: 2 ** 31 }), {
    code: 'MLML_USAGE',
    message: '--k=2147483648: at most 1048576 classes',
  });
  assert.ok(process.memoryUsage().arrayBuffers - before < 16e6);
});
