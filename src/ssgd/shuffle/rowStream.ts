import type { Kernels } from '../../arithmetic/kernels.js';
import type { RowBlock } from '../../data/rowBlock.js';
import type { RowReader } from '../../data/rowFile.js';
import { MlmlError } from '../../errors.js';
import type { Arena } from '../../memory/arena.js';
import { Scratch } from '../../storage/scratch.js';
import type { Storage } from '../../storage/storage.js';
import { BlockStream } from './blockStream.js';
import { MemoryStream } from './memoryStream.js';
import { type ScatterState, ScatterStream } from './scatterStream.js';
import { type KeepingStates, ScratchKeeper } from './scratchKeeper.js';
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
  /**
   * What a later process needs, beside the regions `keptRegions` names, to go on from here without a replay; undefined when it
   * cannot. To be called between two rows, or when an epoch is over; rows not used yet lie in the block handed over last.
   */
  state?(): Promise<unknown>;
  /** That state is on the disk, with this number. */
  saved?(sequence: number): Promise<void>;
  /** Removes the scratch, also after a failure, unless it is to be kept for the last state. Call it when no block is being asked for. */
  close(keep?: boolean): Promise<void>;
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
  /** States of the job, for which scratch is kept. */
  readonly keep?: KeepingStates;
  /** What `state` returned for the state that the job goes on from; the regions in the arena are those saved with it. */
  readonly from?: unknown;
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
  if (plan.kind !== 'external_sort' && context.keep !== undefined) {
    const stream = await goOnScattering(parts, context.keep);
    if (stream !== undefined) return stream;
  }
  const scratch = await Scratch.open(context.storage, context.scratchFolder, plan.scratchBytes);
  try {
    if (plan.kind === 'external_sort') return await SortStream.open(parts, scratch);
    return await ScatterStream.open(parts, scratch, await keeperOf(parts, scratch));
  } catch (error) {
    await scratch.close();
    throw error;
  }
}

/** Regions of the arena that belong to a stream's `state`. */
export function keptRegions(plan: ShufflePlan): readonly string[] {
  return plan.levels.length > 0 ? ['shuffle tables 0', 'shuffle slots 0'] : [];
}

/** The stream of a killed process, if its scratch is there and whole. */
async function goOnScattering(parts: StreamParts, keep: KeepingStates): Promise<ScatterStream | undefined> {
  const { storage, scratchFolder, from, start = 0 } = parts.context;
  const state = from as ScatterState | undefined;
  const right = state?.epoch === start ? state : undefined;
  const found = await ScratchKeeper.find(storage, scratchFolder, keep, right?.scratch);
  if (found === undefined || state === undefined) return undefined;
  const { scratch, keeper } = found;
  try {
    if (await keeper.isWhole(state.scratch)) return await ScatterStream.goOn(parts, scratch, keeper, state);
  } catch (error) {
    await scratch.close();
    throw error;
  }
  await scratch.close();
  return undefined;
}

/** Keeps the scratch in step with the states, where there is room for what that takes. */
async function keeperOf(
  { plan, context }: StreamParts,
  scratch: Scratch,
): Promise<ScratchKeeper | undefined> {
  const { storage, scratchFolder, keep } = context;
  if (keep === undefined) return undefined;
  if ((await storage.freeBytes(scratchFolder)) < plan.scratchBytes + plan.keptBytes) return undefined;
  return await ScratchKeeper.begin(storage, scratch, keep);
}
