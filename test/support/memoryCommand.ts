import type { CommandContext } from '../../src/cli/commandContext.js';
import { nodeServices } from '../../src/cli/nodeServices.js';
import { runCommand } from '../../src/cli/runCommand.js';
import type { Storage } from '../../src/storage/storage.js';

/** Runs a whole command line, all of it real but for the file system, which is given; returns what it printed. */
export async function commandOn(
  storage: Storage,
  words: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  let printed = '';
  const context: CommandContext = {
    services: { ...nodeServices, storage },
    stdout: {
      isTTY: false,
      write: async (data) => {
        printed += typeof data === 'string' ? data : new TextDecoder().decode(data);
      },
    },
    stderr: { isTTY: false, write: () => {} },
    signal,
    clock: () => performance.now(),
    now: () => new Date(Date.UTC(2026, 0, 31, 12, 34, 56)),
    residentBytes: () => 50e6,
    peakBytes: () => 60e6,
  };
  await runCommand(context, words);
  return printed;
}
