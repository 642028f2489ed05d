import type { Kernels } from '../../arithmetic/kernels.js';
import type { RowBlock } from '../../data/rowBlock.js';
import type { RowReader } from '../../data/rowFile.js';
import { MlmlError } from '../../errors.js';
import type { Arena } from '../../memory/arena.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import { BlockStream } from './blockStream.js';
import { MemoryStream } from './memoryStream.js';
import { ScatterStream } from './scatterStream.js';
import type { ShufflePlan } from './shufflePlan.js';
import { SortStream } from './sortStream.js';
import { StoredStream } from './storedStream.js';

/** The rows of a file, in another random order each epoch. */
export interface RowStream {
  /**
   * Rows of one epoch in random order, each exactly once, in blocks of any size; a block is valid until the next
   * is asked for. Epochs must be run in order, from 0 or `ShuffleContext.start`, each to its end. The first may leave out
   * its first `fromRow` rows, which were handed over before.
   */
  epoch(epoch: number, fromRow?: number): AsyncIterable<RowBlock>;
  /** So far, row and scratch files together. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Removes the scratch, also after a failure. Call it when no block is being asked for. */
  close(): Promise<void>;
}

export interface ShuffleProgress {
  /** Rows read of `total`, before the first epoch can begin. */
  readonly done: number;
  readonly total: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

export interface ShuffleContext {
  readonly storage: Storage;
  /** Folder in which a scratch folder is made when one is needed. */
  readonly scratchFolder: string;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ShuffleProgress) => void;
  /** The epoch that will be asked for first. Default 0. */
  readonly start?: number;
}

/** What every stream works with. */
export interface StreamParts {
  readonly plan: ShufflePlan;
  readonly file: RowReader;
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly context: ShuffleContext;
}

/**
 * Opens a stream that follows `plan`, in an arena that holds its regions. Rows are read, and scattered once, before
 * it returns. The same plan and seed give the same orders.
 */
export async function openRowStream(
  plan: ShufflePlan,
  file: RowReader,
  arena: Arena,
  kernels: Kernels,
  context: ShuffleContext,
): Promise<RowStream> {
  if (file.rows !== plan.rows || file.layout.rowBytes !== plan.rowBytes) {
    throw new MlmlError(
      'MLML_INTERNAL',
      `the plan shuffles ${plan.rows} rows of ${plan.rowBytes} bytes, the file has ${file.rows} of ${file.layout.rowBytes}`,
    );
  }
  const parts = { plan, file, arena, kernels, context };
  if (plan.kind === 'memory') return await MemoryStream.open(parts);
  if (plan.kind === 'none') return new StoredStream(parts);
  if (plan.kind === 'block_shuffle') return new BlockStream(parts);
  const scratch = await Scratch.open(context.storage, context.scratchFolder, plan.scratchBytes);
  try {
    if (plan.kind === 'external_sort') return await SortStream.open(parts, scratch);
    return await ScatterStream.open(parts, scratch);
  } catch (error) {
    await scratch.close();
    throw error;
  }
}
