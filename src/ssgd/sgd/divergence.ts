/** Loss per row this many times the loss of the first weights is an explosion, seen at once. */
const EXPLOSION = 1e4;
/** A lasting rise to this many times the first loss is a divergence … */
const RISE = 100;
/** … or to this many times with an automatic rate. */
const STRICT_RISE = 3;
/** Windows in a row that make a rise lasting: a few rows with enormous features fill one window, not four. */
const LASTING = 4;
/** Rows over which the loss is averaged before it is judged. */
const WINDOW_ROWS = 512;

export type Verdict = 'good' | 'open' | 'diverged';

/** Plain data: survives JSON, which has no infinity, hence the null. */
export interface DivergenceWatchState {
  readonly limit: number;
  readonly explosion: number;
  readonly risen: number;
  readonly windowLoss: number;
  readonly windowRows: number;
  /** Smallest mean loss of a window so far, if there was one. */
  readonly best: number | null;
}

/**
 * Watches the loss of each step. `open` while a window is being filled, `good` when a full window is no
 * worse than its predecessors (time to keep the weights), `diverged` at the first NaN, infinity or explosion.
 */
export class DivergenceWatch {
  #limit: number;
  #explosion: number;
  #risen = 0;
  #windowLoss = 0;
  #windowRows = 0;
  #best = Infinity;
  /** Whether the last full window was good. Of no meaning before there was one; no part of the state. */
  lastWasGood = false;

  /** @param firstLoss mean loss of the first weights @param strict whether a moderate rise counts */
  constructor(firstLoss: number, strict: boolean) {
    const first = Math.max(firstLoss, 1e-12);
    this.#limit = (strict ? STRICT_RISE : RISE) * first;
    this.#explosion = EXPLOSION * first;
  }

  observe(lossSum: number, rows: number): Verdict {
    if (!Number.isFinite(lossSum)) return 'diverged';
    this.#windowLoss += lossSum;
    this.#windowRows += rows;
    if (this.#windowLoss > this.#explosion * WINDOW_ROWS) return 'diverged';
    if (this.#windowRows < WINDOW_ROWS) return 'open';
    const mean = this.#windowLoss / this.#windowRows;
    this.#windowLoss = 0;
    this.#windowRows = 0;
    this.lastWasGood = false;
    if (mean > this.#limit) return ++this.#risen >= LASTING ? 'diverged' : 'open';
    this.#risen = 0;
    if (mean > 1.5 * this.#best) return 'open';
    this.#best = Math.min(this.#best, mean);
    this.lastWasGood = true;
    return 'good';
  }

  /** Forgets the window that is being filled and those before it. */
  restart(): void {
    this.#risen = 0;
    this.#windowLoss = 0;
    this.#windowRows = 0;
  }

  state(): DivergenceWatchState {
    return {
      limit: this.#limit,
      explosion: this.#explosion,
      risen: this.#risen,
      windowLoss: this.#windowLoss,
      windowRows: this.#windowRows,
      best: Number.isFinite(this.#best) ? this.#best : null,
    };
  }

  restore(state: DivergenceWatchState): void {
    this.#limit = state.limit;
    this.#explosion = state.explosion;
    this.#risen = state.risen;
    this.#windowLoss = state.windowLoss;
    this.#windowRows = state.windowRows;
    this.#best = state.best ?? Infinity;
  }
}
