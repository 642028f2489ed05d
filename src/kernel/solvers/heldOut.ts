import { type KernelProblem, vectorWidth } from './solver.js';

/**
 * Accuracy (classification: the share of rows whose largest score is that of their class) or root mean square error of
 * each regularization on the rows held out. `predictions` is [n][width]; only those rows are read.
 */
export function heldOutScores(
  { size, options, targets, heldOut, classification }: KernelProblem,
  predictions: Float64Array,
): number[] {
  const { n, k } = size;
  const width = vectorWidth(size);
  const sums = new Float64Array(options.reg.length);
  let rows = 0;
  for (let i = 0; i < n; i++) {
    if (heldOut?.[i] !== 1) continue;
    rows++;
    for (let l = 0; l < sums.length; l++) {
      const at = i * width + l * k;
      if (classification) {
        if (largestOf(predictions, at, k) === largestOf(targets, at, k)) sums[l]!++;
      } else {
        for (let c = 0; c < k; c++) sums[l]! += (predictions[at + c]! - targets[at + c]!) ** 2 / k;
      }
    }
  }
  return Array.from(sums, (sum) => (classification ? sum / rows : Math.sqrt(sum / rows)));
}

/** Place of the largest of k numbers, the first of equals. */
export function largestOf(values: Float64Array, at: number, k: number): number {
  let largest = 0;
  for (let c = 1; c < k; c++) if (values[at + c]! > values[at + largest]!) largest = c;
  return largest;
}

/** Whether score `a` is better than `b`: a larger accuracy, a smaller error. */
export function isBetter(a: number, b: number, classification: boolean): boolean {
  return classification ? a > b : a < b;
}

/** Index of the best score; of equals the one with the largest regularization. */
export function bestScore(
  scores: readonly number[],
  regularizations: readonly number[],
  classification: boolean,
): number {
  let best = 0;
  for (let l = 1; l < scores.length; l++) {
    const equal = scores[l] === scores[best];
    if (
      equal
        ? regularizations[l]! > regularizations[best]!
        : isBetter(scores[l]!, scores[best]!, classification)
    )
      best = l;
  }
  return best;
}

/** Plain data of a `Patience`, for checkpoints. */
export interface PatienceState {
  readonly best: readonly (number | null)[];
  readonly since: readonly number[];
}

/** Says when held-out scores have settled: no improvement on the best so far for `patience` passes. */
export class Patience {
  readonly #patience: number;
  readonly #classification: boolean;
  /** Best score of each regularization so far. */
  readonly #best: (number | null)[];
  /** Passes since. */
  readonly #since: number[];

  /** `patience` 0: never settled. */
  constructor(patience: number, count: number, classification: boolean, state?: PatienceState) {
    this.#patience = patience;
    this.#classification = classification;
    this.#best = state === undefined ? new Array(count).fill(null) : [...state.best];
    this.#since = state === undefined ? new Array(count).fill(0) : [...state.since];
  }

  /** Takes the scores after a pass. */
  update(scores: readonly number[]): void {
    for (const [l, score] of scores.entries()) {
      const best = this.#best[l]!;
      if (best === null || isBetter(score, best, this.#classification)) {
        this.#best[l] = score;
        this.#since[l] = 0;
      } else this.#since[l]!++;
    }
  }

  /** Whether the scores of regularization l have settled. */
  settled(l: number): boolean {
    return this.#patience > 0 && this.#since[l]! >= this.#patience;
  }

  state(): PatienceState {
    return { best: [...this.#best], since: [...this.#since] };
  }
}
