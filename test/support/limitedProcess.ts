import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { type ProcessOptions, type ProcessResult, runProcess } from './childProcess.js';
import { makeMemoryGroup } from './memoryGroup.js';
import { temporaryFolder } from './temporaryFolder.js';

export interface LimitedResult extends ProcessResult {
  /** Peak resident memory of the process in bytes; undefined when it was killed before it could tell. */
  readonly peakRssBytes: number | undefined;
  /** Whether the kernel killed it for going above the limit. */
  readonly killedByLimit: boolean;
}

export interface LimitedOptions extends ProcessOptions {
  /** Real limit on its memory (page cache included: that is dropped, not fatal). Without it, only the peak is measured. */
  readonly limitBytes?: number;
}

/** Joins the group, then becomes the program: so every byte that it allocates counts. */
const joinAndRun = 'echo $$ > "$0" && exec "$@"';

async function whyUnavailable(): Promise<string | false> {
  const group = makeMemoryGroup(64e6);
  if ('unavailable' in group) return group.unavailable;
  try {
    const { status, stderr } = await runProcess('/bin/sh', ['-c', joinAndRun, group.processesFile, 'true']);
    return status === 0 ? false : `no process can be put into a memory cgroup: ${stderr.trim()}`;
  } finally {
    await group.remove();
  }
}

/** For `{ skip }` of a test that needs a limit: false, or why this machine cannot set one. */
export const limitUnavailable: string | false = await whyUnavailable();

/** Runs Node on `args` under a memory limit, and reports its peak resident memory. */
export async function runLimited(
  test: TestContext,
  args: readonly string[],
  options: LimitedOptions = {},
): Promise<LimitedResult> {
  const peakFile = join(temporaryFolder(test), 'peak');
  const preload = new URL('./peakMemory.js', import.meta.url).href;
  const command = [process.execPath, '--import', preload, ...args];
  const processOptions = { ...options, env: { ...options.env, MLML_TEST_PEAK_FILE: peakFile } };
  const group = options.limitBytes === undefined ? undefined : makeMemoryGroup(options.limitBytes);
  if (group !== undefined && 'unavailable' in group) throw new Error(group.unavailable);
  try {
    const [program, programArgs] =
      group === undefined
        ? [process.execPath, command.slice(1)]
        : ['/bin/sh', ['-c', joinAndRun, group.processesFile, ...command]];
    const result = await runProcess(program, programArgs, processOptions);
    const peakRssBytes = existsSync(peakFile) ? Number(readFileSync(peakFile, 'utf8')) : undefined;
    return { ...result, peakRssBytes, killedByLimit: (group?.killCount() ?? 0) > 0 };
  } finally {
    await group?.remove();
  }
}
