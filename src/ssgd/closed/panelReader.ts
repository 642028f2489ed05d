import type { RowFile } from '../../data/rowFile.js';
import type { Workspace } from '../../threads/workspace.js';
import type { RowWeighting } from '../rowWeights.js';
import type { FoldGroups, RowGroup } from './foldGroups.js';
import { RowPanels } from './rowPanels.js';
import { SlotPanels } from './slotPanels.js';

/** A block of rows, or those of one fold in it: `rows` is `count` rounded up to a multiple of 4, the rest count as 0. */
export interface PanelBlock extends RowGroup {
  readonly rows: number;
}

/** Rows that are multiplied with blocks of vectors in panels, a block at a time: X is the block that came last. */
export interface PanelReader {
  /** Labels of the rows of the block. */
  readonly labels: Float64Array;
  /** Weights of the rows of the block; undefined when all count once. */
  readonly weights: Float64Array | undefined;
  /** Their square roots, by which rows are multiplied when the reader is made to do so. */
  readonly roots: Float64Array | undefined;
  /** Whether something can be added to features: sparse rows would be dense. */
  readonly centres: boolean;
  /** What is applied to features from now on: multiply·x + add; add is 0 unless the reader centres. */
  scale(multiply: Float64Array, add: Float64Array): void;
  /** One pass, from row `from` on. A block is valid until the next is asked for. */
  blocks(from?: number): AsyncGenerator<PanelBlock>;
  /** scores += X·M; M lies in `mPanels` panels, scores likewise (addresses). */
  addScores(scores: number, m: number, mPanels: number): void;
  /** target += Xᵀ·scores, each sum over the rows in order. */
  addSums(scores: number, scorePanels: number, target: number): void;
  /** Rows [from, to) of gram += XᵀX, a packed lower triangle, are put on the list of the threads. */
  addGram(from: number, to: number, gram: number): void;
}

/** The reader of dense rows, or of sparse ones in slots; with `groups` each fold of a block is a block of its own. Its regions are those of `rowPanelRegions`. */
export function openPanels(
  workspace: Workspace,
  file: RowFile,
  signal: AbortSignal | undefined,
  weighted: { readonly weighting: RowWeighting | undefined; readonly byRoots: boolean },
  groups?: FoldGroups,
): PanelReader {
  return file.layout.longest === undefined
    ? new RowPanels(workspace, file, signal, weighted, groups)
    : new SlotPanels(workspace, file, signal, weighted, groups);
}
