// Models that are made from class means, as by test/reference/evaluation.py.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dataset } from '../../src/data/dataset.js';
import type { LinearModel } from '../../src/ssgd/linearModel.js';
import { readSparseText } from './sparseText.js';
import { makeDataset } from './tinyDataset.js';

export const common = {
  task: 'classification',
  scaling: { name: 'none', multiply: new Float64Array(), add: new Float64Array() },
  classNames: [],
  fingerprint: '',
} as const;

/** The nearest mean as a softmax model of bytes; see the script. */
export async function nearestMean(dataset: Dataset, loss: 'softmax' | 'hinge'): Promise<LinearModel> {
  const { train } = dataset;
  const d = 784;
  const [sums, counts] = [new Float64Array(10 * d), new Float64Array(10)];
  const bytes = new Uint8Array(1000 * (d + 1));
  for (let first = 0; first < train.rows; first += 1000) {
    await train.readRows(bytes, first, 1000);
    for (let row = 0; row < 1000; row++) {
      const label = bytes[row * (d + 1) + d]!;
      counts[label]!++;
      for (let j = 0; j < d; j++) sums[label * d + j]! += bytes[row * (d + 1) + j]!;
    }
  }
  const means = sums.map((sum, i) => sum / counts[Math.floor(i / d)]! / 255);
  const intercept = Float64Array.from(
    counts,
    (_, c) => -0.1 * means.subarray(c * d, (c + 1) * d).reduce((sum, mean) => sum + mean * mean, 0),
  );
  const scaling = {
    name: 'unit',
    multiply: new Float64Array(d).fill(1 / 255),
    add: new Float64Array(d),
  } as const;
  return { ...common, loss, d, k: 10, scaling, weights: means.map((mean) => 0.2 * mean), intercept };
}

/** Naive Bayes on the 123 binary features of a9a, as a logistic model, with its data. */
export async function naiveBayes(data: string): Promise<{ dataset: Dataset; model: LinearModel }> {
  const read = (name: string) => readSparseText(readFileSync(join(data, 'libsvm', name), 'utf8'), 123);
  const [train, testing] = [read('a9a'), read('a9a.t')];
  const d = 123;
  const dataset = await makeDataset({ dtype: 'uint8', train, test: testing });
  const n = [0, 0];
  const shares = [new Float64Array(d), new Float64Array(d)];
  for (const [i, row] of train.features.entries()) {
    const label = train.labels[i]!;
    n[label]!++;
    for (let j = 0; j < d; j++) shares[label]![j]! += row[j]!;
  }
  for (const c of [0, 1]) for (let j = 0; j < d; j++) shares[c]![j] = (shares[c]![j]! + 1) / (n[c]! + 2);
  const odds = (c: number, j: number) => Math.log(1 - shares[c]![j]!);
  const weights = Float64Array.from(
    { length: d },
    (_, j) => Math.log(shares[1]![j]! / shares[0]![j]!) - (odds(1, j) - odds(0, j)),
  );
  let constant = Math.log(n[1]! / n[0]!);
  for (let j = 0; j < d; j++) constant += odds(1, j) - odds(0, j);
  const scaling = { name: 'none', multiply: new Float64Array(d).fill(1), add: new Float64Array(d) } as const;
  const model: LinearModel = {
    ...common,
    loss: 'logistic',
    d,
    k: 1,
    scaling,
    weights,
    intercept: Float64Array.of(constant),
  };
  return { dataset, model };
}
