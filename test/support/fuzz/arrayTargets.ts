import assert from 'node:assert/strict';
import { gunzipSync, gzipSync } from 'node:zlib';
import { importDataset } from '../../../src/data/import/importDataset.js';
import type { ImportOptions } from '../../../src/data/import/importOptions.js';
import { verifyDataset } from '../../../src/data/verify.js';
import { MemoryStorage } from '../../../src/storage/memoryStorage.js';
import { npyFile, npzFile } from '../arrayFiles.js';
import { arrowFile, arrowStream } from '../arrowFiles.js';
import { concat, matlabFile, matlabMatrix, put } from '../originalFiles.js';
import { bytesLike, type FuzzTarget } from './fuzz.js';
import { plainMatlab } from './originalReaders.js';
import { rowsIn } from './rowsIn.js';
import { wholeOrNothing } from './wholeOrNothing.js';

/** Imports one file of arrays as it is, every row for training; nothing may be left of what failed. Features with the label last. */
async function rowsOf(
  name: string,
  bytes: Uint8Array,
  options: Partial<ImportOptions> = {},
): Promise<number[][]> {
  const storage = new MemoryStorage();
  await put(storage, `/raw/${name}`, bytes);
  const whole: ImportOptions = { out: '/out', percentage: 1, task: 'regression', ...options };
  await wholeOrNothing(storage, () => importDataset(storage, `/raw/${name}`, whole));
  await verifyDataset(storage, '/out');
  const { features, labels } = await rowsIn(storage, '/out', 'train');
  return features.map((row, i) => [...row, labels[i]!]);
}

const readers: Readonly<Record<string, (bytes: Buffer, at: number) => number>> = {
  '<f8': (bytes, at) => bytes.readDoubleLE(at),
  '>f8': (bytes, at) => bytes.readDoubleBE(at),
  '<f4': (bytes, at) => bytes.readFloatLE(at),
  '>f4': (bytes, at) => bytes.readFloatBE(at),
  '<i8': (bytes, at) => Number(bytes.readBigInt64LE(at)),
  '>i8': (bytes, at) => Number(bytes.readBigInt64BE(at)),
  '<u4': (bytes, at) => bytes.readUInt32LE(at),
  '<i4': (bytes, at) => bytes.readInt32LE(at),
  '<u2': (bytes, at) => bytes.readUInt16LE(at),
  '>u2': (bytes, at) => bytes.readUInt16BE(at),
  '<i2': (bytes, at) => bytes.readInt16LE(at),
};

/** Rows of a NumPy file that is in order, by a careless reader; undefined for a type that it does not know. */
function plainNpy(given: Uint8Array): number[][] | undefined {
  const bytes = Buffer.from(given);
  const start = bytes[6] === 1 ? 10 + bytes.readUInt16LE(8) : 12 + bytes.readUInt32LE(8);
  const header = bytes.toString('latin1', 10, start);
  const descr = /descr['"]:\s*['"]([^'"]*)/.exec(header)![1]!.replace('=', '<').trim();
  const read = readers[descr];
  if (read === undefined) return undefined;
  const sizes = /shape['"]:\s*\(([^)]*)/
    .exec(header)![1]!
    .split(',')
    .filter((size) => size.trim() !== '')
    .map((size) => Number.parseInt(size, 10));
  const rows = sizes[0]!;
  const columns = sizes.slice(1).reduce((product, size) => product * size, 1);
  const byColumn = /fortran_order['"]:\s*True/.test(header);
  const width = Number(descr[2]);
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, j) =>
      read(bytes, start + (byColumn ? j * rows + row : row * columns + j) * width),
    ),
  );
}

const numbers = Array.from({ length: 24 }, (_, i) => ((i * 37) % 50) - 20);
const npy = [
  npyFile('<f8', [8, 3], numbers),
  npyFile('>f4', [6, 4], numbers, { fortranOrder: true }),
  npyFile('<i8', [12, 2], numbers),
  npyFile('>u2', [8, 3], numbers.map(Math.abs)),
];

const X = numbers.slice(0, 16);
const y = numbers.slice(16, 24);
const withLabels = Array.from({ length: 8 }, (_, i) => [X[2 * i]!, X[2 * i + 1]!, y[i]!]);
const alone = Array.from({ length: 8 }, (_, i) => [X[2 * i]!, X[2 * i + 1]!]);
const arrays = { X: npyFile('<f8', [8, 2], X), y: npyFile('<f8', [8], y) };
const archives = [npzFile(arrays, {}), npzFile(arrays, { zip64: true })];
const deflated = [npzFile(arrays, { deflated: true }), npzFile(arrays, { deflated: true, descriptor: true })];

const idxHead = (type: number, ...sizes: number[]) =>
  concat([0, 0, type, sizes.length], ...sizes.map((size) => [0, 0, size >> 8, size & 255]));
const idxFiles = [
  concat(idxHead(8, 6, 4), Uint8Array.from(numbers.map(Math.abs))),
  concat(
    idxHead(13, 6, 2),
    new Uint8Array(Buffer.from(Float32Array.from(numbers.slice(0, 12)).buffer).swap32()),
  ),
];

