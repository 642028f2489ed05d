import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ProcessOptions, type ProcessResult, runProcess } from './childProcess.js';
import { root } from './root.js';
import { temporaryFolder } from './temporaryFolder.js';

/** The script that `mlml` runs. */
export const commandFile = join(root, 'dist', 'bundle', 'cli', 'main.js');

export interface CliResult extends ProcessResult {
  /** The folder it ran in: data/ and runs/ are below it. */
  readonly folder: string;
}

/**
 * Runs the built command line in a folder of its own (or in `options.cwd`, to run several commands on the same data).
 * MLML_DATA is taken away unless `options.env` names it, so that a test says which data it needs.
 */
export async function runCli(
  test: TestContext,
  args: readonly string[],
  options: ProcessOptions = {},
): Promise<CliResult> {
  const folder = options.cwd ?? temporaryFolder(test);
  const env = { MLML_DATA: undefined, XDG_CACHE_HOME: join(folder, '.cache'), ...options.env };
  const result = await runProcess(process.execPath, [commandFile, ...args], { ...options, cwd: folder, env });
  return { ...result, folder };
}
