import type { KernelBuild, Kernels } from '../arithmetic/kernels.js';
import type { Arena } from '../memory/arena.js';
import type { Region } from '../memory/plan.js';
import { mainEnvironment as environmentOf, startWorkspace } from '../threads/startWorkspace.js';
import { THREAD_SCRATCH_BYTES } from '../threads/threads.js';
import type { Workspace } from '../threads/workspace.js';
import { isCustom } from './functions/customKernel.js';
import { kernelTasks, type TaskSetup } from './tasks/tasks.js';

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
  return [{ name: SCRATCH, bytes: plannedThreads(count, budgetBytes) * THREAD_SCRATCH_BYTES }];
}

/** Threads that have room, where each takes `more` bytes besides its scratch. */
export function plannedThreads(count: number, budgetBytes: number, more = 0): number {
  const room = PLANNED_SHARE * budgetBytes;
  return Math.max(count, Math.min(PLANNED_THREADS, Math.floor(room / (THREAD_SCRATCH_BYTES + more))));
}

/** The environment of the main thread, whose scratch is the first. */
export function mainEnvironment(arena: Arena, kernels: Kernels) {
  return environmentOf(arena, kernels, SCRATCH);
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
  build?: KernelBuild,
): Promise<Workspace> {
  const custom = setup.evaluation !== undefined && isCustom(setup.evaluation.kernel);
  return await startWorkspace(arena, {
    count: custom ? 1 : count,
    scratch: { region: SCRATCH, bytes: THREAD_SCRATCH_BYTES },
    worker: new URL('./kernelWorker.js', import.meta.url),
    setup,
    tasksOf: kernelTasks,
    build,
  });
}
