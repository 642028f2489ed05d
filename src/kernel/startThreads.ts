import {
  bestBuild,
  compileKernels,
  type KernelBuild,
  type Kernels,
  loadKernels,
} from '../arithmetic/kernels.js';
import type { Arena } from '../memory/arena.js';
import type { Region } from '../memory/plan.js';
import { OneThread } from '../threads/oneThread.js';
import { ThreadPool } from '../threads/threadPool.js';
import { THREAD_SCRATCH_BYTES, type Threads } from '../threads/threads.js';
import { isCustom } from './functions/customKernel.js';
import { kernelTasks, type TaskSetup } from './tasks/tasks.js';
import type { Workspace } from './workspace.js';

/** Posted to each worker: the arena, the compiled kernels, and what the tasks are told. */
export interface KernelWorkerSetup {
  readonly memory: WebAssembly.Memory;
  /** Undefined for the reference in TypeScript. */
  readonly module: WebAssembly.Module | undefined;
  /** Address of the scratch of thread 0. */
  readonly scratch: number;
  readonly tasks: TaskSetup;
}

const SCRATCH = 'thread scratch';

/** Threads that are planned for whatever their number, while that takes at most this part of the budget. */
const PLANNED_THREADS = 8;
const PLANNED_SHARE = 1 / 8;

/**
 * What `startThreads` needs in the arena. Jobs whose other sizes follow from what is left of their budget give it: the same
 * room is then taken for up to 8 threads (as many as an eighth of it has room for), so that the sizes, and with them the bits
 * of the result, do not depend on the number of threads. Room that is not used costs no memory.
 */
export function threadRegions(count: number, budgetBytes = 0): Region[] {
  const planned = Math.min(PLANNED_THREADS, Math.floor((PLANNED_SHARE * budgetBytes) / THREAD_SCRATCH_BYTES));
  return [{ name: SCRATCH, bytes: Math.max(count, planned) * THREAD_SCRATCH_BYTES }];
}

/** The environment of the main thread, whose scratch is the first. */
export function mainEnvironment(arena: Arena, kernels: Kernels) {
  return { kernels, buffer: arena.buffer, thread: 0, scratch: arena.address(SCRATCH) };
}

/**
 * Kernels bound to the arena and `count` threads over it, the calling one included; with one no worker is started, nor
 * for a kernel with a custom function, which workers do not know.
 * The arena has the regions of `threadRegions(count)`. Close the threads when the job ends, however it ends.
 */
export async function startThreads(
  arena: Arena,
  count: number,
  setup: TaskSetup,
  build: KernelBuild = bestBuild(),
): Promise<Workspace> {
  const kernels = loadKernels(arena.memory, build);
  const tasks = kernelTasks(mainEnvironment(arena, kernels), setup);
  const custom = setup.evaluation !== undefined && isCustom(setup.evaluation.kernel);
  const threads: Threads =
    count === 1 || custom
      ? new OneThread(tasks)
      : await ThreadPool.start<KernelWorkerSetup>({
          count,
          worker: new URL('./kernelWorker.js', import.meta.url),
          setup: {
            memory: arena.memory,
            module: compileKernels(build),
            scratch: arena.address(SCRATCH),
            tasks: setup,
          },
          tasks,
        });
  return { arena, kernels, threads };
}
