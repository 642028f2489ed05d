import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type Dtype, dtypeBytes } from '../../../src/arithmetic/dtype.js';
import { importDataset } from '../../../src/data/import/importDataset.js';
import { openRawRows } from '../../../src/data/rawRows.js';
import { verifyDataset } from '../../../src/data/verify.js';
import { MemoryStorage } from '../../../src/storage/memoryStorage.js';
import {
  cifarPickle,
  cifarRecords,
  concat,
  idxImages,
  idxLabels,
  matlabFile,
  matlabMatrix,
  put,
  tarGz,
} from '../originalFiles.js';
import { plainLibsvm, storedSparse } from '../sparseRows.js';
import { bytesLike, type FuzzTarget } from './fuzz.js';
import { mutated, mutationsOf } from './mutations.js';
import { type PlainRows, plainCifar, plainIdx, plainMatlab, plainText } from './originalReaders.js';
import { rowsIn } from './rowsIn.js';
import { wholeOrNothing } from './wholeOrNothing.js';

type Files = readonly (readonly [string, Uint8Array])[];

const given: FuzzTarget[] = [];

/** Imports files in memory: nothing may be left of what failed, and what was made is whole. */
async function importIn(files: Files): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  for (const [name, bytes] of files) await put(storage, `/raw/${name}`, bytes);
  await wholeOrNothing(storage, () => importDataset(storage, '/raw', { out: '/out' }));
  await verifyDataset(storage, '/out');
  return storage;
}

/** Real files of the folder that MLML_DATA names, when it is there. */
function real(path: string): Uint8Array | undefined {
  const folder = process.env['MLML_DATA'];
  if (folder === undefined) return undefined;
  try {
    return new Uint8Array(readFileSync(join(folder, path)));
  } catch {
    return undefined;
  }
}

const TRAIN = 4;
const mnist = {
  images: idxImages(TRAIN),
  labels: idxLabels([3, 1, 4, 1]),
  testImages: idxImages(2, TRAIN),
  testLabels: idxLabels([5, 9]),
};
const zipped = (bytes: Uint8Array) => new Uint8Array(gzipSync(bytes));
const realImages = real('mnist/t10k-images-idx3-ubyte.gz');
const realDigits =
  realImages === undefined
    ? []
    : [
        concat(
          [0, 0, 8, 3, 0, 0, 0, TRAIN, 0, 0, 0, 28, 0, 0, 0, 28],
          gunzipSync(realImages).subarray(16, 16 + TRAIN * 784),
        ),
      ];
const realLabels = real('mnist/t10k-labels-idx1-ubyte.gz');

async function sameAsIdx(images: Uint8Array, labels: Uint8Array, gzip: boolean): Promise<boolean> {
  const end = gzip ? '.gz' : '';
  const storage = await importIn([
    [`train-images-idx3-ubyte${end}`, images],
    [`train-labels-idx1-ubyte${end}`, labels],
    ['t10k-images-idx3-ubyte', mnist.testImages],
    ['t10k-labels-idx1-ubyte', mnist.testLabels],
  ]);
  assert.deepEqual(await rowsIn(storage, '/out', 'train'), plainIdx(images, labels, gzip));
  return true;
}

given.push(
  {
    name: 'idx images',
    cases: bytesLike([mnist.images, ...realDigits]),
    run: (bytes: Uint8Array) => sameAsIdx(bytes, mnist.labels, false),
  },
  {
    name: 'idx labels',
    cases: bytesLike([mnist.labels]),
    run: (bytes: Uint8Array) => sameAsIdx(mnist.images, bytes, false),
  },
  {
    name: 'gzip, images',
    cases: bytesLike([zipped(mnist.images), ...realDigits.map(zipped)]),
    run: (bytes: Uint8Array) => sameAsIdx(bytes, zipped(mnist.labels), true),
  },
  {
    name: 'gzip, labels',
    cases: bytesLike([zipped(mnist.labels), ...(realLabels === undefined ? [] : [realLabels])]),
    run: (bytes: Uint8Array) => sameAsIdx(zipped(mnist.images), bytes, true),
  },
);

const labelsOf = (batch: number) => [batch, (2 * batch) % 10];
const batches = Array.from({ length: 5 }, (_, i) => cifarRecords(labelsOf(i + 1), 3 * i));
const realBatch = real('cifar-10/test_batch_first1000.bin')?.slice(0, 2 * 3073);
const testBatch = cifarRecords([7], 90);

