import { scrambled } from './scrambled.js';

/**
 * xoshiro128** 1.1 (Blackman & Vigna 2018): 128 bits of state, period 2^128 − 1.
 * Streams for different (seed, purpose, epoch …) start from independent hashes of those numbers.
 */
export class Random {
  readonly #state: Uint32Array;

  /** `Random.of(seed, 7, 2)`: the stream numbered (7, 2) of that seed. Every number is taken modulo 2^53. */
  static of(...numbers: readonly number[]): Random {
    // SplitMix32-style absorption: each number stirs all four words.
    const state = new Uint32Array([0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667]);
    for (const number of [...numbers, numbers.length]) {
      for (const half of [number >>> 0, Math.floor(number / 2 ** 32) >>> 0]) {
        for (let word = 0; word < 4; word++) {
          state[word] = scrambled(
            (state[word]! ^ half) + Math.imul(state[(word + 1) & 3]!, 0x9e3779b9) + word,
          );
        }
      }
    }
    if (state.every((word) => word === 0)) state[0] = 1;
    return new Random(state);
  }

  /** Continues from a saved state (four 32-bit words). */
  constructor(state: ArrayLike<number>) {
    this.#state = Uint32Array.from(state);
  }

  /** The four words that continue this stream exactly. */
  state(): number[] {
    return [...this.#state];
  }

  /** A uniform 32-bit unsigned integer. */
  uint32(): number {
    const s = this.#state;
    const result = Math.imul(rotate(Math.imul(s[1]!, 5), 7), 9) >>> 0;
    const shifted = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= shifted;
    s[3] = rotate(s[3]!, 11);
    return result;
  }

  /** A uniform integer in [0, bound), exactly uniform by rejection; 1 ≤ bound ≤ 2^32. */
  below(bound: number): number {
    const largest = 2 ** 32 - (2 ** 32 % bound);
    let draw = this.uint32();
    while (draw >= largest) draw = this.uint32();
    return draw % bound;
  }

  /** A uniform number in [0, 1) with 53 random bits. */
  uniform(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) * 2 ** -53;
  }

  /** Standard normal (Marsaglia's polar method, one of the pair). */
  normal(): number {
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s);
    }
  }

  /** Fisher–Yates in place: every order of `items[from..to)` is equally likely. */
  shuffle<T extends { [index: number]: number; readonly length: number }>(
    items: T,
    from = 0,
    to = items.length,
  ): T {
    for (let i = to - 1; i > from; i--) {
      const j = from + this.below(i - from + 1);
      const held = items[i]!;
      items[i] = items[j]!;
      items[j] = held;
    }
    return items;
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
