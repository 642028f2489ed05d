import type { Kernels } from '../arithmetic/kernels.js';
import type { Arena } from '../memory/arena.js';
import type { Threads } from './threads.js';

/** What every part of one job shares: the arena carved by its plan, the kernels bound to it, the threads over it. */
export interface Workspace {
  readonly arena: Arena;
  readonly kernels: Kernels;
  readonly threads: Threads;
}
