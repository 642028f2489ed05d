import type { Dtype } from '../../src/arithmetic/dtype.js';
import type { Dataset } from '../../src/data/dataset.js';
import { Random } from '../../src/memory/random.js';
import { MemoryStorage } from '../../src/storage/memoryStorage.js';
import type { Storage } from '../../src/storage/storage.js';
import { makeDataset, type TinyRows } from './tinyDataset.js';

/** Rows of numbers with several targets each, of sizes that differ: the first is small, the last large and far from 0. */
function rowsWith(n: number, d: number, k: number, dtype: Dtype, seed: number): TinyRows {
  const random = Random.of(seed, n, d);
  const truth = Random.of(97, d, k);
  const weights = Array.from({ length: k * d }, () => truth.normal());
  const number = () => (dtype === 'uint8' ? random.below(256) : random.normal());
  const features = Array.from({ length: n }, () => Array.from({ length: d }, number));
  const unit = dtype === 'uint8' ? 1 / 64 : 1;
  const labels = features.flatMap((row) =>
    Array.from({ length: k }, (_, c) => {
      const sum = row.reduce((total, x, j) => total + unit * x * weights[c * d + j]!, 0);
      const target = (c + 1) * (sum + 0.3 * random.normal()) + 10 * c;
      return dtype === 'uint8' ? Math.max(0, Math.min(255, Math.round(64 + 4 * target))) : target;
    }),
  );
  return { features, labels };
}

/** The rows with one of their labels. */
function only({ features, labels }: TinyRows, k: number, c: number): TinyRows {
  return { features, labels: features.map((_, i) => labels[i * k + c]!) };
}

/** A data set with k labels in each row, and for each of them the same rows with that label alone. */
export async function outputsTogetherAndAlone({
  n = 300,
  d = 7,
  k = 3,
  dtype = 'float64' as Dtype,
  storage = new MemoryStorage() as Storage,
}): Promise<{ together: Dataset; alone: Dataset[] }> {
  const [train, test] = [rowsWith(n, d, k, dtype, 1), rowsWith(60, d, k, dtype, 2)];
  const common = { task: 'regression', dtype } as const;
  const together = await makeDataset({ ...common, k, train, test }, storage);
  const alone: Dataset[] = [];
  for (let c = 0; c < k; c++)
    alone.push(
      await makeDataset(
        { ...common, train: only(train, k, c), test: only(test, k, c) },
        storage,
        `/data/alone${c}`,
      ),
    );
  return { together, alone };
}