given.push({
  name: 'CIFAR-10, binary',
  cases: bytesLike([batches[2]!, ...(realBatch === undefined ? [] : [realBatch])]),
  async run(bytes: Uint8Array) {
    const all = batches.with(2, bytes);
    const storage = await importIn([
      ...all.map((batch, i) => [`data_batch_${i + 1}.bin`, batch] as const),
      ['test_batch.bin', testBatch],
    ]);
    assert.deepEqual(await rowsIn(storage, '/out', 'train'), plainCifar(all));
    return true;
  },
});

const pickles = Array.from({ length: 5 }, (_, i) => cifarPickle(labelsOf(i + 1), 3 * i, i % 2 === 0));
given.push({
  name: 'CIFAR-10, pickles',
  cases: bytesLike([pickles[2]!, pickles[3]!]),
  async run(bytes: Uint8Array) {
    const storage = await importIn([
      ...pickles.with(2, bytes).map((batch, i) => [`data_batch_${i + 1}`, batch] as const),
      ['test_batch', cifarPickle([7], 90)],
    ]);
    // The images of the others stand as they were; those of this one are a piece of it, and its labels are in it.
    const { features, labels } = await rowsIn(storage, '/out', 'train');
    const count = labels.length - 8;
    const others = plainCifar(batches);
    assert.deepEqual(
      [...features.slice(0, 4), ...features.slice(4 + count)],
      [...others.features.slice(0, 4), ...others.features.slice(6)],
    );
    const pixels = Buffer.from(features.slice(4, 4 + count).flat());
    const start = Buffer.from(bytes).indexOf(pixels);
    assert.ok(start >= 0, 'the pixels are none of the file');
    for (const label of labels.slice(4, 4 + count)) {
      const rest = Buffer.concat([bytes.subarray(0, start), bytes.subarray(start + pixels.length)]);
      // K is a byte, M two, J four, \x88 and \x89 no numbers.
      const stored = [Buffer.of(0x4b, label), Buffer.of(0x4d, label, 0), Buffer.of(0x4a, label, 0, 0, 0)];
      assert.ok(
        stored.some((code) => rest.includes(code)),
        `label ${label} is not in the file`,
      );
    }
    return true;
  },
});

const entries = [
  ...batches.map((bytes, i) => [`cifar/data_batch_${i + 1}.bin`, bytes] as const),
  ['cifar/test_batch.bin', testBatch] as const,
];
const archive = await tarGz(entries);
const tar = new Uint8Array(gunzipSync(archive));
given.push(
  {
    name: 'tar in gzip',
    cases: fc
      .tuple(mutationsOf, fc.nat(5))
      // Aimed at one of the headers.
      .map(([mutations, entry]) =>
        mutated(
          tar,
          mutations.map((change) => ({
            ...change,
            at: change.at < 512 ? change.at + entry * (512 + 6656) : change.at,
          })),
        ),
      ),
    run: (bytes: Uint8Array) => sameAsTar(zipped(bytes), bytes),
  },
  {
    name: 'gzip around tar',
    cases: bytesLike([archive]),
    async run(bytes: Uint8Array) {
      const storage = await importIn([['cifar-10-binary.tar.gz', bytes]]);
      assert.deepEqual(await rowsIn(storage, '/out', 'train'), plainCifar(batches));
      return true;
    },
  },
);

/** What was taken lies in the archive as it was taken. */
async function sameAsTar(packed: Uint8Array, plain: Uint8Array): Promise<boolean> {
  const storage = await importIn([['cifar-10-binary.tar.gz', packed]]);
  const { features, labels } = await rowsIn(storage, '/out', 'train');
  const text = Buffer.from(plain);
  for (const [row, label] of labels.entries())
    assert.ok(text.includes(Buffer.from([label, ...features[row]!])), `row ${row} is not in the archive`);
  return true;
}

const MESSAGES = 12;
const numbers = Array.from({ length: MESSAGES * 57 }, (_, i) => (i % 97) / 4);
const spam = [
  matlabMatrix('Xtrain', MESSAGES, 57, numbers),
  matlabMatrix(
    'ytrain',
    MESSAGES,
    1,
    Array.from({ length: MESSAGES }, (_, i) => i % 2),
  ),
];

const sorted = (rows: PlainRows) =>
  rows.features.map((features, i) => [...features, rows.labels[i]!].join(' ')).sort();

/** The split is random: the rows of both parts together are those of the file. */
async function sameRows(storage: MemoryStorage, { features, labels }: PlainRows): Promise<void> {
  const train = await rowsIn(storage, '/out', 'train');
  const test = await rowsIn(storage, '/out', 'test');
  const found = {
    features: [...train.features, ...test.features],
    labels: [...train.labels, ...test.labels],
  };
  const rounded = features.map((row) => row.map(Math.fround));
  assert.deepEqual(sorted(found), sorted({ features: rounded, labels }));
}

