import type { Kernels } from '../arithmetic/kernels.js';

/** Bytes of the arena that belong to one thread, for sums and blocks that stay in its cache. */
export const THREAD_SCRATCH_BYTES = 256 * 1024;
/** The most numbers a call may carry. */
export const MOST_ARGUMENTS = 24;

/** What a thread works with. Each has its own. */
export interface ThreadEnvironment {
  readonly kernels: Kernels;
  /** The arena's memory. */
  readonly buffer: SharedArrayBuffer;
  /** 0 is the main thread. */
  readonly thread: number;
  /** Address of this thread's `THREAD_SCRATCH_BYTES`. */
  readonly scratch: number;
}

/** One piece of work: its arguments are numbers (addresses and sizes). It may not wait and should take 0.05 to 5 ms. */
export type Task = (args: Float64Array) => void;
export type TaskTable = Readonly<Record<string, Task>>;

/**
 * Runs calls on all threads. The order in which calls of one `run` are made is open, so no two of them may write the
 * same bytes; results then do not depend on the number of threads.
 */
export interface Threads {
  readonly count: number;
  /** Puts a call of the task with this name on the list. */
  add(task: string, ...args: number[]): void;
  /**
   * Makes all calls on the list, the main thread taking part; returns when they are done. The first error is thrown.
   * `meanwhile`: what the main thread does before it takes part, while the others work; it may not use the list.
   */
  run(meanwhile?: () => void): void;
  close(): Promise<void>;
}
