import type { ScalingName } from '../data/scaling.js';
import type { SampleName } from '../data/subset.js';
import type { TileDtype } from './functions/kernelFunction.js';

/** The ways of solving a kernel system; krr picks one of the others. */
export const solverNames = ['ssgd', 'cg', 'bcd', 'closed', 'nystrom', 'krr'] as const;
/** How the kernel system is solved. */
export type SolverName = (typeof solverNames)[number];

/** Kernel parameters as a user gives them; what is absent is derived (see `resolveKernel`). */
export interface KernelChoice {
  /**
   * A kind, or an expression of them: `rbf`, `rbf+linear`, `0.5*rbf*cosine`. Names are read without regard to case
   * (`RBF`). Default rbf.
   */
  readonly kernel: string;
  /** Lengthscale (`--sigma`); never together with gamma. */
  readonly sigma?: number;
  readonly gamma?: number;
  readonly degree?: number;
  readonly coef0?: number;
  readonly nu?: number;
  /** Hidden layers of arc_cosine and ntk. */
  readonly depth?: number;
}

/** Options that every kernel job has. */
export interface KernelDataOptions extends KernelChoice {
  /** Bound, in bytes, on everything that grows with n, d, k or threads. Default 10 MB. */
  readonly bufferBytes: number;
  readonly scale: ScalingName;
  /** Use only so many rows of the training part; 0 uses all. Default 0. */
  readonly subset: number;
  /** Which rows a subset is: a random sample, or the first ones. Default random. */
  readonly sample: SampleName;
  /** What a sample is drawn by: that of a stored kernel is the one it was made with. Default `seed`. */
  readonly sampleSeed?: number;
  /** Default: the number of processors. */
  readonly nthreads: number;
  readonly seed: number;
  /** Folder that holds stored kernels. Default `kernels`. */
  readonly kernels: string;
}

export interface GenerateOptions extends KernelDataOptions {
  /** Number type of stored entries. Default float32. */
  readonly dtype: TileDtype;
  /** Largest tile size; 0 lets the plan choose. Default 0. */
  readonly tile: number;
  /** A NumPy file with the n × n matrix itself, for the kernel `precomputed`. */
  readonly matrix?: string;
}

export interface KernelTrainOptions extends KernelDataOptions {
  /** Use this stored kernel; without it the kernel is computed as needed (krr may store one). */
  readonly memId?: string;
  /** λ in (K + λI)A = Y, unnormalised (scikit-learn's alpha); a list is solved in one set of passes. Default [0.1]. */
  readonly reg: readonly number[];
  /** Stop when the relative residual of every column is below. Default 1e-4. */
  readonly tol: number;
  /** Stop when held-out accuracy has not improved for so many passes; 0 never. Default 0. */
  readonly patience: number;
  /** Share of the training rows held out when there is a list of λ or patience. Default 0.1. */
  readonly holdout: number;
  /** When rows were held out, go on with all rows and the best λ, so that the model has used all (cg). Default true. */
  readonly refit: boolean;
  /**
   * Most passes over K (cg, bcd), that for the last true residual included: at least 2 (cg), 3 (cg that goes on with rows held
   * out) or 4 (bcd). Default 200.
   */
  readonly passes: number;
  /** Columns of the preconditioner (cg); -1 lets the plan choose. Default -1. */
  readonly rank: number;
  /** Rows of a block (bcd); 0 lets the plan choose. Default 0. */
  readonly block: number;
  /** Inducing points (nystrom); -1: 1000, or all rows learnt from when they are fewer. Default -1. */
  readonly centers: number;
  /** Passes of ssgd. Default 3. */
  readonly epochs: number;
  /** Learning rate of ssgd, or 'auto'. */
  readonly eta0: number | 'auto';
  readonly momentum: number;
  /** Number type of computed or stored entries. Default float32. */
  readonly dtype: TileDtype;
  readonly tile: number;
  /** Evaluate on the training rows too. Default false. */
  readonly simulated: boolean;
}

/** The defaults of kernel jobs. */
export const defaultKernelOptions: Omit<KernelTrainOptions, 'nthreads'> = {
  bufferBytes: 10e6,
  kernel: 'rbf',
  scale: 'auto',
  subset: 0,
  sample: 'random',
  seed: 0,
  kernels: 'kernels',
  reg: [0.1],
  tol: 1e-4,
  patience: 0,
  holdout: 0.1,
  refit: true,
  passes: 200,
  rank: -1,
  block: 0,
  centers: -1,
  epochs: 3,
  eta0: 'auto',
  momentum: 0.9,
  dtype: 'float32',
  tile: 0,
  simulated: false,
};
