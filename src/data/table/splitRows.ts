import { Random } from '../../memory/random.js';

/** Random streams are numbered by purpose; this is the split's. */
const SPLIT_STREAM = 0x73706c74;

/**
 * Training rows of each of the strata (classes): `⌊percentage·n⌋` of all n rows, divided in proportion, the largest remainders
 * first; every stratum with a row keeps one for training as far as that is possible.
 */
export function trainingRows(counts: readonly number[], percentage: number): number[] {
  const n = counts.reduce((sum, count) => sum + count, 0);
  const total = Math.max(Math.min(n, 1), Math.floor(percentage * n));
  const shares = counts.map((count) => (n === 0 ? 0 : (total * count) / n));
  const rows = shares.map(Math.floor);
  let left = total - rows.reduce((sum, count) => sum + count, 0);
  const byRemainder = shares
    .map((share, stratum) => ({ stratum, remainder: share - Math.floor(share) }))
    .sort((a, b) => b.remainder - a.remainder || a.stratum - b.stratum);
  for (const { stratum } of byRemainder) {
    if (left === 0) break;
    if (rows[stratum]! === counts[stratum]!) continue;
    rows[stratum]!++;
    left--;
  }
  for (const [stratum, count] of counts.entries()) {
    if (count === 0 || rows[stratum]! > 0) continue;
    const largest = rows.indexOf(Math.max(...rows));
    if (rows[largest]! < 2) break;
    rows[largest]!--;
    rows[stratum] = 1;
  }
  return rows;
}

/**
 * Draws the training rows as rows stream by: of each stratum exactly as many as wanted, every subset equally likely
 * (selection sampling; Knuth, The Art of Computer Programming 2, algorithm 3.4.2S). The same seed draws the same rows.
 */
export class RowDraw {
  readonly #random: Random;
  readonly #left: number[];
  readonly #wanted: number[];

  /** @param counts rows of each stratum @param wanted training rows of each */
  constructor(counts: readonly number[], wanted: readonly number[], seed: number) {
    this.#random = Random.of(seed, SPLIT_STREAM);
    this.#left = [...counts];
    this.#wanted = [...wanted];
  }

  /** Whether the next row, which is of this stratum, is a training row. */
  next(stratum: number): boolean {
    const left = this.#left[stratum]!--;
    const wanted = this.#wanted[stratum]!;
    // Nothing is drawn where there is nothing to choose.
    const chosen = wanted >= left || (wanted > 0 && this.#random.uniform() * left < wanted);
    if (chosen) this.#wanted[stratum]!--;
    return chosen;
  }
}
