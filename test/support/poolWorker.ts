import { workerData } from 'node:worker_threads';
import { serveCalls } from '../../src/threads/serveCalls.js';
import type { PoolWorkerData } from '../../src/threads/threadPool.js';
import { poolTasks } from './poolTasks.js';

/** Worker of the tests of `ThreadPool`. */
const data = workerData as PoolWorkerData<SharedArrayBuffer>;
serveCalls(data, poolTasks(data.setup, data.thread));