function plainIdx(given: Uint8Array): number[][] {
  const bytes = Buffer.from(given);
  const rows = bytes.readUInt32BE(4);
  const columns = bytes[3] === 1 ? 1 : bytes.readUInt32BE(8);
  const start = 4 + 4 * bytes[3]!;
  const [width, read] = (
    {
      8: [1, (at) => bytes.readUInt8(at)],
      9: [1, (at) => bytes.readInt8(at)],
      11: [2, (at) => bytes.readInt16BE(at)],
      12: [4, (at) => bytes.readInt32BE(at)],
      13: [4, (at) => bytes.readFloatBE(at)],
      14: [8, (at) => bytes.readDoubleBE(at)],
    } as Record<number, [number, (at: number) => number]>
  )[bytes[2]!]!;
  return Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (_, j) => read(start + (row * columns + j) * width)),
  );
}

const matrices = [matlabMatrix('X', 8, 2, X), matlabMatrix('y', 8, 1, y)];

/** 3 x 2 pixels of RGB. */
const PNG = new Uint8Array(
  Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAMAAAACCAIAAAASFvFNAAAAGElEQVR4nGNkYPivIfJIQ+QRS4XNMggLAD71BtcOm4JWAAAA' +
      'AElFTkSuQmCC',
    'base64',
  ),
);

/** 8 x 6 pixels. */
const JPEG = new Uint8Array(
  Buffer.from(
    '/9j/2wBDAAYEBQYFBAYGBQYHBwYIChAKCgkJChQODwwQFxQYGBcUFhYaHSUfGhsjHBYWICwgIyYnKSopGR8tMC0oMCUoKSj/2wBD' +
      'AQcHBwoIChMKChMoGhYaKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCj/wAARCAAGAAgD' +
      'ASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAb/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFQEBAQAAAAAAAAAAAAAAAAAA' +
      'AQf/xAAUEQEAAAAAAAAAAAAAAAAAAAAA/9oADAMBAAIRAxEAPwCKAKtv/9k=',
    'base64',
  ),
);

/** Each format of arrays, images, and Arrow. */
export const arrayTargets: readonly FuzzTarget[] = [
  {
    name: 'NumPy file',
    cases: bytesLike(npy),
    async run(bytes: Uint8Array) {
      const found = await rowsOf('a.npy', bytes);
      const plain = plainNpy(bytes);
      if (plain !== undefined) assert.deepEqual(found, plain);
      return true;
    },
  },
  ...[archives, deflated].map((files, i) => ({
    name: `NumPy archive, ${i === 0 ? 'stored' : 'deflated'}`,
    cases: bytesLike(files),
    // Checksums hold the numbers; what a name was changed to may be no name of labels.
    async run(bytes: Uint8Array) {
      const found = await rowsOf('a.npz', bytes);
      assert.deepEqual(found, found[0]!.length === 3 ? withLabels : alone);
      return true;
    },
  })),
  {
    name: 'idx of any shape',
    cases: bytesLike(idxFiles),
    async run(bytes: Uint8Array) {
      assert.deepEqual(await rowsOf('a.idx', bytes), plainIdx(bytes));
      return true;
    },
  },
  {
    name: 'idx of any shape, gzip',
    cases: bytesLike(idxFiles.map((bytes) => new Uint8Array(gzipSync(bytes)))),
    async run(bytes: Uint8Array) {
      assert.deepEqual(await rowsOf('a.idx.gz', bytes), plainIdx(new Uint8Array(gunzipSync(bytes))));
      return true;
    },
  },
  ...[false, true].map((compressed) => ({
    name: `MATLAB of any names, ${compressed ? 'compressed' : 'plain'}`,
    cases: bytesLike([matlabFile(matrices, compressed)]),
    async run(bytes: Uint8Array) {
      const found = await rowsOf('a.mat', bytes, { features: 'X', labels: 'y' });
      const plain = plainMatlab(bytes);
      const { rows, values } = plain.get('X')!;
      const labels = plain.get('y')!.values;
      const columns = values.length / rows;
      const wanted = Array.from({ length: rows }, (_, row) => [
        ...Array.from({ length: columns }, (_, j) => values[j * rows + row]!),
        labels[row]!,
      ]);
      assert.deepEqual(found, wanted);
      return true;
    },
  })),
  ...[['PNG', PNG] as const, ['JPEG', JPEG] as const].map(([format, image]) => ({
    name: `${format} file`,
    cases: bytesLike([image]),
    // What a decoder makes of damaged pixels is its own affair; that it makes an image of them, or says that it cannot, is ours.
    async run(bytes: Uint8Array) {
      const storage = new MemoryStorage();
      await put(storage, '/raw/a/1.png', PNG);
      await put(storage, `/raw/b/2.${format === 'PNG' ? 'png' : 'jpg'}`, bytes);
      const options = { out: '/out', percentage: 1, imageSize: '4x4' };
      await wholeOrNothing(storage, () => importDataset(storage, '/raw', options));
      await verifyDataset(storage, '/out');
      return true;
    },
  })),
  {
    name: 'Arrow stream and file',
    cases: bytesLike([arrowStream, arrowFile]),
    // Its own numbers carry no checksum: that sizes are believed only where they fit is what matters.
    async run(bytes: Uint8Array) {
      const storage = new MemoryStorage();
      await put(storage, '/raw/a.arrow', bytes);
      const table = { label: 'y', task: 'regression' } as const;
      const options = { out: '/out', percentage: 1, table };
      await wholeOrNothing(storage, () => importDataset(storage, '/raw/a.arrow', options));
      await verifyDataset(storage, '/out');
      return true;
    },
  },
];
