/** Loss per row this many times the loss of the first weights is an explosion, seen at once. */
const EXPLOSION = 1e4;
/** A lasting rise to this many times the first loss is a divergence … */
const RISE = 100;
/** … or to this many times with an automatic rate. */
const STRICT_RISE = 3;
/** Windows in a row that make a rise lasting: a few rows with enormous features fill one window, not four. */
const LASTING = 4;
/** Rows that count over which the loss is averaged before it is judged. */
const WINDOW_ROWS = 512;

export type Verdict = 'good' | 'open' | 'diverged';

/** Plain data: survives JSON, which has no infinity, hence the null. */
export interface DivergenceWatchState {
  /** Null before there is a loss to compare with. */
  readonly limit: number | null;
  readonly explosion: number | null;
  readonly risen: number;
  readonly windowLoss: number;
  readonly windowRows: number;
  readonly windowWeight: number;
  /** Smallest mean loss of a window so far, if there was one. */
  readonly best: number | null;
}

/**
 * Watches the loss of each step. `open` while a window is being filled, `good` when a full window is no
 * worse than its predecessors (time to keep the weights), `diverged` at the first NaN, infinity or explosion.
 *
 * Losses are compared by unit of weight, and rows of weight 0 are no rows: a stretch of rows that do not count shows
 * nothing of the model, and must not be what later rows are measured by.
 */
export class DivergenceWatch {
  #limit: number;
  #explosion: number;
  #risen = 0;
  #windowLoss = 0;
  #windowRows = 0;
  #windowWeight = 0;
  #best = Infinity;
  /** Whether the last full window was good. Of no meaning before there was one; no part of the state. */
  lastWasGood = false;

  /**
   * @param firstLoss mean loss of the first weights by unit of weight; Infinity while no row has counted: nothing is judged then
   * @param strict whether a moderate rise counts
   */
  constructor(firstLoss: number, strict: boolean) {
    const first = Math.max(firstLoss, 1e-12);
    this.#limit = (strict ? STRICT_RISE : RISE) * first;
    this.#explosion = EXPLOSION * first;
  }

  /** Mean loss of the first weights by unit of weight. */
  get first(): number {
    return this.#explosion / EXPLOSION;
  }

  /** A loss of so many times the first is a divergence when it lasts. */
  get rise(): number {
    return this.#limit / this.first;
  }

  /** Whether the last full window was above that. */
  get isRisen(): boolean {
    return this.#risen > 0;
  }

  /** Whether there is a loss to compare with. */
  get judges(): boolean {
    return this.#limit < Infinity;
  }

  /** @param rows rows of the step that count @param weight sum of their weights */
  observe(lossSum: number, rows: number, weight = rows): Verdict {
    if (!Number.isFinite(lossSum)) return 'diverged';
    if (rows === 0) return 'open';
    this.#windowLoss += lossSum;
    this.#windowRows += rows;
    this.#windowWeight += weight;
    const rowWeight = this.#windowWeight / this.#windowRows;
    if (this.#windowLoss > this.#explosion * (WINDOW_ROWS * rowWeight)) return 'diverged';
    if (this.#windowRows < WINDOW_ROWS) return 'open';
    const mean = this.#windowLoss / this.#windowWeight;
    this.#windowLoss = 0;
    this.#windowRows = 0;
    this.#windowWeight = 0;
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
    this.#windowWeight = 0;
  }

  state(): DivergenceWatchState {
    return {
      limit: finiteOrNull(this.#limit),
      explosion: finiteOrNull(this.#explosion),
      risen: this.#risen,
      windowLoss: this.#windowLoss,
      windowRows: this.#windowRows,
      windowWeight: this.#windowWeight,
      best: finiteOrNull(this.#best),
    };
  }

  restore(state: DivergenceWatchState): void {
    this.#limit = state.limit ?? Infinity;
    this.#explosion = state.explosion ?? Infinity;
    this.#risen = state.risen;
    this.#windowLoss = state.windowLoss;
    this.#windowRows = state.windowRows;
    this.#windowWeight = state.windowWeight;
    this.#best = state.best ?? Infinity;
  }
}

/** JSON has no infinity. */
function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
