import { MOST_THREADS } from '../threads/defaultThreads.js';

/** Multiply-adds for which a thread is worth starting, some 30 ms of work: that is what its start takes. */
const LEAST_WORK = 3e8;
/** Multiply-adds of its own between two meetings of the threads, some 10 µs: a meeting takes about one. */
const LEAST_PART = 1e5;

/** Arithmetic of a job, in multiply-adds: all of it, and what the threads divide among themselves at a time. */
export interface SharedWork {
  readonly total: number;
  readonly step: number;
}

/** How many of `nthreads` threads help: each needs enough to do, over the whole job and in each step. */
export function threadsWorth(nthreads: number, { total, step }: SharedWork): number {
  const helpful = Math.max(1, Math.floor(total / LEAST_WORK));
  return partsWorth(Math.min(nthreads, MOST_THREADS, helpful), step);
}

/** Into how many parts `threads` threads divide so many multiply-adds. */
export function partsWorth(threads: number, multiplyAdds: number): number {
  return Math.max(1, Math.min(threads, Math.floor(multiplyAdds / LEAST_PART)));
}

/** A note for the plan, where fewer threads are used than were asked for or there are several. */
export function threadNotes(threads: number, nthreads: number): string[] {
  if (threads > 1) return [`${threads} threads share the arithmetic`];
  return nthreads > 1 ? ['one thread: there is too little arithmetic to share'] : [];
}
