import type { Kernels } from '../../arithmetic/kernels.js';
import type { Task } from '../../data/format.js';
import type { LossName } from '../options.js';

/**
 * A loss on scores. To add one: a file here, and a line in the table of losses.ts.
 * Labels are class numbers 0 … k−1, or targets in regression.
 */
export interface Loss {
  readonly name: LossName;
  readonly tasks: readonly Task[];
  /** Columns of scores for k classes, or k outputs of a regression. */
  columns(task: Task, k: number): number;
  /**
   * Typical second derivative by a score along a run: the automatic learning rate is in inverse proportion
   * to it. A loss whose slopes are bounded may give a value below its largest one.
   */
  readonly curvature: number;
  /**
   * For losses that become a line, in regression: what stands for `curvature` where the mean loss is `meanLoss`, the slope over the
   * error. A rate that `curvature` gives would take forever to reach targets far away.
   */
  readonly curvatureAt?: (meanLoss: number) => number;
  /** In regression, the size of an error whose loss is `loss`. */
  readonly errorOf?: (loss: number) => number;
  /** Largest second derivative by the scores: full-batch descent is stable below a rate in inverse proportion to it. */
  readonly largestCurvature: number;
  /**
   * `evaluate` in WebAssembly, for losses whose arithmetic would otherwise show in the time of a step: scores (floats)
   * become slopes in place, `result` receives the sum of the losses and the number of rows classified right, as two
   * doubles. All arguments but the numbers of rows and columns are addresses.
   */
  readonly kernel?: (
    kernels: Kernels,
    scores: number,
    rows: number,
    columns: number,
    labels: number,
    result: number,
  ) => void;
  /** Losses of regression: the loss of one residual (score less target); leaves its derivative in `result.slope`. */
  readonly ofResidual?: (residual: number, result: { slope: number }) => number;
  /**
   * Sum of the losses of `rows` rows, whose scores lie at scores[i·columns + c]. Writes the derivatives by
   * the scores to `slopes` in the same layout; `slopes` may be `scores` itself.
   * With one column in classification, class 1 is the positive one; a regression has one column (see `lossOfRows`). Losses and slopes of row i are multiplied by
   * `weights[i]` when there are weights.
   */
  evaluate(
    scores: Floats,
    rows: number,
    columns: number,
    labels: Float64Array,
    slopes: Floats,
    weights?: Float64Array,
  ): number;
}

export type Floats = Float32Array | Float64Array;
