import type { Checkpoint } from '../../../storage/checkpoint.js';
import type { Workspace } from '../../../threads/workspace.js';
import type { KernelListener } from '../../events.js';
import type { TileDtype } from '../../functions/kernelFunction.js';
import type { KernelTrainOptions } from '../../options.js';
import type { CrossBlock } from '../../tiles/crossKernel.js';

/** Rows, and their kernel values with the centres, as a stream. */
export interface CrossBlocks {
  readonly rows: number;
  /** So far. */
  readonly bytesRead: number;
  /**
   * K[rows, centres] from row `firstRow` on, which is a multiple of the rows of a block: all columns of the first rows,
   * then the next rows. Blocks begin at columns that are multiples of 4.
   */
  blocks(firstRow: number, signal?: AbortSignal): AsyncIterable<CrossBlock>;
  /** Writes the targets of rows [firstRow, firstRow + rows), [rows][k]. */
  readTargets(firstRow: number, rows: number, target: Float64Array): Promise<void>;
}

export interface NystromSize {
  /** Rows that are learnt from. */
  readonly n: number;
  /** Centres. */
  readonly m: number;
  /** Columns of targets. */
  readonly k: number;
  readonly regularizations: number;
  /** Rows of a block. */
  readonly blockRows: number;
  /** Number type of kernel values. */
  readonly dtype: TileDtype;
}

export interface NystromProblem {
  /** Its arena has the regions of `planNystrom`. */
  readonly workspace: Workspace;
  readonly size: NystromSize;
  /** The centres: rows of `training`, rising. */
  readonly centers: Uint32Array;
  readonly training: CrossBlocks;
  /** Rows that are not learnt from and choose among regularizations. */
  readonly validation: CrossBlocks | undefined;
  readonly classification: boolean;
  /** `reg` has `size.regularizations` values. */
  readonly options: Pick<KernelTrainOptions, 'reg'>;
  readonly checkpoint: Checkpoint;
  readonly signal?: AbortSignal;
  readonly onEvent: KernelListener;
}

export interface NystromSolution {
  /** Of the regularization `best`: [m][k], the weight of each centre. Memory of its own. */
  readonly coefficients: Float64Array;
  /** Relative residual of the m equations for each regularization, the largest over columns. */
  readonly residuals: readonly number[];
  /** Accuracy (or rmse) on the validation rows for each regularization. */
  readonly heldOut?: readonly number[];
  /** Index into `options.reg`. */
  readonly best: number;
}
