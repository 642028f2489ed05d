// Linear ridge regression as a textbook has it: weighted, centred, normal equations by elimination in doubles.
import type { Dataset } from '../../src/data/dataset.js';
import type { ScalingName } from '../../src/data/scaling.js';
import { rowsOf } from './kernelRidge.js';

export interface DenseFit {
  /** A list for each column of scores. */
  readonly weights: number[][];
  readonly intercept: number[];
  score(row: readonly number[]): number[];
}

/** Minimises ½Σ wᵢ‖W·xᵢ + b − yᵢ‖² + ½·reg·‖W‖². */
export function denseLinear(
  x: readonly (readonly number[])[],
  y: readonly (readonly number[])[],
  reg: number,
  given: { readonly rowWeights?: readonly number[]; readonly bias?: boolean } = {},
): DenseFit {
  const d = x[0]!.length;
  const k = y[0]!.length;
  const w = given.rowWeights ?? x.map(() => 1);
  const total = w.reduce((sum, weight) => sum + weight, 0);
  const bias = given.bias ?? true;
  const meanOf = (rows: readonly (readonly number[])[], j: number) =>
    bias ? rows.reduce((sum, row, i) => sum + w[i]! * row[j]!, 0) / total : 0;
  const xMean = Array.from({ length: d }, (_, j) => meanOf(x, j));
  const yMean = Array.from({ length: k }, (_, c) => meanOf(y, c));
  const a = Array.from({ length: d }, (_, i) => [
    ...Array.from({ length: d }, (_, j) => (i === j ? reg : 0)),
    ...new Array<number>(k).fill(0),
  ]);
  for (const [r, row] of x.entries()) {
    for (let i = 0; i < d; i++) {
      const left = w[r]! * (row[i]! - xMean[i]!);
      for (let j = 0; j < d; j++) a[i]![j]! += left * (row[j]! - xMean[j]!);
      for (let c = 0; c < k; c++) a[i]![d + c]! += left * (y[r]![c]! - yMean[c]!);
    }
  }
  for (let p = 0; p < d; p++) {
    for (let i = 0; i < d; i++) {
      if (i === p) continue;
      const factor = a[i]![p]! / a[p]![p]!;
      for (let j = p; j < d + k; j++) a[i]![j]! -= factor * a[p]![j]!;
    }
  }
  const weights = Array.from({ length: k }, (_, c) => a.map((row, i) => row[d + c]! / row[i]!));
  const intercept = weights.map(
    (column, c) => yMean[c]! - column.reduce((sum, v, j) => sum + v * xMean[j]!, 0),
  );
  return {
    weights,
    intercept,
    score: (row) =>
      weights.map((column, c) => column.reduce((sum, v, j) => sum + v * row[j]!, intercept[c]!)),
  };
}

/** One-hot classes, or the targets. */
export function targetsOf({ description }: Dataset, labels: readonly number[]): number[][] {
  const { task, k } = description;
  return labels.map((label) =>
    task === 'classification' ? Array.from({ length: k }, (_, c) => (c === label ? 1 : 0)) : [label],
  );
}

/** The fit of the training part of a data set. */
export async function denseFit(
  dataset: Dataset,
  scale: ScalingName,
  reg: number,
  given: { readonly rowWeights?: readonly number[]; readonly bias?: boolean } = {},
): Promise<DenseFit> {
  const { features, labels } = await rowsOf(dataset, 'train', scale);
  return denseLinear(features, targetsOf(dataset, labels), reg, given);
}
