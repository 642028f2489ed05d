import { shareLength } from '../../threads/shares.js';
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
  const length = shareLength(rows, 4, threads.count);
  for (let from = 0; from < rows; from += length) {
    const to = Math.min(rows, from + length);
    threads.add('addProduct', panels, features / 4, rows, from, to, m, mPanels, scores);
  }
  threads.run();
}

/** target += Xᵀ·scores, with the calls that are on the list, by all threads, each a part of the features, so that every sum goes over the rows in order. */
export function addSums(
  threads: Threads,
  { rows, features, panels, scores }: ScoredPanels,
  scorePanels: number,
  target: number,
): void {
  const all = features / 4;
  const length = shareLength(all, 1, threads.count);
  for (let from = 0; from < all; from += length) {
    const to = Math.min(all, from + length);
    threads.add('addCrossPanels', panels, all, from, to, scores, scorePanels, rows, target);
  }
  threads.run();
}
