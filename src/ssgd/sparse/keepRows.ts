import type { RowSelection } from '../../data/rowSelection.js';

/** Leaves out the held-out rows among `count` rows from number `firstRow` on, or with `held` the others; returns how many are left. */
export function keepRows(
  order: Uint32Array,
  count: number,
  firstRow: number,
  selection: Pick<RowSelection, 'isHeld'> | undefined,
  held = false,
): number {
  if (selection === undefined) return count;
  let kept = 0;
  for (let i = 0; i < count; i++) if (selection.isHeld(firstRow + i) === held) order[kept++] = order[i]!;
  return kept;
}
