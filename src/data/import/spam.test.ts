import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, matlabFile, matlabMatrix, put } from '../../../test/support/originalFiles.js';
import { temporaryFolder } from '../../../test/support/temporaryFolder.js';
import { MemoryStorage } from '../../storage/memoryStorage.js';
import { nodeStorage } from '../../storage/nodeStorage.js';
import { importDataset } from './importDataset.js';
import type { ImportOptions } from './importOptions.js';

const ROWS = 50;
/** Feature j of message `row`; message r is spam when r is a multiple of 3. */
const feature = (row: number, j: number) => row + j / 64;
const columns = Array.from({ length: ROWS * 57 }, (_, i) => feature(i % ROWS, Math.floor(i / ROWS)));
const labels: number[] = Array.from({ length: ROWS }, (_, row) => (row % 3 === 0 ? 1 : 0));
const x = matlabMatrix('Xtrain', ROWS, 57, columns);
const y = matlabMatrix('y', ROWS, 1, labels);
const yTrain = matlabMatrix('ytrain', ROWS, 1, labels);

async function importFile(name: string, bytes: Uint8Array, options: Partial<ImportOptions> = {}) {
  const storage = new MemoryStorage();
  await put(storage, `/raw/${name}`, bytes);
  try {
    const description = await importDataset(storage, 'spam', { out: '/out', dataDir: '/raw', ...options });
    const rows = (part: string) => new Float32Array(storage.bytesOf(`/out/${part}.rows`).buffer);
    return { storage, description, train: rows('train'), test: rows('test') };
  } catch (error) {
    assert.deepEqual(storage.paths(), [`/raw/${name}`], 'a failed import left files behind');
    throw error;
  }
}

function checkRows(rows: Float32Array, seen: Set<number>): void {
  for (let at = 0; at < rows.length; at += 58) {
    const row = rows[at]!;
    seen.add(row);
    for (let j = 0; j < 57; j++) assert.equal(rows[at + j], feature(row, j));
    assert.equal(rows[at + 57], row % 3 === 0 ? 1 : 0);
  }
}

test('spam.mat, compressed or not, is transposed, shuffled and split', async () => {
  const other = matlabMatrix('Xtest', 3, 57, new Array(171).fill(-1));
  const compressed = await importFile('spam.mat', matlabFile([x, y, other, yTrain], true));
  const { description, train, test: testRows } = compressed;
  assert.deepEqual([description.parts.train.n, description.parts.test.n], [40, 10]);
  assert.deepEqual([description.d, description.k, description.dtype], [57, 2, 'float32']);
  assert.deepEqual(description.classNames, ['ham', 'spam']);
  const seen = new Set<number>();
  checkRows(train, seen);
  checkRows(testRows, seen);
  assert.equal(seen.size, ROWS);
  const order = [...train].filter((_, at) => at % 58 === 0);
  assert.notDeepEqual(
    order,
    order.toSorted((a, b) => a - b),
  );
  const plain = await importFile('spam.mat', matlabFile([other, yTrain, x, y], false));
  assert.equal(plain.description.fingerprint, description.fingerprint);
});

test('the split follows --seed and --percentage', async () => {
  const file = matlabFile([x, yTrain], true);
  const fingerprint = async (options: Partial<ImportOptions>) =>
    (await importFile('spam.mat', file, options)).description.fingerprint;
  assert.equal(await fingerprint({ seed: 3 }), await fingerprint({ seed: 3 }));
  assert.notEqual(await fingerprint({ seed: 3 }), await fingerprint({ seed: 4 }));
  const half = await importFile('spam.mat', file, { percentage: 0.5, n: 7 });
  assert.deepEqual([half.description.parts.train.n, half.description.parts.test.n], [7, 25]);
  const whole = await importFile('spam.mat', file, { percentage: 1 });
  assert.deepEqual([whole.description.parts.train.n, whole.description.parts.test.n], [50, 0]);
  for (const percentage of [0, -1, 1.5, NaN, 0.001])
    await assert.rejects(importFile('spam.mat', file, { percentage }), { code: 'MLML_USAGE' });
  await assert.rejects(importFile('spam.mat', file, { dtype: 'uint8' }), {
    code: 'MLML_BAD_DATA',
    message: /row \d+: feature 1 is [\d.]+, which does not fit uint8/,
  });
});

