/** What a worker thread of a kernel job runs. Loaded by its path (see startThreads.ts): in the bundle a file of its own. */
import { workerData } from 'node:worker_threads';
import { bindKernels } from '../arithmetic/kernels.js';
import { serveCalls } from '../threads/serveCalls.js';
import type { PoolWorkerData } from '../threads/threadPool.js';
import { THREAD_SCRATCH_BYTES } from '../threads/threads.js';
import type { KernelWorkerSetup } from './startThreads.js';
import { kernelTasks } from './tasks/tasks.js';

const data = workerData as PoolWorkerData<KernelWorkerSetup>;
const { memory, module, scratch, tasks } = data.setup;
const environment = {
  kernels: bindKernels(memory, module),
  buffer: memory.buffer as unknown as SharedArrayBuffer,
  thread: data.thread,
  scratch: scratch + data.thread * THREAD_SCRATCH_BYTES,
};
serveCalls(data, kernelTasks(environment, tasks));
