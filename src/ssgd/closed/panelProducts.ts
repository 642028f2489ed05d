import { forShares } from '../../threads/shares.js';
import type { Threads } from '../../threads/threads.js';

/** A block of rows in panels and the scores that belong to it, likewise; `features` is a multiple of 4. */
interface ScoredPanels {
  readonly rows: number;
  readonly features: number;
  /** Addresses. */
  readonly panels: number;
  readonly scores: number;
}

/** scores += X·M by all threads, each a part of the rows; M lies in `mPanels` panels. */
export function addScores(
  threads: Threads,
  { rows, features, panels, scores }: ScoredPanels,
  m: number,
  mPanels: number,
): void {
  forShares(rows, 4, threads.count, (from, to) =>
    threads.add('addProduct', panels, features / 4, rows, from, to, m, mPanels, scores),
  );
  threads.run();
}

/** target += Xᵀ·scores by all threads, each a part of the features, so that every sum goes over the rows in order. */
export function addSums(
  threads: Threads,
  { rows, features, panels, scores }: ScoredPanels,
  scorePanels: number,
  target: number,
): void {
  forShares(features / 4, 1, threads.count, (from, to) =>
    threads.add('addCrossPanels', panels, features / 4, from, to, scores, scorePanels, rows, target),
  );
  threads.run();
}
