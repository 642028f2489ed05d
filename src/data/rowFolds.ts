import { scrambled } from '../memory/scrambled.js';

/** First word of the hashes that put rows into folds. */
const FOLDING = 0x464f4c44;
const HALF = 2 ** 32;

/** The most folds: a row's is kept in a byte. */
export const MOST_FOLDS = 100;

/**
 * The fold of each row of a file, from 0 to folds − 1, a function of its number and the seed alone. Of every `folds` rows in a
 * row (from a multiple of `folds` on) each goes to another fold: the one whose number is the rank of its hash among theirs. So
 * the sizes of the folds differ by at most one row, without a list.
 */
export class RowFolds {
  readonly folds: number;
  readonly #key: number;
  /** The first row of those whose folds are known. */
  #first = -1;
  readonly #hashes: Uint32Array;
  readonly #ranks: Uint8Array;

  /** 2 ≤ folds ≤ `MOST_FOLDS` */
  constructor(folds: number, seed: number) {
    this.folds = folds;
    this.#key = scrambled(scrambled(FOLDING + Math.floor(seed / HALF)) ^ seed);
    this.#hashes = new Uint32Array(folds);
    this.#ranks = new Uint8Array(folds);
  }

  foldOf(row: number): number {
    const place = row % this.folds;
    if (row - place !== this.#first) this.#rank(row - place);
    return this.#ranks[place]!;
  }

  #rank(first: number): void {
    const { folds } = this;
    const hashes = this.#hashes;
    this.#first = first;
    for (let i = 0; i < folds; i++) {
      const row = first + i;
      const hash = scrambled(scrambled(this.#key + Math.floor(row / HALF)) ^ row);
      hashes[i] = hash;
      // Its rank among those before it; equals keep their order.
      let rank = 0;
      for (let j = 0; j < i; j++) {
        if (hashes[j]! <= hash) rank++;
        else this.#ranks[j]!++;
      }
      this.#ranks[i] = rank;
    }
  }
}
