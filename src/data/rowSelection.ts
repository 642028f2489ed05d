import { Random } from '../memory/random.js';

/** Rows among which a set number is held out: enough for an even share, few enough to be drawn anew at each visit. */
const STRATUM_ROWS = 256;
/** First number, after the seed, of the random streams that choose rows. */
const HOLDING_OUT = 0x484f4c44;

/**
 * Which rows of a file are held out: exactly `held` of `rows`, chosen by seed. In every 256 rows in a row as many are
 * held out as the share says, to one row; which ones is random. So a row's part is a function of its number, and the
 * place of the i-th kept row is found at once, in memory that does not grow with the rows.
 */
export class RowSelection {
  readonly rows: number;
  readonly held: number;
  readonly #seed: number;
  /** The stratum whose flags are drawn. */
  #stratum = -1;
  readonly #flags = new Uint8Array(STRATUM_ROWS);
  readonly #places = new Uint16Array(STRATUM_ROWS);

  /** 0 ≤ held < rows. */
  constructor(rows: number, held: number, seed: number) {
    this.rows = rows;
    this.held = held;
    this.#seed = seed;
  }

  /** Rows that are not held out. */
  get kept(): number {
    return this.rows - this.held;
  }

  isHeld(row: number): boolean {
    this.#draw(Math.floor(row / STRATUM_ROWS));
    return this.#flags[row % STRATUM_ROWS] === 1;
  }

  /** Number, among all rows, of the kept row number `position`, 0 ≤ position < kept. */
  keptRow(position: number): number {
    let stratum = Math.min(
      Math.floor((position / this.kept) * (this.rows / STRATUM_ROWS)),
      Math.floor((this.rows - 1) / STRATUM_ROWS),
    );
    while (this.#keptBefore(stratum) > position) stratum--;
    while (this.#keptBefore(stratum + 1) <= position) stratum++;
    this.#draw(stratum);
    let place = 0;
    for (let left = position - this.#keptBefore(stratum); ; place++) {
      if (this.#flags[place] === 1) continue;
      if (left === 0) return stratum * STRATUM_ROWS + place;
      left--;
    }
  }

  #start(stratum: number): number {
    return Math.min(stratum * STRATUM_ROWS, this.rows);
  }

  /** Held rows before a stratum: ⌊rows before it · held / rows⌋, whose product may be beyond 2^53. */
  #heldBefore(stratum: number): number {
    return Number((BigInt(this.#start(stratum)) * BigInt(this.held)) / BigInt(this.rows));
  }

  #keptBefore(stratum: number): number {
    return this.#start(stratum) - this.#heldBefore(stratum);
  }

  #draw(stratum: number): void {
    if (stratum === this.#stratum) return;
    this.#stratum = stratum;
    const count = this.#start(stratum + 1) - this.#start(stratum);
    const held = this.#heldBefore(stratum + 1) - this.#heldBefore(stratum);
    const random = Random.of(this.#seed, HOLDING_OUT, stratum);
    const places = this.#places;
    this.#flags.fill(0);
    for (let i = 0; i < count; i++) places[i] = i;
    for (let i = 0; i < held; i++) {
      const j = i + random.below(count - i);
      const place = places[j]!;
      places[j] = places[i]!;
      this.#flags[place] = 1;
    }
  }
}
