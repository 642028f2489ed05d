import type { ProgressReporter } from '../run/progressReporter.js';
import { defaultOptions } from '../ssgd/options.js';
import { defaultThreads } from '../threads/defaultThreads.js';
import type { CommandContext } from './commandContext.js';
import type { Arguments } from './parseArguments.js';

/** How rows are scored, as far as the command line says it. `file`: the rows, where it is known how many there are. */
export function scoringSettings(
  { signal }: CommandContext,
  given: Arguments,
  reporter: ProgressReporter,
  phase: 'predict' | 'evaluate' | 'calibrate',
  { rows: total, rowBytes }: { readonly rows: number; readonly rowBytes: number } = { rows: 0, rowBytes: 0 },
) {
  const bufferBytes = given.number('buffer') ?? defaultOptions.bufferBytes;
  return {
    bufferBytes,
    /** The whole, also where `bufferBytes` becomes a share of it. */
    budgetBytes: bufferBytes,
    nthreads: given.number('nthreads') ?? defaultThreads(),
    signal,
    /** Rows that are done. */
    onProgress: (done: number) =>
      reporter.progress({ phase, done, total, bytesRead: done * rowBytes, bytesWritten: 0 }),
  };
}
