import type { Arena } from '../../memory/arena.js';
import type { Checkpoint } from '../../storage/checkpoint.js';
import type { Blocks } from '../../storage/stateFile.js';
import type { TrainListener } from '../events.js';
import type { ProblemSize } from './fit.js';
import { filledRegions } from './foldSums.js';

/** Where the pass that sums the normal equations stands, beside the sums in the arena. Plain data. */
export interface SumState {
  readonly phase: 'sum';
  /** Rows summed: whole blocks. */
  readonly rows: number;
  /** Passes before it. */
  readonly pass?: number;
  /** What is subtracted from each column of the targets. */
  readonly origins: readonly number[];
  /** Of all rows, or of each fold; see `RunningSums`. */
  readonly sums: readonly {
    readonly targets: readonly number[];
    readonly squares: number;
    readonly total: number;
  }[];
}

/** Saves the state of the pass when that is due, or throws when the job is to stop. */
export type SumSaver = (rows: number, state: () => SumState) => Promise<void> | undefined;

/** The sums in the arena. */
export function sumBlocks(arena: Arena, size: ProblemSize, folds = 0): Blocks {
  const more = folds === 0 && !size.bytes ? ['cross', 'mean'] : [];
  const names = [...filledRegions(size, folds), ...more];
  return Object.fromEntries(names.map((name) => [name, arena.uint8(name)]));
}

/** Saves the pass over n rows to a checkpoint. */
export function sumSaver(
  checkpoint: Checkpoint,
  blocks: Blocks,
  n: number,
  onEvent?: TrainListener,
  { pass, passes } = { pass: 0, passes: 1 },
): SumSaver {
  return (rows, state) => {
    const done = pass * n + rows;
    if (!checkpoint.due(done)) return undefined;
    const progress = { done, total: passes * n, unit: 'rows' };
    return checkpoint
      .save({ ...state(), pass }, blocks, progress)
      .then(() => onEvent?.({ type: 'checkpoint', ...progress }));
  };
}
