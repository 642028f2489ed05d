import { Random } from '../memory/random.js';

/** Rows of a stretch at least, and how many of them are wanted at least where that makes stretches longer. */
const STRETCH_ROWS = 256;
const STRETCH_WANTED = 16;
/** First number, after the seed, of the random streams that choose rows. */
const SAMPLING = 0x53414d50;

/**
 * A random sample of the rows of a file: exactly `size` of `rows`, rising, chosen by seed. The file is cut into stretches of equal
 * length; of each the share of the sample is drawn, to one row, every choice of so many equally likely, and every row of the file has
 * the same chance. So a file that is sorted, by its labels for one, is sampled evenly, and the i-th row of the sample is found at once,
 * in memory that does not grow with the rows.
 */
export class RowSample {
  readonly rows: number;
  readonly size: number;
  readonly seed: number;
  readonly #stretchRows: number;
  /** Rounds the share of each stretch up or down by chance. */
  readonly #offset: bigint;
  /** The stretch whose rows are drawn, and what the sample has before it. */
  #stretch = -1;
  #before = 0;
  #count = 0;
  readonly #chosen: Float64Array;

  /** 1 ≤ size ≤ rows. */
  constructor(rows: number, size: number, seed: number) {
    this.rows = rows;
    this.size = size;
    this.seed = seed;
    this.#stretchRows =
      STRETCH_ROWS * Math.max(1, Math.ceil((STRETCH_WANTED * rows) / (STRETCH_ROWS * size)));
    this.#offset = BigInt(Math.floor(Random.of(seed, SAMPLING).uniform() * rows));
    this.#chosen = new Float64Array(Math.ceil((this.#stretchRows * size) / rows) + 1);
  }

  /** Number, in the file, of row `position` of the sample, 0 ≤ position < size. */
  rowAt(position: number): number {
    if (this.#stretch < 0 || position < this.#before || position >= this.#before + this.#count) {
      const last = Math.ceil(this.rows / this.#stretchRows) - 1;
      let stretch = Math.min(Math.floor((position / this.size) * (this.rows / this.#stretchRows)), last);
      while (this.#wantedBefore(stretch) > position) stretch--;
      while (this.#wantedBefore(stretch + 1) <= position) stretch++;
      this.#draw(stretch);
    }
    return this.#chosen[position - this.#before]!;
  }

  #start(stretch: number): number {
    return Math.min(stretch * this.#stretchRows, this.rows);
  }

  /** Rows of the sample before a stretch: ⌊(rows before it · size + offset) / rows⌋, whose product may be beyond 2^53. */
  #wantedBefore(stretch: number): number {
    return Number((BigInt(this.#start(stretch)) * BigInt(this.size) + this.#offset) / BigInt(this.rows));
  }

  /** Floyd's sampling without repetition, kept in order. */
  #draw(stretch: number): void {
    const first = this.#start(stretch);
    const rows = this.#start(stretch + 1) - first;
    const random = Random.of(this.seed, SAMPLING, stretch);
    const chosen = this.#chosen;
    this.#stretch = stretch;
    this.#before = this.#wantedBefore(stretch);
    this.#count = this.#wantedBefore(stretch + 1) - this.#before;
    for (let have = 0; have < this.#count; have++) {
      const bound = rows - this.#count + have + 1;
      const draw = first + (bound <= 2 ** 32 ? random.below(bound) : Math.floor(random.uniform() * bound));
      const at = placeOf(chosen, have, draw);
      if (at < have && chosen[at] === draw) chosen[have] = first + bound - 1;
      else {
        chosen.copyWithin(at + 1, at, have);
        chosen[at] = draw;
      }
    }
  }
}

/** Where a number belongs among the first `count`, which rise. */
function placeOf(numbers: Float64Array, count: number, number: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (numbers[middle]! < number) low = middle + 1;
    else high = middle;
  }
  return low;
}
