/** What an order of rows by score says of one class against the rest. */
export interface Ranking {
  /** Area under the ROC curve: how often a row of the class has a higher score than one of the rest, ties counting half. */
  readonly rocAuc: number;
  /** Average precision: Σ (recallᵢ − recallᵢ₋₁)·precisionᵢ over the different scores, from the highest down. */
  readonly averagePrecision: number;
  /** The true figures differ from these by at most so much: 0 where every score was looked at. */
  readonly rocAucError: number;
  readonly averagePrecisionError: number;
}

/** Sums up a ranking, from the highest score down. */
export class RankCurve {
  #positives = 0;
  #negatives = 0;
  #area = 0;
  #precisions = 0;
  #tied = 0;
  #lowest = 0;
  #highest = 0;

  /** Rows that all have one score: so many of the class, so many of the rest. */
  step(positives: number, negatives: number): void {
    this.#area += negatives * (this.#positives + positives / 2);
    this.#positives += positives;
    this.#negatives += negatives;
    if (positives > 0)
      this.#precisions += positives * (this.#positives / (this.#positives + this.#negatives));
  }

  /** Rows whose scores are close, in an unknown order. */
  blurredStep(positives: number, negatives: number): void {
    const before = this.#positives;
    const passed = before + this.#negatives;
    this.#tied += positives * negatives;
    // Row i of the class stands behind at most all of the rest here, and, tied with others, counts as at best the last of the class before any of the rest.
    for (let i = 1; i <= positives; i++) this.#lowest += (before + i) / (passed + negatives + i);
    if (positives > 0) this.#highest += (positives * (before + positives)) / (passed + positives);
    this.step(positives, negatives);
  }

  /** The ranking; undefined when there are no rows of the class, or no others. */
  result(): Ranking | undefined {
    const [positives, negatives] = [this.#positives, this.#negatives];
    if (positives === 0 || negatives === 0) return undefined;
    const pairs = positives * negatives;
    const rocAuc = this.#area / pairs;
    if (this.#highest === 0)
      return {
        rocAuc,
        averagePrecision: this.#precisions / positives,
        rocAucError: 0,
        averagePrecisionError: 0,
      };
    return {
      rocAuc,
      averagePrecision: (this.#lowest + this.#highest) / 2 / positives,
      rocAucError: this.#tied / 2 / pairs,
      averagePrecisionError: (this.#highest - this.#lowest) / 2 / positives,
    };
  }
}
