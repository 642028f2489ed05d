import type { Dtype } from '../../src/arithmetic/dtype.js';
import { dtypeBytes, writeNumber } from '../../src/arithmetic/dtype.js';
import { type Dataset, openDataset } from '../../src/data/dataset.js';
import { DatasetWriter } from '../../src/data/datasetWriter.js';
import type { Task } from '../../src/data/format.js';
import { plainLabelNames } from '../../src/data/labelNames.js';
import { Random } from '../../src/memory/random.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import type { Storage } from '../../src/storage/storage.js';

export interface TinyRows {
  readonly features: readonly (readonly number[])[];
  /** One for each row; of a regression with k outputs k for each, row by row. */
  readonly labels: readonly number[];
}

/** Writes a data set from plain numbers and opens it. */
export async function makeDataset(
  given: {
    readonly task?: Task;
    readonly k?: number;
    readonly dtype?: Dtype;
    readonly train: TinyRows;
    readonly test?: TinyRows;
    readonly name?: string;
  },
  storage: Storage = new MemoryStorage(),
  folder = '/data/tiny',
): Promise<Dataset> {
  const { task = 'classification', dtype = 'float64', name = 'tiny' } = given;
  const d = given.train.features[0]!.length;
  const k = given.k ?? (task === 'regression' ? 1 : Math.max(...given.train.labels) + 1);
  const names = task === 'regression' && k > 1 ? { labelNames: plainLabelNames(k) } : {};
  const writer = await DatasetWriter.create(storage, folder, { name, task, d, k, dtype, ...names });
  const { labels } = writer.layout;
  for (const part of ['train', 'test'] as const) {
    const rows = given[part];
    if (rows === undefined) continue;
    const bytes = new Uint8Array(rows.features.length * writer.layout.rowBytes);
    const view = new DataView(bytes.buffer);
    for (const [i, features] of rows.features.entries()) {
      const values = [...features, ...rows.labels.slice(i * labels, (i + 1) * labels)];
      for (const [j, value] of values.entries()) {
        writeNumber(view, i * writer.layout.rowBytes + j * dtypeBytes[dtype], dtype, value);
      }
    }
    await writer.append(part, bytes, rows.features.length);
  }
  await writer.finish({ description: 'made in a test', files: [] });
  return await openDataset(storage, folder);
}

/** n rows around k centres in d dimensions: a problem a linear model solves well but not perfectly. */
export function clouds(n: number, d: number, k: number, seed = 1, spread = 1): TinyRows {
  const centres = Random.of(99, d, k);
  const middle = Array.from({ length: k }, () => Array.from({ length: d }, () => 1.5 * centres.normal()));
  const random = Random.of(seed, n);
  const labels = Array.from({ length: n }, () => random.below(k));
  return { labels, features: labels.map((label) => middle[label]!.map((x) => x + spread * random.normal())) };
}

/** n rows with targets linear in the features, plus noise. */
export function linearTargets(n: number, d: number, seed = 1, noise = 0.1): TinyRows {
  const truth = Random.of(98, d);
  const weights = Array.from({ length: d }, () => truth.normal());
  const random = Random.of(seed, n);
  const features = Array.from({ length: n }, () => Array.from({ length: d }, () => random.normal()));
  return {
    features,
    labels: features.map(
      (row) => 2 + row.reduce((sum, x, j) => sum + x * weights[j]!, 0) + noise * random.normal(),
    ),
  };
}
