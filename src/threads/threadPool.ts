import { Worker } from 'node:worker_threads';
import { MlmlError } from '../errors.js';
import { CallQueue, QUEUE_CALLS } from './callQueue.js';
import { numberTasks } from './serveCalls.js';
import { MOST_ARGUMENTS, type Task, type TaskTable, type Threads } from './threads.js';

const CALL_NUMBERS = 1 + MOST_ARGUMENTS;
/** One wait for workers, in milliseconds; after it the main thread looks whether one has ended. */
const WAIT = 100;
/** Waits without any call done before a worker counts as lost: a minute, not counting time the process was stopped. */
const MOST_WAITS = 600;
/**
 * A worker keeps almost nothing on its heap: numbers lie in the arena. These bounds only keep V8 from growing its
 * young generation to its default of 16 MB and more.
 */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 64, stackSizeMb: 1 };

/** What each worker of a pool gets as its `workerData`. */
export interface PoolWorkerData<Setup> {
  readonly queue: SharedArrayBuffer;
  /** Names of the tasks, in the order of their numbers. */
  readonly tasks: readonly string[];
  /** 1, 2, …; the main thread is 0. */
  readonly thread: number;
  readonly setup: Setup;
}

interface PoolOptions<Setup> {
  /** Threads in all, with the main thread. */
  readonly count: number;
  /** Module that calls `serveCalls` with its `workerData` and tasks of the same names. */
  readonly worker: URL;
  /** Posted to each worker. */
  readonly setup: Setup;
  /** The main thread's own tasks; those of the workers have the same names. */
  readonly tasks: TaskTable;
}

/** Worker threads that share the arena and take calls from one queue, together with the main thread. */
export class ThreadPool implements Threads {
  readonly count: number;
  readonly #queue: CallQueue;
  readonly #workers: readonly Worker[];
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #tasks: readonly Task[];
  /** Calls added: task number and arguments of each. */
  #list = new Float64Array(QUEUE_CALLS * CALL_NUMBERS);
  #length = 0;
  #broken: MlmlError | undefined;

  private constructor(queue: CallQueue, workers: readonly Worker[], names: readonly string[], tasks: Task[]) {
    this.count = workers.length + 1;
    this.#queue = queue;
    this.#workers = workers;
    this.#numbers = new Map(names.map((name, number) => [name, number]));
    this.#tasks = tasks;
    for (const worker of workers) {
      worker.on('error', (error) => this.#break(error));
      worker.on('exit', () => this.#break());
      worker.unref();
    }
  }

  /** Starts the workers; an error of one of them while it starts is thrown, and none is left running. */
  static async start<Setup>({ count, worker, setup, tasks }: PoolOptions<Setup>): Promise<ThreadPool> {
    const queue = new CallQueue();
    const names = Object.keys(tasks);
    const workers = Array.from({ length: count - 1 }, (_, index) => {
      const workerData: PoolWorkerData<Setup> = {
        queue: queue.buffer,
        tasks: names,
        thread: index + 1,
        setup,
      };
      // Flags of the command line (--test, --import) are not meant for workers.
      return new Worker(worker, { workerData, execArgv: [], resourceLimits: RESOURCE_LIMITS });
    });
    try {
      await Promise.all(workers.map(untilReady));
    } catch (error) {
      await Promise.all(workers.map((started) => started.terminate()));
      throw new MlmlError('MLML_INTERNAL', `a worker thread could not start: ${error}`, { cause: error });
    }
    return new ThreadPool(queue, workers, names, numberTasks(names, tasks));
  }

  #break(cause?: unknown): MlmlError {
    const why = cause === undefined ? '' : `: ${cause}`;
    this.#broken ??= new MlmlError('MLML_INTERNAL', `a worker thread ended unexpectedly${why}`, { cause });
    return this.#broken;
  }

  add(task: string, ...args: number[]): void {
    const number = this.#numbers.get(task);
    if (number === undefined) throw new MlmlError('MLML_INTERNAL', `there is no task '${task}'`);
    if (args.length > MOST_ARGUMENTS)
      throw new MlmlError('MLML_INTERNAL', `a call of '${task}' has ${args.length} arguments`);
    const start = this.#length++ * CALL_NUMBERS;
    if (start === this.#list.length) {
      const longer = new Float64Array(2 * start);
      longer.set(this.#list);
      this.#list = longer;
    }
    this.#list[start] = number;
    for (let i = 0; i < MOST_ARGUMENTS; i++) this.#list[start + 1 + i] = args[i] ?? 0;
  }

  run(meanwhile?: () => void): void {
    const length = this.#length;
    this.#length = 0;
    if (length === 0) meanwhile?.();
    for (let from = 0; from < length; from += QUEUE_CALLS)
      this.#runBatch(from, Math.min(length, from + QUEUE_CALLS), from === 0 ? meanwhile : undefined);
  }

  #runBatch(from: number, to: number, meanwhile: (() => void) | undefined): void {
    if (this.#queue.dead) this.#break();
    if (this.#broken !== undefined) throw this.#broken;
    const calls = to - from - (meanwhile === undefined ? 1 : 0);
    this.#queue.publish(this.#list, from, to, Math.min(this.#workers.length, calls));
    const failure = meanwhile === undefined ? undefined : failureOf(meanwhile);
    const thrown = this.#queue.work(this.#tasks);
    for (let waits = 0; this.#queue.open > 0; ) {
      if (this.#queue.waitForDone(WAIT)) waits = 0;
      else waits++;
      if (this.#queue.open > 0 && this.#queue.dead) throw this.#break();
      if (waits >= MOST_WAITS) throw this.#break('it has not finished its task for a minute');
    }
    const error = failure?.error ?? thrown ?? this.#queue.error();
    if (error !== undefined) throw error;
  }

  async close(): Promise<void> {
    this.#broken ??= new MlmlError('MLML_INTERNAL', 'the threads of this job are closed');
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

/** What was thrown: the threads are waited for before anyone hears of it. */
function failureOf(work: () => void): { readonly error: unknown } | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return { error };
  }
}

/** Resolves at the worker's first message, rejects when it ends before. */
function untilReady(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('message', () => resolve());
    worker.once('error', reject);
    worker.once('exit', (code) => reject(new Error(`it ended with status ${code}`)));
  });
}
