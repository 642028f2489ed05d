// Data sets for tests, made through DatasetWriter: random ones of every type, and the real ones of MLML_DATA.
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Dtype, dtypeBytes, integerRange, writeNumber } from '../../src/arithmetic/dtype.js';
import { type Dataset, openDataset } from '../../src/data/dataset.js';
import { DatasetWriter } from '../../src/data/datasetWriter.js';
import { Random } from '../../src/memory/random.js';
import { nodeStorage } from '../../src/storage/nodeStorage.js';
import type { Storage } from '../../src/storage/storage.js';

/** Writes rows of numbers (features, then label) as a data set. */
export async function datasetOf(
  storage: Storage,
  folder: string,
  rows: readonly (readonly number[])[],
  given: { readonly dtype: Dtype; readonly labelDtype?: Dtype; readonly k: number },
): Promise<Dataset> {
  const d = rows[0]!.length - 1;
  const task = given.k > 1 ? 'classification' : 'regression';
  const writer = await DatasetWriter.create(storage, folder, { name: folder, task, d, ...given });
  const bytes = new Uint8Array(rows.length * writer.layout.rowBytes);
  const view = new DataView(bytes.buffer);
  for (const [r, row] of rows.entries()) {
    const at = r * writer.layout.rowBytes;
    for (let j = 0; j < d; j++) writeNumber(view, at + j * dtypeBytes[given.dtype], given.dtype, row[j]!);
    writeNumber(view, at + writer.layout.labelOffset, writer.layout.labelDtype, row[d]!);
  }
  await writer.append('train', bytes, rows.length);
  await writer.finish({ description: 'test', files: [] });
  return openDataset(storage, folder);
}

/** Rows whose features depend on each other and on the label; integers within the range of integer types. */
export function randomRows(n: number, d: number, k: number, dtype: Dtype, seed: number): number[][] {
  const random = Random.of(seed, n, d);
  const range = integerRange(dtype);
  return Array.from({ length: n }, () => {
    const common = random.normal();
    const label = k > 1 ? random.below(k) : 0;
    const features = Array.from({ length: d }, (_, j) => {
      const x = random.normal() + 0.5 * common + 0.3 * ((label + j) % 3) + j / d;
      if (range === undefined) return Math.fround(Math.round(x * 64) / 64);
      const limit = Math.min(range[1], 127);
      return Math.max(range[0], Math.min(range[1], Math.round((x * limit) / 6 + (range[0] === 0 ? 60 : 0))));
    });
    const target = features[0]! * 2 - features[d - 1]! + common * 3 + 7;
    return [...features, k > 1 ? label : Math.fround(target)];
  });
}

async function readAll(path: string): Promise<Uint8Array> {
  const file = await nodeStorage.openRead(path);
  const bytes = new Uint8Array(file.byteLength);
  await file.readInto(bytes, 0);
  await file.close();
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes;
}

/** MNIST as a data set in `folder`. */
export async function mnist(data: string, folder: string): Promise<Dataset> {
  const writer = await DatasetWriter.create(nodeStorage, folder, {
    name: 'mnist',
    task: 'classification',
    d: 784,
    k: 10,
    dtype: 'uint8',
  });
  for (const [part, prefix] of [
    ['train', 'train'],
    ['test', 't10k'],
  ] as const) {
    const images = (await readAll(join(data, 'mnist', `${prefix}-images-idx3-ubyte.gz`))).subarray(16);
    const labels = (await readAll(join(data, 'mnist', `${prefix}-labels-idx1-ubyte.gz`))).subarray(8);
    const block = new Uint8Array(1000 * 785);
    for (let from = 0; from < labels.length; from += 1000) {
      for (let r = 0; r < 1000; r++) {
        block.set(images.subarray((from + r) * 784, (from + r + 1) * 784), r * 785);
        block[r * 785 + 784] = labels[from + r]!;
      }
      await writer.append(part, block, 1000);
    }
  }
  await writer.finish({ description: 'test', files: [] });
  return openDataset(nodeStorage, folder);
}

/** The first `files` batches of CIFAR-10 and the first 1000 test images as a data set in `folder`. */
export async function cifar10(data: string, folder: string, files: number): Promise<Dataset> {
  const writer = await DatasetWriter.create(nodeStorage, folder, {
    name: 'cifar-10',
    task: 'classification',
    d: 3072,
    k: 10,
    dtype: 'uint8',
  });
  const batches = Array.from({ length: files }, (_, i) => ['train', `data_batch_${i + 1}.bin`] as const);
  for (const [part, name] of [...batches, ['test', 'test_batch_first1000.bin'] as const]) {
    const records = await readAll(join(data, 'cifar-10', name));
    const count = records.length / 3073;
    const block = new Uint8Array(records.length);
    for (let r = 0; r < count; r++) {
      block.set(records.subarray(r * 3073 + 1, (r + 1) * 3073), r * 3073);
      block[r * 3073 + 3072] = records[r * 3073]!;
    }
    await writer.append(part, block, count);
  }
  await writer.finish({ description: 'test', files: [] });
  return openDataset(nodeStorage, folder);
}

/** Share of test rows whose largest score is their class. */
export async function testAccuracy(
  dataset: Dataset,
  model: { readonly weights: Float64Array; readonly intercept: Float64Array },
  scaling: { readonly multiply: Float64Array; readonly add: Float64Array },
): Promise<number> {
  const { d, rowBytes, labelOffset } = dataset.layout;
  const row = new Uint8Array(rowBytes);
  const x = new Float64Array(d);
  let right = 0;
  for (let r = 0; r < dataset.test.rows; r++) {
    await dataset.test.readRows(row, r, 1);
    for (let j = 0; j < d; j++) x[j] = scaling.multiply[j]! * row[j]! + scaling.add[j]!;
    const scores = model.intercept.map((b, c) => {
      let score = b;
      for (let j = 0; j < d; j++) score += model.weights[c * d + j]! * x[j]!;
      return score;
    });
    if (scores.indexOf(Math.max(...scores)) === row[labelOffset]) right++;
  }
  return right / dataset.test.rows;
}
