import type { Calibration } from './evaluationReport.js';

export const RELIABILITY_BINS = 15;
/** No probability of what happened counts as less: −log of it would be infinite. */
const LEAST_PROBABILITY = 2 ** -52;

/** How far probabilities can be believed: their log loss, and in bins of equal width their mean against what came true. */
export class Reliability {
  readonly #rows = new Float64Array(RELIABILITY_BINS);
  readonly #probabilities = new Float64Array(RELIABILITY_BINS);
  readonly #true = new Float64Array(RELIABILITY_BINS);
  #seen = 0;
  #logLoss = 0;

  /**
   * `probability` of something that did or did not come true, and `ofLabel` that of the row's class.
   */
  add(probability: number, cameTrue: boolean, ofLabel: number): void {
    // The first bin holds 0 too, each other its upper end, as in scikit-learn.
    const bin = Math.min(RELIABILITY_BINS - 1, Math.max(0, Math.ceil(probability * RELIABILITY_BINS) - 1));
    this.#rows[bin]!++;
    this.#probabilities[bin]! += probability;
    if (cameTrue) this.#true[bin]!++;
    this.#seen++;
    this.#logLoss -= Math.log(Math.max(ofLabel, LEAST_PROBABILITY));
  }

  get logLoss(): number {
    return this.#logLoss / Math.max(this.#seen, 1);
  }

  calibration(): Calibration {
    let [expectedError, largestError] = [0, 0];
    const bins = Array.from({ length: RELIABILITY_BINS }, (_, bin) => {
      const rows = this.#rows[bin]!;
      const probability = rows > 0 ? this.#probabilities[bin]! / rows : 0;
      const share = rows > 0 ? this.#true[bin]! / rows : 0;
      const error = Math.abs(probability - share);
      expectedError += (rows / Math.max(this.#seen, 1)) * error;
      largestError = Math.max(largestError, error);
      return { from: bin / RELIABILITY_BINS, to: (bin + 1) / RELIABILITY_BINS, rows, probability, share };
    });
    return { expectedError, largestError, bins };
  }
}
