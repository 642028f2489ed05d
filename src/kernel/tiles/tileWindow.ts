import type { TileIndex } from './kernelMatrix.js';

/** Tiles in the order in which they are asked for, with a look at those ahead. */
export class TileWindow {
  readonly #source: Iterator<TileIndex>;
  readonly #ahead: TileIndex[] = [];
  readonly #most: number;
  #ended = false;

  constructor(which: Iterable<TileIndex>, most: number) {
    this.#source = which[Symbol.iterator]();
    this.#most = most;
  }

  /** The next tile, taken off; undefined at the end. */
  next(): TileIndex | undefined {
    this.#fill();
    return this.#ahead.shift();
  }

  /** The tile after the one taken last. */
  get following(): TileIndex | undefined {
    this.#fill();
    return this.#ahead[0];
  }

  #fill(): void {
    while (!this.#ended && this.#ahead.length < this.#most) {
      const { value, done } = this.#source.next();
      if (done) this.#ended = true;
      else this.#ahead.push(value);
    }
  }

  /** Blocks of rows in the order in which the tiles ahead use them. */
  *blocks(): Generator<number> {
    for (const { row, column } of this.#ahead) {
      yield row;
      yield column;
    }
  }
}
