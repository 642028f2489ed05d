import { RankCurve, type Ranking } from './rankCurve.js';

/** Scores beyond ±sinh(this), some 4 million, share the outermost bins. */
const REACH = 16;

/**
 * Counts of scores in bins, for each class those of its own rows and those of the rest. The bins are even in asinh(score): as fine as
 * REACH/bins near zero, and as fine in proportion to the score further out.
 */
export class ScoreHistogram {
  readonly #counts: Float64Array;
  readonly #bins: number;

  constructor(columns: number, bins: number) {
    this.#counts = new Float64Array(2 * columns * bins);
    this.#bins = bins;
  }

  add(column: number, score: number, positive: boolean): void {
    const bins = this.#bins;
    const place = Math.floor(((Math.asinh(score) + REACH) * bins) / (2 * REACH));
    const bin = place < 0 ? 0 : place >= bins ? bins - 1 : place;
    this.#counts[2 * (column * bins + bin) + (positive ? 0 : 1)]! += 1;
  }

  ranking(column: number): Ranking | undefined {
    const curve = new RankCurve();
    for (let bin = this.#bins - 1; bin >= 0; bin--) {
      const at = 2 * (column * this.#bins + bin);
      const [positives, negatives] = [this.#counts[at]!, this.#counts[at + 1]!];
      if (positives > 0 || negatives > 0) curve.blurredStep(positives, negatives);
    }
    return curve.result();
  }
}
