import { MlmlError } from '../../src/errors.js';
import type { TaskTable } from '../../src/threads/threads.js';

/** Tasks of the tests of `ThreadPool`, over a buffer of Int32. */
export function poolTasks(buffer: SharedArrayBuffer, thread: number): TaskTable {
  const counts = new Int32Array(buffer);
  const inWorker = (act: () => void) => {
    if (thread > 0) act();
    // The main thread leaves the calls to the workers.
    else Atomics.wait(counts, 0, 0, 20);
  };
  return {
    add: (a) => Atomics.add(counts, a[0]!, a[1]!),
    /** Counts the calls of each thread, and takes so many milliseconds. */
    where: (a) => {
      Atomics.add(counts, thread, 1);
      Atomics.wait(counts, 1000, 0, a[0]!);
    },
    lastArgument: (a) => Atomics.store(counts, 1, a[23]!),
    fail: (a) => {
      throw new MlmlError('MLML_BAD_DATA', `row ${a[0]}: is not a number`);
    },
    failInWorker: () =>
      inWorker(() => {
        throw new MlmlError('MLML_BAD_DATA', 'zeile 7: größer als 1');
      }),
    breakInWorker: () => inWorker(() => Reflect.get(undefined as never, 'x')),
    exitInWorker: () => inWorker(() => process.exit(3)),
  };
}
