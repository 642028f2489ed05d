import type { Arena } from '../../memory/arena.js';
import type { StepBatch } from './runParts.js';

/** Rows whose losses are taken. */
export type JudgedRows = Pick<
  StepBatch,
  'filled' | 'counted' | 'weight' | 'labels' | 'labelsAddress' | 'weights'
>;

/**
 * The rows of a batch that a model learns from: all but those of its fold, whose slopes are 0, as if their weights were. The
 * scores of the others are moved together, so that losses go over these rows alone. Lies in the regions 'kept labels' and
 * 'kept weights', which all models share.
 */
export class KeptOfFold implements JudgedRows {
  filled = 0;
  counted = 0;
  weight = 0;
  readonly labels: Float64Array;
  readonly labelsAddress: number;
  readonly weights: Float64Array | undefined;
  readonly #fold: number;
  readonly #batch: StepBatch;

  constructor(fold: number, batch: StepBatch, arena: Arena) {
    this.#fold = fold;
    this.#batch = batch;
    this.labels = arena.float64('kept labels');
    this.labelsAddress = arena.address('kept labels');
    this.weights = batch.weights === undefined ? undefined : arena.float64('kept weights');
  }

  /** Moves scores (rows × columns), labels and weights of the kept rows to the front. */
  take(scores: Float32Array, columns: number): void {
    const { filled: rows, folds, labels, labelsOfRow, weights } = this.#batch;
    this.filled = 0;
    this.counted = 0;
    this.weight = 0;
    for (let i = 0; i < rows; i++) {
      if (folds![i] === this.#fold) continue;
      const to = this.filled++;
      const weight = weights === undefined ? 1 : weights[i]!;
      if (weight !== 0) this.counted++;
      this.weight += weight;
      for (let l = 0; l < labelsOfRow; l++) this.labels[to * labelsOfRow + l] = labels[i * labelsOfRow + l]!;
      if (this.weights !== undefined) this.weights[to] = weight;
      if (to !== i) for (let c = 0; c < columns; c++) scores[to * columns + c] = scores[i * columns + c]!;
    }
  }

  /** Moves what the scores became back to their rows; that of the others is 0. */
  putBack(slopes: Float32Array, columns: number): void {
    const { filled: rows, folds } = this.#batch;
    let from = this.filled;
    for (let i = rows - 1; i >= 0; i--) {
      if (folds![i] === this.#fold) slopes.fill(0, i * columns, (i + 1) * columns);
      else if (--from !== i)
        for (let c = 0; c < columns; c++) slopes[i * columns + c] = slopes[from * columns + c]!;
    }
  }
}
