import {
  bestBuild,
  compileKernels,
  type KernelBuild,
  type Kernels,
  loadKernels,
} from '../arithmetic/kernels.js';
import type { Arena } from '../memory/arena.js';
import { OneThread } from './oneThread.js';
import { ThreadPool } from './threadPool.js';
import type { TaskTable, ThreadEnvironment, Threads } from './threads.js';
import type { Workspace } from './workspace.js';

/** Posted to each worker: the arena, the compiled kernels, and what the tasks are told. Plain data. */
export interface WorkerSetup<TaskSetup> {
  readonly memory: WebAssembly.Memory;
  /** Undefined for the reference in TypeScript. */
  readonly module: WebAssembly.Module | undefined;
  /** Address of the scratch of thread 0, and the bytes each thread has of it. */
  readonly scratch: number;
  readonly scratchBytes: number;
  readonly tasks: TaskSetup;
}

/** A region of the arena that is divided among the threads. */
export interface ThreadScratch {
  readonly region: string;
  /** Of each thread. */
  readonly bytes: number;
}

/** The environment of the main thread, whose scratch is the first; without a region there is none. */
export function mainEnvironment(arena: Arena, kernels: Kernels, region?: string): ThreadEnvironment {
  const scratch = region === undefined ? 0 : arena.address(region);
  return { kernels, buffer: arena.buffer, thread: 0, scratch };
}

/**
 * Kernels bound to the arena and `count` threads over it, the calling one included; with one, no worker is started.
 * Close the threads when the job ends, however it ends.
 */
export async function startWorkspace<TaskSetup>(
  arena: Arena,
  {
    count,
    scratch,
    worker,
    setup,
    tasksOf,
    build = bestBuild(),
  }: {
    readonly count: number;
    /** Undefined for tasks that need none. */
    readonly scratch: ThreadScratch | undefined;
    /** Module that calls `serveArena` with the same `tasksOf`. */
    readonly worker: URL;
    readonly setup: TaskSetup;
    readonly tasksOf: (environment: ThreadEnvironment, setup: TaskSetup) => TaskTable;
    readonly build?: KernelBuild | undefined;
  },
): Promise<Workspace> {
  const kernels = loadKernels(arena.memory, build);
  const environment = mainEnvironment(arena, kernels, scratch?.region);
  const tasks = tasksOf(environment, setup);
  const threads: Threads =
    count === 1
      ? new OneThread(tasks)
      : await ThreadPool.start<WorkerSetup<TaskSetup>>({
          count,
          worker,
          setup: {
            memory: arena.memory,
            module: compileKernels(build),
            scratch: environment.scratch,
            scratchBytes: scratch?.bytes ?? 0,
            tasks: setup,
          },
          tasks,
        });
  return { arena, kernels, threads };
}
