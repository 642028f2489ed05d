import type { Region } from '../../memory/plan.js';
import type { Checkpoint } from '../../storage/checkpoint.js';
import type { Storage } from '../../storage/storage.js';
import type { Workspace } from '../../threads/workspace.js';
import type { KernelListener } from '../events.js';
import type { KernelTrainOptions } from '../options.js';
import type { KernelMatrix } from '../tiles/kernelMatrix.js';
import type { KernelUse } from './kernelUse.js';

/** Sizes of a system (K + λI)A = Y, known before anything is read. */
export interface SystemSize {
  readonly n: number;
  /** Columns of Y: classes (one-hot targets), or 1. */
  readonly k: number;
  /** Number of regularizations solved at once. */
  readonly regularizations: number;
  readonly tileSize: number;
  readonly threads: number;
  /** Some rows are held out. */
  readonly heldOut: boolean;
  /**
   * What an entry of K costs when it is asked for, evaluated or read, in floating-point operations of the solver's own that
   * take as long. Absent when neither features nor disk are known.
   */
  readonly entryFlops?: number;
}

/**
 * Columns of all blocks of vectors: one for each target column and regularization, column l·k + c, rounded up to even.
 * Vectors are float64, row-major, [n][width]: all columns of a row lie together.
 */
export function vectorWidth(size: Pick<SystemSize, 'k' | 'regularizations'>): number {
  return Math.ceil((size.k * size.regularizations) / 2) * 2;
}

/** What a solver will need and do. Pure. */
export interface SolverPlan {
  /** Its regions, named after it (`cg directions`), besides `targets` and `coefficients`, which every job has. */
  readonly regions: readonly Region[];
  /** How often all of K will be streamed: an estimate for iterative solvers. */
  readonly passes: number;
  /** Bytes it writes on disk itself (factors, not K). */
  readonly scratchBytes: number;
  /** Bytes it reads of those. Default 0. */
  readonly scratchRead?: number;
  /** What it asks of K in those passes, in that order. Default: all tiles in each pass. */
  readonly use?: (kernel: KernelUse) => void;
  /** Floating-point operations besides the passes, for the estimate of time. */
  readonly flops: number;
  readonly notes: readonly string[];
}

export interface KernelProblem {
  readonly workspace: Workspace;
  readonly matrix: KernelMatrix;
  readonly size: SystemSize;
  /** What the plan was made with; `options.reg` has `size.regularizations` values. */
  readonly options: KernelTrainOptions;
  /** [n][width] in region `targets`: Y, repeated for each regularization. Rows held out are as they are. */
  readonly targets: Float64Array;
  /**
   * [n][width] in region `coefficients`: the solver writes A here. Zero at the start. Rows held out must stay zero:
   * the system solved is that of the other rows.
   */
  readonly coefficients: Float64Array;
  /** n bytes, 1 for rows held out; undefined when none are. */
  readonly heldOut: Uint8Array | undefined;
  readonly classification: boolean;
  readonly checkpoint: Checkpoint;
  /** For files in `checkpoint.folder()`. */
  readonly storage: Storage;
  readonly signal?: AbortSignal;
  readonly onEvent: KernelListener;
  /** Told of bytes read from the solver's own files. */
  readonly onScratchRead?: (bytes: number) => void;
}

export interface KernelSolution {
  /** Passes over K in all. */
  readonly passes: number;
  /** True relative residual of each regularization, the largest over its columns. */
  readonly residuals: readonly number[];
  /** Held-out accuracy (or rmse) of each regularization; absent without held-out rows. */
  readonly heldOut?: readonly number[];
  /** Leave-one-out accuracy (or rmse) of each regularization (closed). */
  readonly leaveOneOut?: readonly number[];
  /** Index into `options.reg` of the best by held-out rows or leave-one-out errors; 0 when there is one only. */
  readonly best: number;
  /** Why it stopped: `tolerance`, `patience`, `passes`. */
  readonly stopped: 'tolerance' | 'patience' | 'passes';
}

export interface Solver {
  /** Regions of at most `bytes` where that is possible, else the smallest that work; the caller checks the sum. */
  plan(size: SystemSize, options: KernelTrainOptions, bytes: number): SolverPlan;
  solve(problem: KernelProblem): Promise<KernelSolution>;
  /** The fewest `passes` with which it can take a step and tell the true residual. Absent: `passes` does not bound it. */
  leastPasses?(options: Pick<KernelTrainOptions, 'refit'>, heldOut: boolean): number;
}
