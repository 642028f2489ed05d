import type { Task } from '../data/format.js';
import type { RowLayout } from '../data/rowLayout.js';
import type { Scaling } from '../data/scaling.js';
import type { KernelFunction } from './functions/kernelFunction.js';

/** Where the training rows of a kernel model lie. */
export type ModelRows =
  /** The first `n` training rows of a data set, opened at `path` (a folder). */
  | { readonly kind: 'reference'; readonly path: string; readonly n: number }
  /** Chosen training rows of a data set: row i of the model is row `indices[i]` there. */
  | { readonly kind: 'selected'; readonly path: string; readonly indices: Uint32Array }
  /** A row file of `n` rows in the model folder. */
  | { readonly kind: 'copied'; readonly path: string; readonly n: number };

/**
 * A kernel model: score_c(x) = Σᵢ k(x, xᵢ)·coefficients[i·k + c] over the model's rows xᵢ.
 * Classification: the class with the largest score. Regression: the score.
 */
export interface KernelModel {
  readonly task: Task;
  readonly kernel: KernelFunction;
  readonly d: number;
  /** Columns of scores: classes, or 1. */
  readonly k: number;
  /** Rows with a coefficient. */
  readonly n: number;
  readonly regularization: number;
  readonly scaling: Scaling;
  /** Mean of the scaled features, around which distances are taken. */
  readonly mean: Float64Array;
  /** Of stored training rows. */
  readonly layout: RowLayout;
  /** n × k, row by row. */
  readonly coefficients: Float64Array;
  readonly rows: ModelRows;
  readonly classNames: readonly string[];
  /** Fingerprint of the training data. */
  readonly fingerprint: string;
}
