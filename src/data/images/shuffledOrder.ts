import { Random } from '../../memory/random.js';
import { scrambled } from '../../memory/scrambled.js';

/** First number, after the seed, of the random streams of the rounds. */
const ROUNDS_STREAM = 0x4f524452;
const ROUNDS = 6;

/**
 * A random order of 0 to count − 1 that takes no memory: a Feistel network (Luby and Rackoff, 1988) over the least even number of bits
 * that holds them all; numbers beyond are walked through until one is in range (Black and Rogaway, 2002).
 */
export class ShuffledOrder {
  readonly count: number;
  readonly #halfBits: number;
  readonly #keys: readonly number[];

  /** 0 < count ≤ 2^50. */
  constructor(count: number, seed: number) {
    this.count = count;
    this.#halfBits = Math.max(1, Math.ceil(Math.log2(Math.max(2, count)) / 2));
    const random = Random.of(seed, ROUNDS_STREAM);
    this.#keys = Array.from({ length: ROUNDS }, () => random.uint32());
  }

  /** What comes at a place, 0 ≤ place < count; a different number for each. */
  at(place: number): number {
    let number = place;
    do number = this.#permuted(number);
    while (number >= this.count);
    return number;
  }

  #permuted(number: number): number {
    const size = 2 ** this.#halfBits;
    let left = Math.floor(number / size);
    let right = number % size;
    for (const key of this.#keys) {
      const mixed = (left ^ scrambled(right ^ key)) >>> 0;
      left = right;
      right = mixed % size;
    }
    return left * size + right;
  }
}
