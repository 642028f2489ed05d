import { MlmlError } from '../errors.js';
import type { TaskTable, Threads } from './threads.js';

/** The calling thread alone. */
export class OneThread implements Threads {
  readonly count = 1;
  readonly #tasks: TaskTable;
  readonly #calls: { task: string; args: Float64Array }[] = [];

  constructor(tasks: TaskTable) {
    this.#tasks = tasks;
  }

  add(task: string, ...args: number[]): void {
    if (this.#tasks[task] === undefined) throw new MlmlError('MLML_INTERNAL', `there is no task '${task}'`);
    this.#calls.push({ task, args: Float64Array.from(args) });
  }

  run(): void {
    for (const { task, args } of this.#calls.splice(0)) this.#tasks[task]!(args);
  }

  async close(): Promise<void> {}
}
