import { join, resolve } from 'node:path';
import { type ErrorCode, MlmlError } from '../errors.js';
import { withoutOptions } from '../run/commandWords.js';
import { failedForGood, needsItsThreads } from '../run/earlierRun.js';
import { checkRun, RUN_FILE, type RunDescription } from '../run/runFolder.js';
import { readJson } from '../storage/textFile.js';
import type { CommandContext } from './commandContext.js';
import type { Arguments } from './parseArguments.js';

/** Options whose value a resumed run takes from the command line, not from its first command. */
const ANEW = ['quiet', 'json', 'checkpoint-every'] as const;

/**
 * `mlml resume <run>`: the words of the command that goes on with a run. They are to be run in the folder in which the run was
 * begun, which this makes the current one.
 */
export async function resumedCommand(context: CommandContext, given: Arguments): Promise<string[]> {
  const [folder, ...rest] = given.positionals;
  if (folder === undefined || rest.length > 0) {
    throw new MlmlError('MLML_USAGE', 'resume takes one run folder; see mlml resume --help');
  }
  const { storage } = context.services;
  const path = join(folder, RUN_FILE);
  const status = await storage.status(path);
  if (status === undefined || status.byteLength === 0) {
    const why =
      status === undefined ? 'is no run: there is no' : 'was killed before it had begun: there is nothing in';
    throw new MlmlError(
      'MLML_NOT_FOUND',
      `${folder}: ${why} ${RUN_FILE}; give the command of the run again, with --out=${folder} --resume`,
    );
  }
  const run = checkRun(await readJson(storage, path), path);
  const failure = failedForGood(run);
  if (failure !== undefined) {
    throw new MlmlError(
      failure.code as ErrorCode,
      `${folder}: this run ended in an error that going on would meet again: ${failure.message}; ` +
        `give its command with other options, which with --out=${folder} --resume begins anew there`,
    );
  }
  const out = await enter(context, folder, run);
  const anew = ANEW.filter((name) => given.has(name));
  const threads = threadsOf(run);
  const { words, rest: last } = withoutOptions(run.command, {
    flags: ['quiet', 'json', 'resume'],
    valued: [
      'out',
      ...(threads.length > 0 ? ['nthreads'] : []),
      ...anew.filter((name) => name === 'checkpoint-every'),
    ],
  });
  return [
    ...words,
    `--out=${out}`,
    '--resume',
    ...threads,
    ...anew.map((name) => `--${name}=${given.text(name)}`),
    ...last,
  ];
}

/** The number of threads, which may have been the default of another machine, if it must be kept. */
function threadsOf(run: RunDescription): string[] {
  const { nthreads } = run.options as { readonly nthreads?: number };
  return nthreads === undefined || !needsItsThreads(run) ? [] : [`--nthreads=${nthreads}`];
}

/** Makes the folder in which a run was begun the current one, if it is there; returns the run's folder as seen from it. */
async function enter(context: CommandContext, folder: string, { cwd }: RunDescription): Promise<string> {
  if (cwd === undefined || cwd === process.cwd()) return folder;
  if ((await context.services.storage.status(cwd))?.isFolder !== true) return folder;
  const absolute = resolve(folder);
  process.chdir(cwd);
  return absolute;
}
