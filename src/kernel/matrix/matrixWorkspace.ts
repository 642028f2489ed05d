import { loadKernels } from '../../arithmetic/kernels.js';
import { Arena } from '../../memory/arena.js';
import { layOut, type Region } from '../../memory/plan.js';
import { OneThread } from '../../threads/oneThread.js';
import { THREAD_SCRATCH_BYTES } from '../../threads/threads.js';
import { kernelTasks } from '../tasks/tasks.js';
import type { Workspace } from '../workspace.js';
import { tileChecksumRegion } from './tileChecksums.js';
import { type MatrixShape, SLOT_ALIGN } from './tileLayout.js';
import { tileTableRegion } from './tileTable.js';

/** How operations on matrices get their threads: a count, and what starts them over an arena with `thread scratch`. */
export interface MatrixThreads {
  readonly count: number;
  start(arena: Arena): Promise<Workspace>;
}

/** What every operation on a matrix on disk may be given. */
export interface MatrixOptions {
  /** Bound on everything that grows with the matrix. Default 10 MB. */
  readonly bufferBytes?: number;
  /** Default: the calling thread alone. */
  readonly threads?: MatrixThreads;
  readonly signal?: AbortSignal;
}

export const DEFAULT_BUFFER_BYTES = 10e6;

/** Regions for one matrix that is open, and `work` bytes for what is done with it. */
export function matrixRegions(shape: MatrixShape, threads: number, work: number): Region[] {
  return [
    { name: 'thread scratch', bytes: threads * THREAD_SCRATCH_BYTES },
    tileTableRegion('matrix', shape),
    tileChecksumRegion(),
    { name: 'work', bytes: work, align: SLOT_ALIGN },
  ];
}

/** The arena's bytes besides the work. */
export function fixedMatrixBytes(shape: MatrixShape, threads: number): number {
  return layOut(matrixRegions(shape, threads, 0)).totalBytes;
}

export async function startWorkspace(
  regions: readonly Region[],
  threads: MatrixThreads | undefined,
): Promise<Workspace> {
  const arena = new Arena(regions);
  if (threads !== undefined) return await threads.start(arena);
  const kernels = loadKernels(arena.memory);
  const scratch = arena.address('thread scratch');
  const tasks = kernelTasks({ kernels, buffer: arena.buffer, thread: 0, scratch }, {});
  return { arena, kernels, threads: new OneThread(tasks) };
}
