import type { Dataset } from '../../data/dataset.js';
import type { DatasetDescription } from '../../data/format.js';
import { labelCount, layoutOf, type RowLayout } from '../../data/rowLayout.js';
import { makeScaling, type Scaling } from '../../data/scaling.js';
import { longestRow, slotLayout } from '../../data/sparse/slotFile.js';
import type { SparseDtype } from '../../data/sparse/sparseRecord.js';
import type { Arena } from '../../memory/arena.js';
import type { Plan, Region } from '../../memory/plan.js';
import type { Checkpoint } from '../../storage/checkpoint.js';
import type { Storage } from '../../storage/storage.js';
import type { TrainListener } from '../events.js';
import type { LinearModel } from '../linearModel.js';
import type { TrainOptions } from '../options.js';
import { isWeighted } from '../rowWeights.js';
import type { MissingModel } from '../warmStart.js';

/** What `closed` and `gd` return. Weights act on scaled features: score_c = Σⱼ weights[c·d + j]·x'ⱼ + intercept[c]. */
export interface Fit {
  /** k × d, row by row. */
  readonly weights: Float64Array;
  readonly intercept: Float64Array;
  readonly plan: Plan;
  /** The memory of the job, for what else is planned in it. */
  readonly arena: Arena;
  readonly bytesRead: number;
  /** Passes of conjugate gradients, steps of gradient descent; 1 for a direct solution. */
  readonly iterations: number;
  /** Reads of all training rows. */
  readonly passes: number;
  /** The objective at the solution, penalty included, divided by the number of rows. */
  readonly objective: number;
  /** Conjugate gradients: largest ‖b − A·w‖/‖b‖ of a column, recomputed at the end. Gradient descent: ‖g‖/‖g at 0‖. */
  readonly residual?: number;
}

export interface SolveContext {
  readonly storage: Storage;
  /** The model gradient descent starts from. */
  readonly init?: LinearModel;
  readonly missingInit?: MissingModel;
  readonly signal?: AbortSignal;
  readonly onEvent?: TrainListener;
  /** Default: nothing is saved. */
  readonly checkpoint?: Checkpoint;
}

/** Sizes every plan of this room starts from. */
export interface ProblemSize {
  /** Training rows used. */
  readonly n: number;
  readonly d: number;
  /** Columns of scores: classes, or outputs of a regression. */
  readonly k: number;
  /** Labels of a row. */
  readonly labels: number;
  readonly rowBytes: number;
  readonly bytes: boolean;
  /** Of sparse rows in slots: nonzeros of a row, on average. */
  readonly nonzeros?: number;
}

/** Multiply-adds that one column of a product takes with a row. */
export function rowWork({ d, nonzeros = d }: ProblemSize): number {
  return nonzeros;
}

/** The rows a solver works on: dense, or sparse in slots with their scaling. */
export interface SolvingData extends Dataset {
  readonly scaling?: Scaling;
}

/** The scaling of the rows a solver works on. */
export function solvingScaling({ description, scaling }: SolvingData, options: TrainOptions): Scaling {
  return scaling ?? scalingOf(description, options);
}

/** Layout of the rows a solver works on. */
export function solvingLayout(description: DatasetDescription): RowLayout {
  const { d, dtype, sparse } = description;
  if (sparse === undefined) return layoutOf(description);
  return slotLayout(d, dtype as SparseDtype, longestRow(sparse));
}

export function problemSize(
  description: DatasetDescription,
  options: TrainOptions,
  rowBytes: number,
): ProblemSize {
  const all = description.parts.train.n;
  const { sparse } = description;
  return {
    n: options.subset > 0 ? Math.min(options.subset, all) : all,
    d: description.d,
    k: description.k,
    labels: labelCount(description),
    rowBytes,
    // Weighted sums are no integers.
    bytes: description.dtype === 'uint8' && !isWeighted(options) && sparse === undefined,
    ...(sparse === undefined ? {} : { nonzeros: sparse.train.nonzeros / Math.max(all, 1) }),
  };
}

/** The scaling of a linear model. A column of weights becomes 0 in every row, so that its weight stays 0. */
export function scalingOf(description: DatasetDescription, options: TrainOptions): Scaling {
  const scaling = makeScaling(options.scale, description.dtype, description.statistics);
  if (options.weightColumn >= 0) {
    scaling.multiply[options.weightColumn] = 0;
    scaling.add[options.weightColumn] = 0;
  }
  return scaling;
}

/**
 * Room the plan sets aside for what lies outside the arena: the weights returned, and the scaling and other
 * vectors of d. Its pages in the arena are never touched, so they cost nothing twice.
 */
export function resultRegion({ d, k }: ProblemSize): Region {
  return { name: 'result', bytes: 8 * (k * (d + 1) + 6 * d) };
}
