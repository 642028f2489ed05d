/** Bits of the significand of number types that round. */
const significands = { float16: 11, float32: 24 } as const;
/** A type of number that rounds. */
export type RoundingDtype = keyof typeof significands;
/** Steps of a number type in a standard deviation, at least, so that rounding does no harm. */
const LEAST_STEPS = 1000;

/** How large numbers are and how much they differ, as they pass by. */
export class Spread {
  #count = 0;
  /** The sums are of differences from the first number, so that offsets do no harm. */
  #first = 0;
  #sum = 0;
  #squares = 0;
  #largest = 0;
  #exact = true;

  /** A finite number, `count` times. */
  add(value: number, count = 1): void {
    if (this.#count === 0) this.#first = value;
    this.#count += count;
    const difference = value - this.#first;
    this.#sum += count * difference;
    this.#squares += count * difference * difference;
    if (value > this.#largest) this.#largest = value;
    else if (-value > this.#largest) this.#largest = -value;
    if (Math.fround(value) !== value) this.#exact = false;
  }

  /** Many numbers at once, NaN passed over. Returns how many there were. */
  addAll(values: Float64Array, count: number): number {
    let start = 0;
    while (start < count && Number.isNaN(values[start]!)) start++;
    if (start === count) return 0;
    if (this.#count === 0) this.#first = values[start]!;
    const first = this.#first;
    let added = 0;
    let sum = this.#sum;
    let squares = this.#squares;
    let largest = this.#largest;
    let exact = this.#exact;
    for (let i = start; i < count; i++) {
      const value = values[i]!;
      if (Number.isNaN(value)) continue;
      added++;
      const difference = value - first;
      sum += difference;
      squares += difference * difference;
      const size = Math.abs(value);
      if (size > largest) largest = size;
      if (exact && Math.fround(value) !== value) exact = false;
    }
    this.#count += added;
    this.#sum = sum;
    this.#squares = squares;
    this.#largest = largest;
    this.#exact = exact;
    return added;
  }

  get deviation(): number {
    const mean = this.#sum / this.#count;
    return Math.sqrt(Math.max(0, this.#squares / this.#count - mean * mean));
  }

  /** What lies between two neighbouring numbers of a type, at the largest of those seen. */
  stepOf(dtype: RoundingDtype): number {
    return 2 ** (Math.floor(Math.log2(this.#largest)) - significands[dtype] + 1);
  }

  /** Whether rounding to a type would merge values, or nearly: its steps are more than a thousandth of the standard deviation. */
  isTooFineFor(dtype: RoundingDtype): boolean {
    const { deviation } = this;
    if (!(deviation > 0) || this.#exact) return false;
    return this.stepOf(dtype) * LEAST_STEPS > deviation;
  }
}
