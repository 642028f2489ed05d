/** Loss per row this many times the loss of the first weights is an explosion. */
const EXPLOSION = 100;
/** With an automatic rate a lasting rise above the first loss is enough to act. */
const RISE = 3;
/** Rows over which the loss is averaged before it is judged. */
const WINDOW_ROWS = 512;

export type Verdict = 'good' | 'open' | 'diverged';

/**
 * Watches the loss of each step. `open` while a window is being filled, `good` when a full window is no
 * worse than its predecessors (time to keep the weights), `diverged` at the first NaN, infinity or explosion.
 */
export class DivergenceWatch {
  readonly #limit: number;
  #windowLoss = 0;
  #windowRows = 0;
  #best = Infinity;

  /** @param firstLoss mean loss of the first weights @param strict whether a moderate rise counts */
  constructor(firstLoss: number, strict: boolean) {
    this.#limit = (strict ? RISE : EXPLOSION) * Math.max(firstLoss, 1e-12);
  }

  observe(lossSum: number, rows: number): Verdict {
    if (!Number.isFinite(lossSum)) return 'diverged';
    this.#windowLoss += lossSum;
    this.#windowRows += rows;
    if (this.#windowRows < WINDOW_ROWS) {
      return this.#windowLoss > EXPLOSION * this.#limit * WINDOW_ROWS ? 'diverged' : 'open';
    }
    const mean = this.#windowLoss / this.#windowRows;
    this.restart();
    if (mean > this.#limit) return 'diverged';
    if (mean > 1.5 * this.#best) return 'open';
    this.#best = Math.min(this.#best, mean);
    return 'good';
  }

  /** Forgets the window that is being filled. */
  restart(): void {
    this.#windowLoss = 0;
    this.#windowRows = 0;
  }
}
