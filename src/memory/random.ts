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

  /** The same numbers as so many calls of `below`, into target[0, count). */
  fillBelow(target: Uint32Array, count: number, bound: number): void {
    const s = this.#state;
    // Written out, here and in `shuffle`: as results of functions, numbers beyond 2^31 would be objects.
    let [a, b, c, d] = [s[0]! | 0, s[1]! | 0, s[2]! | 0, s[3]! | 0];
    const divisor = bound >>> 0;
    const largest = bound === 2 ** 32 ? 0xffffffff : (0xffffffff - ((-divisor >>> 0) % divisor)) >>> 0;
    for (let i = 0; i < count; i++) {
      let draw: number;
      do {
        draw = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
        const shifted = b << 9;
        c ^= a;
        d ^= b;
        b ^= c;
        a ^= d;
        c ^= shifted;
        d = rotate(d, 11);
      } while (draw > largest);
      target[i] = bound === 2 ** 32 ? draw : draw % divisor;
    }
    s.set([a, b, c, d]);
  }

  /** Fisher–Yates in place: every order of `items[from..to)` is equally likely. */
  shuffle<T extends { [index: number]: number; readonly length: number }>(
    items: T,
    from = 0,
    to = items.length,
  ): T {
    const s = this.#state;
    let [a, b, c, d] = [s[0]! | 0, s[1]! | 0, s[2]! | 0, s[3]! | 0];
    for (let i = to - 1; i > from; i--) {
      const bound = (i - from + 1) >>> 0;
      const rest = (-bound >>> 0) % bound;
      let draw: number;
      do {
        draw = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
        const shifted = b << 9;
        c ^= a;
        d ^= b;
        b ^= c;
        a ^= d;
        c ^= shifted;
        d = rotate(d, 11);
      } while (draw > (0xffffffff - rest) >>> 0);
      const j = from + (draw % bound);
      const held = items[i]!;
      items[i] = items[j]!;
      items[j] = held;
    }
    s.set([a, b, c, d]);
    return items;
  }
}

function rotate(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
