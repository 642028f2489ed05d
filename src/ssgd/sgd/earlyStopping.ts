import type { Evaluation, FoldFigures } from '../events.js';

/**
 * Whether `a` is better than `b` on the same rows: by accuracy, the loss deciding between equals, in classification;
 * by root mean squared error in regression. So models of different losses can be compared.
 */
export function isBetter(a: FoldFigures, b: FoldFigures | undefined): boolean {
  if (b === undefined) return true;
  if (a.accuracy !== undefined && b.accuracy !== undefined) {
    return a.accuracy > b.accuracy || (a.accuracy === b.accuracy && a.loss < b.loss);
  }
  return (a.rmse ?? a.loss) < (b.rmse ?? b.loss);
}

/** Plain data. */
export interface EarlyStoppingState {
  readonly best: Evaluation | null;
  readonly bestEpoch: number;
  readonly waited: number;
}

/** Remembers the best epoch on the held-out rows, and says when no epoch has been better for long enough. */
export class EarlyStopping {
  readonly #patience: number;
  #best: Evaluation | undefined;
  #bestEpoch = 0;
  #waited = 0;

  /** @param patience epochs without a better one after which to stop */
  constructor(patience: number) {
    this.#patience = patience;
  }

  /** On the held-out rows, with the weights of the best epoch. */
  get best(): Evaluation | undefined {
    return this.#best;
  }

  /** Counted from 1; 0 before the first. */
  get bestEpoch(): number {
    return this.#bestEpoch;
  }

  /** Whether to stop. */
  get exhausted(): boolean {
    return this.#waited >= this.#patience;
  }

  /** Takes the evaluation after an epoch, counted from 1; returns whether it is the best so far. */
  observe(evaluation: Evaluation, epoch: number): boolean {
    if (!isBetter(evaluation, this.#best)) {
      this.#waited++;
      return false;
    }
    this.#best = evaluation;
    this.#bestEpoch = epoch;
    this.#waited = 0;
    return true;
  }

  state(): EarlyStoppingState {
    return { best: this.#best ?? null, bestEpoch: this.#bestEpoch, waited: this.#waited };
  }

  restore(state: EarlyStoppingState): void {
    this.#best = state.best ?? undefined;
    this.#bestEpoch = state.bestEpoch;
    this.#waited = state.waited;
  }
}
