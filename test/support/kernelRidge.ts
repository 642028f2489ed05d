// Kernel ridge regression as a textbook has it: the whole matrix, doubles, Gaussian elimination. What jobs are compared with.
import { readNumber } from '../../src/arithmetic/dtype.js';
import type { Dataset } from '../../src/data/dataset.js';
import type { RowFile } from '../../src/data/rowFile.js';
import { makeScaling, type ScalingName } from '../../src/data/scaling.js';
import type { KernelFunction } from '../../src/kernel/functions/kernelFunction.js';
import type { KernelModel } from '../../src/kernel/kernelModel.js';
import { scoreModel } from '../../src/model/scoreModel.js';
import type { Storage } from '../../src/storage/storage.js';
import { solveDense } from './kernelProblem.js';
import { referenceKernel } from './referenceKernel.js';

/** Scaled features and labels of the first rows of a part. */
export async function rowsOf(dataset: Dataset, part: 'train' | 'test', scale: ScalingName, count?: number) {
  const file = dataset[part];
  const { d, dtype, labelDtype, rowBytes, labelOffset } = file.layout;
  const { multiply, add } = makeScaling(scale, dtype, dataset.description.statistics);
  const n = count ?? file.rows;
  const bytes = new Uint8Array(n * rowBytes);
  await file.readRows(bytes, 0, n);
  const view = new DataView(bytes.buffer);
  const features = Array.from({ length: n }, (_, i) =>
    Array.from({ length: d }, (_, j) => {
      const at = i * rowBytes + (j * labelOffset) / d;
      return multiply[j]! * readNumber(view, at, dtype) + add[j]!;
    }),
  );
  const labels = Array.from({ length: n }, (_, i) =>
    readNumber(view, i * rowBytes + labelOffset, labelDtype),
  );
  return { features, labels };
}

export type Entry = (x: readonly number[], y: readonly number[]) => number;

/** The exact solution of (K + λI)A = Y on the first `n` training rows, or those chosen of them. */
export async function denseRidge(
  dataset: Dataset,
  kernel: KernelFunction | Entry,
  lambda: number,
  given: { readonly n?: number; readonly scale?: ScalingName; readonly rows?: readonly number[] } = {},
) {
  const { task, k: classes } = dataset.description;
  const k = task === 'classification' ? Math.max(classes, 2) : 1;
  const entry: Entry = typeof kernel === 'function' ? kernel : (x, y) => referenceKernel(kernel, x, y);
  const scale = given.scale ?? 'auto';
  const all = await rowsOf(dataset, 'train', scale, given.n);
  const rows = given.rows ?? all.features.map((_, i) => i);
  const x = rows.map((i) => all.features[i]!);
  const n = x.length;
  const y = new Float64Array(n * k);
  for (const [i, row] of rows.entries()) {
    if (task === 'classification') y[i * k + all.labels[row]!] = 1;
    else y[i] = all.labels[row]!;
  }
  const matrix = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j < n; j++) matrix[i * n + j] = entry(x[i]!, x[j]!) + (i === j ? lambda : 0);
  const coefficients = solveDense(matrix, n, y, k);
  const score = (row: readonly number[]) => {
    const scores = new Array<number>(k).fill(0);
    for (let i = 0; i < n; i++) {
      const value = entry(row, x[i]!);
      for (let c = 0; c < k; c++) scores[c]! += value * coefficients[i * k + c]!;
    }
    return scores;
  };
  return {
    coefficients,
    async scores(part: 'train' | 'test', count?: number): Promise<number[][]> {
      return (await rowsOf(dataset, part, scale, count)).features.map(score);
    },
    /** Accuracy, or root mean square error. */
    async quality(part: 'train' | 'test', which?: readonly number[]): Promise<number> {
      const { features, labels } = await rowsOf(dataset, part, scale);
      const chosen = which ?? labels.map((_, i) => i);
      let sum = 0;
      for (const i of chosen) {
        const scores = score(features[i]!);
        if (task === 'classification') sum += scores.indexOf(Math.max(...scores)) === labels[i] ? 1 : 0;
        else sum += (scores[0]! - labels[i]!) ** 2;
      }
      return task === 'classification' ? sum / chosen.length : Math.sqrt(sum / chosen.length);
    },
  };
}

/** Scores of a model for all rows of a file. */
export async function modelScores(
  storage: Storage,
  model: KernelModel,
  file: RowFile,
  bufferBytes = 4e6,
): Promise<number[][]> {
  const found: number[][] = [];
  for await (const { rows, scores } of scoreModel(storage, model, file, { bufferBytes, nthreads: 1 })) {
    for (let i = 0; i < rows; i++) found.push(Array.from(scores.subarray(i * model.k, (i + 1) * model.k)));
  }
  return found;
}

/** Largest difference of two tables of scores. */
export function largestDifference(
  a: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): number {
  if (a.length !== b.length) throw new Error(`${a.length} rows of scores, not ${b.length}`);
  let largest = 0;
  for (const [i, row] of a.entries())
    for (const [c, value] of row.entries()) {
      const difference = Math.abs(value - b[i]![c]!);
      largest = Math.max(largest, difference);
    }
  return largest;
}
