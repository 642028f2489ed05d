import type { Arena } from '../../memory/arena.js';
import type { Checkpoint } from '../../storage/checkpoint.js';
import type { Blocks } from '../../storage/stateFile.js';
import type { TrainListener } from '../events.js';
import type { ProblemSize } from './fit.js';

/** Where the pass that sums the normal equations stands, beside the sums in the arena. Plain data. */
export interface SumState {
  readonly phase: 'sum';
  /** Rows summed: whole blocks. */
  readonly rows: number;
  readonly targets: readonly number[];
  readonly squares: number;
  /** What is subtracted from each column of the targets. */
  readonly origins: readonly number[];
  /** Sum of the weights of these rows; absent when none have one. */
  readonly total?: number;
}

/** Saves the state of the pass when that is due, or throws when the job is to stop. */
export type SumSaver = (rows: number, state: () => SumState) => Promise<void> | undefined;

/** The sums in the arena. */
export function sumBlocks(arena: Arena, { bytes }: ProblemSize): Blocks {
  const names = ['gram', 'cross', 'mean', ...(bytes ? [] : ['cross panels'])];
  return Object.fromEntries(names.map((name) => [name, arena.uint8(name)]));
}

/** Saves the pass over n rows to a checkpoint. */
export function sumSaver(
  checkpoint: Checkpoint,
  blocks: Blocks,
  n: number,
  onEvent?: TrainListener,
): SumSaver {
  return (rows, state) => {
    if (!checkpoint.due(rows)) return undefined;
    const progress = { done: rows, total: n, unit: 'rows' };
    return checkpoint
      .save(state(), blocks, progress)
      .then(() => onEvent?.({ type: 'checkpoint', ...progress }));
  };
}
