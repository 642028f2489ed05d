import type { Dataset } from '../../src/data/dataset.js';
import { openAnyDataset, openDataset } from '../../src/data/dataset.js';
import { DatasetWriter } from '../../src/data/datasetWriter.js';
import type { Task } from '../../src/data/format.js';
import type { SparseDataset } from '../../src/data/sparse/sparseDataset.js';
import type { SparseDtype } from '../../src/data/sparse/sparseRecord.js';
import { SparseWriter } from '../../src/data/sparse/sparseWriter.js';
import { Random } from '../../src/memory/random.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import type { PlainSparseRow } from './sparseRows.js';

const source = { description: 'made for a test', files: [] };

export interface SparseProblem {
  readonly task: Task;
  readonly d: number;
  readonly k: number;
  readonly train: readonly PlainSparseRow[];
  readonly test?: readonly PlainSparseRow[];
}

/**
 * Random rows with about `each` of d features not 0, the first ones more often than the last; labels by hidden linear scores, with
 * some noise.
 */
export function sparseProblem(
  rows: number,
  d: number,
  each: number,
  { k = 2, task = 'classification', seed = 1 }: { k?: number; task?: Task; seed?: number } = {},
): SparseProblem {
  const random = Random.of(seed, 77);
  const columns = task === 'regression' ? 1 : k;
  const hidden = Array.from({ length: columns * d }, () => random.normal());
  const make = (count: number): PlainSparseRow[] =>
    Array.from({ length: count }, () => {
      const pairs: [number, number][] = [];
      const scores = Array.from({ length: columns }, () => 0.3 * random.normal());
      for (let j = 0; j < d; j++) {
        const often = (2 * each * (d - j)) / (d * (d + 1));
        if (random.uniform() >= often) continue;
        const value = Math.fround(2 * random.uniform() + 0.1);
        pairs.push([j, value]);
        for (let c = 0; c < columns; c++) scores[c]! += value * hidden[c * d + j]!;
      }
      return { label: task === 'regression' ? scores[0]! : scores.indexOf(Math.max(...scores)), pairs };
    });
  return { task, d, k: task === 'regression' ? 1 : k, train: make(rows), test: make(Math.ceil(rows / 4)) };
}

export async function openSparseRows(
  problem: SparseProblem,
  dtype: SparseDtype = 'float32',
  storage = new MemoryStorage(),
  folder = '/data/sparse',
): Promise<SparseDataset> {
  const { task, d, k } = problem;
  const writer = await SparseWriter.create(storage, folder, { name: 'sparse', task, dtype });
  for (const part of ['train', 'test'] as const) {
    for (const { label, pairs } of problem[part] ?? []) {
      const indices = Uint32Array.from(pairs, ([index]) => index);
      const values = Float64Array.from(pairs, ([, value]) => value);
      await writer.append(part, label, pairs.length, indices, values);
    }
  }
  await writer.finish({ d, k, source });
  return (await openAnyDataset(storage, folder)) as SparseDataset;
}

/** The same rows stored dense, as floats. */
export async function openAsDense(problem: SparseProblem, storage = new MemoryStorage()): Promise<Dataset> {
  const { task, d, k } = problem;
  const writer = await DatasetWriter.create(storage, '/dense', {
    name: 'dense',
    task,
    d,
    k,
    dtype: 'float32',
  });
  for (const part of ['train', 'test'] as const) {
    for (const { label, pairs } of problem[part] ?? []) {
      const row = new Float32Array(d + 1);
      for (const [index, value] of pairs) row[index] = value;
      row[d] = label;
      await writer.append(part, new Uint8Array(row.buffer), 1);
    }
  }
  await writer.finish(source);
  return await openDataset(storage, '/dense');
}