test('damaged MATLAB files are refused', async () => {
  const plain = matlabFile([x, yTrain], false);
  const packed = matlabFile([x, yTrain], true);
  const edited = (bytes: Uint8Array, at: number, value: number) => {
    const copy = bytes.slice();
    copy[at] = value;
    return copy;
  };
  const cases: [Uint8Array, RegExp][] = [
    [plain.subarray(0, 60), /spam.mat: byte 60: .*header of a MATLAB 5 file/],
    [edited(plain, 126, 0x4d), /byte 124: this is not a little-endian MATLAB 5 file/],
    [plain.subarray(0, 9000), /byte 128: this element says it has \d+ bytes, but the file ends after/],
    [edited(plain, 128, 3), /byte 128: element type 3 is neither a matrix nor compressed/],
    [edited(packed, 400, packed[400]! ^ 255), /damaged zlib stream after byte \d+ of the decompressed data/],
    [matlabFile([x], true), /there was no variable 'ytrain'/],
    [matlabFile([x, matlabMatrix('ytrain', 3, 1, [0, 1, 1])], true), /Xtrain is 50 x 57 and ytrain 3 x 1/],
    [
      matlabFile([matlabMatrix('Xtrain', 50, 56, columns), yTrain], true),
      /'Xtrain' is 50 x 56 but its numbers are/,
    ],
    [
      matlabFile([matlabMatrix('Xtrain', 2 ** 30, 57, columns), yTrain], true),
      /'Xtrain' is 1073741824 x 57 but its numbers are/,
    ],
    [matlabFile([edited(x, 16, 1), yTrain], true), /'Xtrain' is not a full real matrix \(array class 1\)/],
  ];
  for (const [bytes, message] of cases)
    await assert.rejects(importFile('spam.mat', bytes), { code: 'MLML_BAD_FILE', message });
  const mislabelled = matlabFile(
    [
      x,
      matlabMatrix(
        'ytrain',
        ROWS,
        1,
        labels.map((label, row) => (row === 4 ? 2 : label)),
      ),
    ],
    true,
  );
  await assert.rejects(importFile('spam.mat', mislabelled), {
    code: 'MLML_BAD_DATA',
    message: /label 2 of row 4/,
  });
  const missing = matlabFile([matlabMatrix('Xtrain', ROWS, 57, columns.with(51, NaN)), yTrain], true);
  await assert.rejects(importFile('spam.mat', missing), {
    code: 'MLML_BAD_DATA',
    message: /NaN in row 1, column 1/,
  });
});

const lines = Array.from({ length: ROWS }, (_, row) =>
  [...Array.from({ length: 57 }, (_, j) => feature(row, j)), labels[row]].join(','),
);

test('spambase.data makes the same rows', async () => {
  const fromMatlab = await importFile('spam.mat', matlabFile([x, yTrain], true));
  for (const text of [`${lines.join('\n')}\n`, lines.join('\r\n'), `${lines.join('\n')}\n\n`]) {
    const warnings: string[] = [];
    const { description } = await importFile('spambase.data', concat(text), {
      onWarning: (message) => warnings.push(message),
    });
    assert.equal(description.fingerprint, fromMatlab.description.fingerprint);
    assert.match(warnings.join(), /50 rows; the official file has 4601/);
  }
});

test('damaged spambase.data is refused with byte and line', async () => {
  const second = lines[0]!.length + 1;
  const withLine = (line: string) => concat(`${lines[0]}\n${line}\n${lines[2]}\n`);
  const cases: [Uint8Array, RegExp][] = [
    [
      concat(lines.join('\n').slice(0, second + 50)),
      new RegExp(`byte ${second} \\(line 2\\): \\d+ values; 58`),
    ],
    [withLine(lines[1]!.replace(',', ',x')), /line 2\): value 2 is 'x[\d.]+', not a number/],
    [withLine(lines[1]!.replace(/,[^,]+,/, ',,')), /line 2\): value 2 is '', not a number/],
    [withLine('1'.repeat(2001)), /line 2\): a line longer than 2000 bytes/],
    [concat('\n\n'), /no line with values/],
  ];
  for (const [bytes, message] of cases)
    await assert.rejects(importFile('spambase.data', bytes), { code: 'MLML_BAD_FILE', message });
  await assert.rejects(importFile('spambase.data', withLine(lines[1]!.replace(/.$/, '5'))), {
    code: 'MLML_BAD_DATA',
    message: /line 2\): label 5 is neither 0 nor 1/,
  });
});

const realData = process.env['MLML_DATA'];
test('the original spam.mat', {
  skip: realData === undefined ? 'MLML_DATA is not set' : false,
}, async (context) => {
  const out = `${temporaryFolder(context)}/spam`;
  const options = { out, dataDir: realData!, onWarning: assert.fail };
  const description = await importDataset(nodeStorage, 'spam', options);
  assert.deepEqual([description.parts.train.n, description.parts.test.n], [2760, 690]);
  assert.deepEqual(description.classCounts, [1662, 1098]);
  assert.equal(description.fingerprint, '6a14b21b5fe2b7a915e5231788b812ec');
});
