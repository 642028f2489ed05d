import { availableParallelism } from 'node:os';

/** The most threads of one job; more would need more memory than they save time. */
export const MOST_THREADS = 64;

/** Threads when none are asked for: one for each processor, at most 64. */
export function defaultThreads(): number {
  return Math.min(MOST_THREADS, availableParallelism());
}
