/**
 * The random numbers of one sample, a function of (seed, index) alone. Like `Random`, but it can be started anew
 * without allocating, and it draws by additions and multiplications only, so that every machine draws the same bits.
 * Generator: xoshiro128** 1.1 (Blackman & Vigna 2018).
 */
export class SampleRandom {
  readonly #state = new Int32Array(4);

  /** Begins the stream of a sample. Both numbers are taken modulo 2^53. */
  start(seed: number, index: number): void {
    const s = this.#state;
    // Each word goes through bijective mixing of all four inputs, so different samples never share a state.
    let a = mix(index | 0, 0x9e3779b9);
    let b = mix((index / 2 ** 32) | 0, 0x243f6a88);
    let c = mix(seed | 0, 0xb7e15162);
    let e = mix((seed / 2 ** 32) | 0, 0x6a09e667);
    for (let round = 0; round < 2; round++) {
      a = mix(a ^ b, c);
      b = mix(b ^ c, e);
      c = mix(c ^ e, a);
      e = mix(e ^ a, b);
    }
    s[0] = a;
    s[1] = b;
    s[2] = c;
    // The all-zero state is the one xoshiro cannot leave.
    s[3] = (a | b | c | e) === 0 ? 1 : e;
  }

  /** A uniform 32-bit signed integer. */
  int32(): number {
    const s = this.#state;
    const s1 = s[1]!;
    const product = Math.imul(s1, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const s2 = s[2]! ^ s[0]!;
    const s3 = s[3]! ^ s1;
    s[1] = s1 ^ s2;
    s[0]! ^= s3;
    s[2] = s2 ^ (s1 << 9);
    s[3] = (s3 << 11) | (s3 >>> 21);
    return result;
  }

  /** A uniform number in [−1, 1). */
  signed(): number {
    return this.int32() * 2 ** -31;
  }

  /** A uniform number in [0, 1). */
  uniform(): number {
    return (this.int32() >>> 0) * 2 ** -32;
  }

  /** A uniform integer in [0, bound); the bias, bound · 2^-32, is far below what any test could see. */
  below(bound: number): number {
    return Math.floor(this.uniform() * bound);
  }

  /** Mean 0, variance 1, bell-shaped, never beyond ±3.5: the sum of four uniform 16-bit numbers. */
  bell(): number {
    const first = this.int32();
    const second = this.int32();
    const sum = (first & 0xffff) + (first >>> 16) + (second & 0xffff) + (second >>> 16);
    // Four uniform numbers on [0, 65535] sum to mean 131070 and variance 4 · 65536² / 12.
    return (sum - 131070) * (Math.sqrt(3) / 65536);
  }
}

/** MurmurHash3's finaliser over a word stirred with another; a bijection of `word` for each `salt`. */
function mix(word: number, salt: number): number {
  let h = (word + Math.imul(salt, 0x9e3779b1)) | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
