import { MlmlError } from '../errors.js';
import { MOST_ARGUMENTS, type Task, type TaskTable, type Threads } from './threads.js';

/** The calling thread alone. */
export class OneThread implements Threads {
  readonly count = 1;
  readonly #tasks: TaskTable;
  /** Calls added, in order; the arguments of each take `MOST_ARGUMENTS` places. The lists are kept from run to run. */
  readonly #calls: Task[] = [];
  #arguments = new Float64Array(MOST_ARGUMENTS);
  readonly #current = new Float64Array(MOST_ARGUMENTS);
  #length = 0;

  constructor(tasks: TaskTable) {
    this.#tasks = tasks;
  }

  add(name: string, ...args: number[]): void {
    const task = this.#tasks[name];
    if (task === undefined) throw new MlmlError('MLML_INTERNAL', `there is no task '${name}'`);
    if (args.length > MOST_ARGUMENTS)
      throw new MlmlError('MLML_INTERNAL', `a call of '${name}' has ${args.length} arguments`);
    const start = this.#length * MOST_ARGUMENTS;
    if (start === this.#arguments.length) {
      const longer = new Float64Array(2 * start);
      longer.set(this.#arguments);
      this.#arguments = longer;
    }
    this.#calls[this.#length++] = task;
    for (let i = 0; i < MOST_ARGUMENTS; i++) this.#arguments[start + i] = args[i] ?? 0;
  }

  run(meanwhile?: () => void): void {
    const length = this.#length;
    this.#length = 0;
    meanwhile?.();
    for (let call = 0; call < length; call++) {
      const start = call * MOST_ARGUMENTS;
      for (let i = 0; i < MOST_ARGUMENTS; i++) this.#current[i] = this.#arguments[start + i]!;
      this.#calls[call]!(this.#current);
    }
  }

  async close(): Promise<void> {}
}