for (const compressed of [false, true]) {
  given.push({
    name: `MATLAB, ${compressed ? 'compressed' : 'plain'}`,
    cases: bytesLike([matlabFile(spam, compressed)]),
    async run(bytes: Uint8Array) {
      const storage = await importIn([['spam.mat', bytes]]);
      const plain = plainMatlab(bytes);
      const x = plain.get('Xtrain')!;
      await sameRows(storage, {
        features: Array.from({ length: x.rows }, (_, row) =>
          Array.from({ length: 57 }, (_, j) => x.values[j * x.rows + row]!),
        ),
        labels: plain.get('ytrain')!.values,
      });
      return true;
    },
  });
}

const lines = Array.from(
  { length: MESSAGES },
  (_, row) => `${numbers.slice(57 * row, 57 * (row + 1)).join(',')},${row % 2}`,
).join('\n');
given.push({
  name: 'spambase',
  cases: bytesLike([concat(`${lines}\n`)]),
  async run(bytes: Uint8Array) {
    const storage = await importIn([['spambase.data', bytes]]);
    await sameRows(storage, plainText(bytes));
    return true;
  },
});

const svmlight = [
  '+1 1:0.5 3:2 17:1e-3 # first\n-1 2:1 3:1\n\n1 qid:3 5:.25\n-1 4:-7\n',
  '3 0:1 1:255\n1 1:1\n2 0:4 9:1\n',
];
const realText = real('libsvm/heart_scale');
const svmlightFiles = [
  ...svmlight.map((each) => concat(each)),
  ...(realText === undefined ? [] : [realText.slice(0, 600)]),
];

async function sameAsText(name: string, bytes: Uint8Array, text: () => Uint8Array): Promise<boolean> {
  const storage = new MemoryStorage();
  await put(storage, `/raw/${name}`, bytes);
  const options = { out: '/out', percentage: 1, dtype: 'float64' } as const;
  await wholeOrNothing(storage, () => importDataset(storage, `/raw/${name}`, options));
  await verifyDataset(storage, '/out');
  const plain = plainLibsvm(Buffer.from(text()).toString('latin1'))!;
  const first = plain.some(({ pairs }) => pairs[0]?.[0] === 0) ? 0 : 1;
  const labels = [...new Set(plain.map(({ label }) => label))].sort((a, b) => a - b);
  const classes = labels.every(Number.isInteger);
  assert.deepEqual(
    storedSparse(storage, '/out', 'train'),
    plain.map(({ label, pairs }) => ({
      label: classes ? labels.indexOf(label) : label,
      pairs: pairs.map(([index, value]) => [index - first, value]),
    })),
  );
  return true;
}

given.push(
  {
    name: 'LIBSVM text',
    cases: bytesLike(svmlightFiles),
    run: (bytes: Uint8Array) => sameAsText('text', bytes, () => bytes),
  },
  {
    name: 'LIBSVM text in gzip',
    cases: bytesLike(svmlightFiles.map(zipped)),
    run: (bytes: Uint8Array) =>
      sameAsText('text.gz', bytes, () =>
        bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes,
      ),
  },
);

const sizes = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.constantFrom(
    0,
    -1,
    0.5,
    2 ** 20,
    2 ** 27,
    2 ** 31,
    2 ** 32,
    2 ** 53,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ),
);
given.push({
  name: 'raw rows',
  cases: fc.record({
    n: fc.oneof(fc.constant(6), sizes),
    d: fc.oneof(fc.constant(3), sizes),
    k: fc.oneof(fc.constant(2), sizes),
    dtype: fc.constantFrom(...(Object.keys(dtypeBytes) as Dtype[])),
    bytes: fc.oneof(fc.uint8Array({ minLength: 24, maxLength: 24 }), fc.uint8Array({ maxLength: 200 })),
    opened: fc.boolean(),
  }),
  async run({
    n,
    d,
    k,
    dtype,
    bytes,
    opened,
  }: {
    n: number;
    d: number;
    k: number;
    dtype: 'uint8';
    bytes: Uint8Array;
    opened: boolean;
  }) {
    const storage = new MemoryStorage();
    await put(storage, '/raw/file', bytes);
    const raw = { n, d, k, dtype, train: '/raw/file' };
    if (opened) {
      const dataset = await openRawRows(storage, raw);
      await dataset.close();
    } else await importDataset(storage, '/raw/file', { out: '/out', raw });
    assert.equal(bytes.length, n * (d + 1) * dtypeBytes[dtype]);
    if (!opened) assert.deepEqual(storage.bytesOf('/out/train.rows'), bytes);
    return true;
  },
});

/** Each format that mlml imports. */
export const importTargets: readonly FuzzTarget[] = given;
