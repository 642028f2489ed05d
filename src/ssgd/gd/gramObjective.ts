import { Random } from '../../memory/random.js';
import { shareLength } from '../../threads/shares.js';
import type { Workspace } from '../../threads/workspace.js';
import type { ProblemSize } from '../closed/fit.js';
import type { NormalEquations } from '../closed/normalEquations.js';
import { partsWorth } from '../threadsWorth.js';
import type { SmoothObjective } from './smoothObjective.js';

const POWER_ITERATIONS = 60;

/**
 * Ridge regression from its normal equations: G·W − B + reg·W costs d²k multiplications and no input.
 * The intercept is eliminated by centring, so its part of each vector stays 0.
 */
export class GramObjective implements SmoothObjective {
  readonly bytesRead: number;
  readonly passes = 1;
  readonly #workspace: Workspace;
  readonly #equations: NormalEquations;
  readonly #size: ProblemSize;
  readonly #reg: number;
  readonly #bias: boolean;

  constructor(
    workspace: Workspace,
    equations: NormalEquations,
    size: ProblemSize,
    options: { readonly reg: number; readonly bias: boolean },
  ) {
    this.#workspace = workspace;
    this.#equations = equations;
    this.#size = size;
    this.#reg = options.reg;
    this.#bias = options.bias;
    this.bytesRead = equations.bytesRead;
  }

  /** Value: ½(Σ‖y‖² + ⟨W, g − B⟩) for g = G·W − B + reg·W. */
  async evaluate(vector: Float64Array, gradient: Float64Array): Promise<number> {
    const { n, d, k } = this.#size;
    const cross = this.#workspace.arena.float64('cross');
    gradient.fill(0);
    this.#multiply(vector, gradient, k);
    let value = this.#equations.targetSquares;
    for (let i = 0; i < d * k; i++) {
      const g = gradient[i]! + this.#reg * vector[i]! - cross[i]!;
      value += vector[i]! * (g - cross[i]!);
      gradient[i] = g / n;
    }
    return value / 2 / n;
  }

  /** Power iteration on one vector; a little is added for what is missing to the limit. */
  async curvature(vector: Float64Array, image: Float64Array): Promise<number> {
    const { n, d } = this.#size;
    const random = Random.of(0x4c, d);
    for (let j = 0; j < d; j++) vector[j] = random.normal();
    let largest = 0;
    for (let i = 0; i < POWER_ITERATIONS; i++) {
      let norm = 0;
      for (let j = 0; j < d; j++) norm += vector[j]! ** 2;
      if (norm === 0) break;
      norm = Math.sqrt(norm);
      for (let j = 0; j < d; j++) vector[j]! /= norm;
      image.fill(0, 0, d);
      this.#multiply(vector, image, 1);
      largest = 0;
      for (let j = 0; j < d; j++) largest += image[j]! ** 2;
      largest = Math.sqrt(largest);
      vector.set(image.subarray(0, d));
    }
    return (1.02 * largest + this.#reg) / n;
  }

  /** Threads share the vectors out among themselves. */
  #multiply(vectors: Float64Array, images: Float64Array, count: number): void {
    const { d } = this.#size;
    const { arena, threads } = this.#workspace;
    const gram = arena.address('gram');
    const length = shareLength(count, 1, partsWorth(threads.count, d * d * count));
    for (let from = 0; from < count; from += length) {
      const [at, some] = [8 * d * from, Math.min(length, count - from)];
      threads.add('addSymmetricProduct', gram, d, vectors.byteOffset + at, some, images.byteOffset + at);
    }
    threads.run();
  }

  model(vector: Float64Array): { weights: Float64Array; intercept: Float64Array } {
    const { d, k } = this.#size;
    const mean = this.#workspace.arena.float64('mean');
    const weights = vector.slice(0, k * d);
    const intercept = new Float64Array(k);
    if (this.#bias) {
      for (let c = 0; c < k; c++) {
        intercept[c] = this.#equations.targetMean[c]!;
        for (let j = 0; j < d; j++) intercept[c]! -= weights[c * d + j]! * mean[j]!;
      }
    }
    return { weights, intercept };
  }
}
