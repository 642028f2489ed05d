import type { StepKernels } from '../../arithmetic/step.js';
import type { OptimizerName } from '../options.js';

/** One update of all weights from m rows. Matrices are byte addresses, rows `stride` floats apart. */
export interface WeightStep {
  readonly kernels: StepKernels;
  /** Scaled rows, m × stride. */
  readonly x: number;
  m: number;
  readonly stride: number;
  /** The features [from, to) to work on, multiples of 16; all: 0 and `stride`. Threads divide them among themselves. */
  from: number;
  to: number;
  /** Derivatives of the losses by the scores, m × k. */
  readonly slopes: number;
  readonly k: number;
  readonly w: number;
  /** `matrices` matrices of the size of w, zero at the start. */
  readonly state: readonly number[];
  /** Factor on the sum over rows: 1/m. */
  scale: number;
  /** Weight of W in the gradient: reg/n. */
  readonly decay: number;
  rate: number;
  readonly momentum: number;
  /** Number of this step, from 1. */
  t: number;
}

/**
 * The places of a step's features lie in `stretches` stretches of `length` floats, the first at `from` floats, each
 * `stride` floats behind the last.
 */
export function stretchesOf({ from, to, stride, k }: WeightStep): { stretches: number; length: number } {
  return from === 0 && to === stride
    ? { stretches: 1, length: k * stride }
    : { stretches: k, length: to - from };
}

/** One update of the intercept, which has no penalty. `state` has `matrices` vectors of length k. */
export interface InterceptStep {
  readonly values: Float32Array;
  /** Mean of the slopes over the rows of the step. */
  readonly gradient: Float64Array;
  readonly state: readonly Float32Array[];
  rate: number;
  readonly momentum: number;
  t: number;
}

/** How a gradient changes the weights. To add one: a file here and a line in the table of optimizers.ts. */
export interface Optimizer {
  readonly name: OptimizerName;
  /** Matrices of the size of the weights it needs besides them. */
  readonly matrices: number;
  stepWeights(step: WeightStep): void;
  stepIntercept(step: InterceptStep): void;
  /**
   * Proximal step of the penalty l1·Σ|W| after `stepWeights`: soft thresholding in the metric of this optimiser,
   * by as much as a constant gradient of size l1 would move a weight in the long run.
   */
  shrinkWeights(step: WeightStep, l1: number): void;
}
