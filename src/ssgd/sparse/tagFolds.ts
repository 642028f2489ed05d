import type { RowFolds } from '../../data/rowFolds.js';
import { LABEL_OFFSET } from '../../data/sparse/sparseRecord.js';
import type { Arena } from '../../memory/arena.js';

/**
 * Writes the fold of `count` rows in memory, from number `firstRow` of their file on, into the lowest byte of their labels, so
 * that a row takes its fold wherever it is shuffled without being longer. Class numbers have nothing there; of targets it takes
 * the last 8 of 53 bits, far below the single precision of the steps.
 */
export function tagFolds(
  arena: Arena,
  base: number,
  order: Uint32Array,
  count: number,
  firstRow: number,
  folds: RowFolds | undefined,
): void {
  if (folds === undefined) return;
  const bytes = new Uint8Array(arena.buffer, base);
  for (let i = 0; i < count; i++) bytes[4 * order[i]! + LABEL_OFFSET] = folds.foldOf(firstRow + i);
}
