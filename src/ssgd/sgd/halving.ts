/** How many times the models of a sweep are halved until one is left. */
export function rungsOf(models: number): number {
  return Math.ceil(Math.log2(models));
}

/**
 * Successive halving (Jamieson and Talwalkar, AISTATS 2016): with m models and R = ⌈log₂ m⌉, the worse half is dropped
 * when 1/2^R of all rows of all epochs have been trained on, again at 2/2^R, 4/2^R … 1/2; half of the rows are left
 * to the last model. So all models together cost R/2 + 1 times the arithmetic of one, not m times.
 */
export class Halving {
  readonly #total: number;
  #rungsLeft: number;

  /** @param total rows of all steps of the run */
  constructor(models: number, total: number) {
    this.#total = total;
    this.#rungsLeft = rungsOf(models);
  }

  /** Whether it is time to drop models, after this many rows; takes note of it. */
  due(samples: number): boolean {
    if (this.#rungsLeft === 0 || samples * 2 ** this.#rungsLeft < this.#total) return false;
    this.#rungsLeft--;
    return true;
  }

  /** How many of so many models stay. */
  static staying(models: number): number {
    return Math.ceil(models / 2);
  }

  /** Plain data. */
  state(): number {
    return this.#rungsLeft;
  }

  restore(rungsLeft: number): void {
    this.#rungsLeft = rungsLeft;
  }
}
