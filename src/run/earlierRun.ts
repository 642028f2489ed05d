import { basename, join, resolve } from 'node:path';
import { MlmlError } from '../errors.js';
import { removeLeftovers } from '../storage/leftovers.js';
import { type Holder, holdersOf, isReadOnly, type Lock, lockFolder } from '../storage/lock.js';
import type { Storage } from '../storage/storage.js';
import { readJson } from '../storage/textFile.js';
import { withoutOptions } from './commandWords.js';
import { checkRun, RUN_FILE, type RunDescription, type RunPaths, runPaths } from './runFolder.js';
import { runFromHere } from './runFromHere.js';
import type { LogMark } from './runLog.js';

/** A run folder that this process holds, to go on with. */
export interface EarlierRun {
  readonly paths: RunPaths;
  readonly lock: Lock;
  /** Undefined when there is nothing to go on with: it was killed before it had written what it is, or failed for good. */
  readonly run: RunDescription | undefined;
}

/** Errors that say nothing against the command. */
const GONE_ON_FROM: ReadonlySet<string> = new Set(['MLML_INTERRUPTED', 'MLML_DISK_FULL', 'MLML_IO']);
/** Errors that the same command on the same data would meet again. */
const FOR_GOOD: ReadonlySet<string> = new Set([
  'MLML_USAGE',
  'MLML_BUDGET_TOO_SMALL',
  'MLML_BAD_DATA',
  'MLML_DIVERGED',
  'MLML_NOT_DEFINITE',
]);
/** What a run keeps in its folder, and what is left there of one that was killed. */
const OWN =
  /^(run\.json|events\.jsonl(\.tmp)?|model|checkpoint|\.(model|run\.json)\.tmp-.*|run\.json\.tmp-.*|\.mlml-.*)$/;

/**
 * Holds the run folder `folder` and reads what it is. Undefined when it is something else: it holds other files, and none
 * that says that it is a run. `MLML_BUSY` when another process works on that run.
 */
export async function holdRun(storage: Storage, folder: string): Promise<EarlierRun | undefined> {
  if (!(await isRunFolder(storage, folder))) return undefined;
  const lock = await lockFolder(storage, folder, 'writer').catch(async (error) => {
    // What is complete can be told again by who may only read it.
    const complete = isReadOnly(error) && (await readRun(storage, folder))?.status === 'done';
    if (complete) return { release: async () => {} };
    throw error;
  });
  try {
    const found = await readRun(storage, folder);
    const run = found === undefined || failedForGood(found) === undefined ? found : undefined;
    return { paths: runPaths(folder), lock, run };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Whether a folder is that of a run, to which others may have added files, or that of one that was killed at its beginning. */
async function isRunFolder(storage: Storage, folder: string): Promise<boolean> {
  if ((await storage.status(folder))?.isFolder !== true) return false;
  if ((await storage.list(folder)).every((name) => OWN.test(name))) return true;
  return (await readRun(storage, folder).catch(() => undefined)) !== undefined;
}

/** Undefined when the run was killed before its description was written: the file that claims the folder is empty. */
async function readRun(storage: Storage, folder: string): Promise<RunDescription | undefined> {
  const path = join(folder, RUN_FILE);
  const status = await storage.status(path);
  if (status === undefined || status.byteLength === 0) return undefined;
  return await runFromHere(storage, checkRun(await readJson(storage, path), path), folder);
}

/** How a command that may not go on with a run finds what lies in its folder. */
export interface FoundRun {
  readonly run: RunDescription;
  /** It was begun by the same command. */
  readonly same: boolean;
  /** The process that works on it now. */
  readonly holder: Holder | undefined;
}

/** The run in `folder` as the command of these words finds it; undefined when there is none that can be read. */
export async function findRun(
  storage: Storage,
  folder: string,
  command: readonly string[],
): Promise<FoundRun | undefined> {
  if (!(await isRunFolder(storage, folder))) return undefined;
  const run = await readRun(storage, folder).catch(() => undefined);
  if (run === undefined) return undefined;
  const [holder] = await holdersOf(storage, folder);
  return { run, same: jobOf(run.command) === jobOf(command), holder };
}

/** Whether a run is one of the same command that did not come to its end (killed, interrupted, or stopped by the disk). */
export function isUnfinished({ run, same, holder }: FoundRun): boolean {
  if (!same || holder !== undefined) return false;
  return run.status === 'running' || (run.status === 'failed' && GONE_ON_FROM.has(run.error?.code ?? ''));
}

/** The error of a run that ended in one which going on cannot mend; undefined for any other run. */
export function failedForGood({ status, error }: RunDescription): RunDescription['error'] {
  return status === 'failed' && FOR_GOOD.has(error?.code ?? '') ? error : undefined;
}

/** The words of a command without those that only change what is shown or saved, and where its run lies. */
function jobOf(command: readonly string[]): string {
  const { words, rest } = withoutOptions(command, {
    flags: ['quiet', 'json', 'resume'],
    valued: ['checkpoint-every', 'out'],
  });
  return JSON.stringify([words, rest]);
}

/** Options that change neither the result nor the log. */
const NO_DIFFERENCE: ReadonlySet<string> = new Set(['scratch', 'nthreads']);

/**
 * Whether the states of a run are of use to as many threads only: each thread of hsgd has state of its own. With another number it
 * would begin at its first row.
 */
export function needsItsThreads({ verb, status }: Pick<RunDescription, 'verb' | 'status'>): boolean {
  return verb === 'hsgd' && status !== 'done';
}

/** Throws `MLML_MISMATCH` naming everything in which a command differs from that of the run in the folder. */
export function checkSameCommand(
  folder: string,
  run: RunDescription,
  now: { readonly verb: string; readonly data: readonly string[]; readonly options: object },
): void {
  const differences: string[] = [];
  const differ = (what: string, then: unknown, wanted: unknown) => {
    const [a, b] = [JSON.stringify(then) ?? 'none', JSON.stringify(wanted) ?? 'none'];
    if (a !== b) differences.push(`${shown(what)} ${shown(a)}, not ${shown(b)}`);
  };
  differ('the verb', run.verb, now.verb);
  const then = run.options as Readonly<Record<string, unknown>>;
  const wanted = JSON.parse(JSON.stringify(now.options)) as Readonly<Record<string, unknown>>;
  for (const name of new Set([...Object.keys(then), ...Object.keys(wanted)])) {
    const differs = !NO_DIFFERENCE.has(name) || (name === 'nthreads' && needsItsThreads(run));
    if (differs) differ(optionName(name), then[name], wanted[name]);
  }
  differ('the data', run.data ?? [], now.data);
  if (differences.length > 0) {
    const rest = differences.length - MOST_SHOWN;
    const more = rest > 0 ? `; and ${rest} more` : '';
    const what = `is a run of another command: it has ${differences.slice(0, MOST_SHOWN).join('; ')}${more}`;
    throw mismatch(folder, `${what}; give that command, or another --out`);
  }
}

/** Differences told, and letters of each value: a damaged description may have any number of either. */
const MOST_SHOWN = 20;
const MOST_LETTERS = 80;

const shown = (text: string) => (text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)}…` : text);

function optionName(name: string): string {
  if (name === 'bufferBytes') return '--buffer (in bytes)';
  return `--${name.replace(/[A-Z]/g, (letter) => (name === 'memId' ? letter : `-${letter.toLowerCase()}`))}`;
}

/** Throws `MLML_MISMATCH` when the data are not those the run was begun with. */
export function checkSameData(folder: string, run: RunDescription, fingerprint: string): void {
  const then = (run.dataset as { readonly fingerprint?: string }).fingerprint;
  if (then === fingerprint) return;
  const what = `the data have changed since: their fingerprint was ${shown(`${then}`)}, now it is ${fingerprint}`;
  throw mismatch(folder, `${what}; give it the data it began with, or another --out`);
}

function mismatch(folder: string, what: string): MlmlError {
  return new MlmlError('MLML_MISMATCH', `${folder}: ${what}`);
}

/** Empties the folder of a run that there is nothing to go on with. Its CSV log lies elsewhere and stays. */
export async function beginAnew(storage: Storage, paths: RunPaths): Promise<void> {
  for (const path of [paths.states, paths.events]) await storage.remove(path);
  await removeHalfMade(storage, paths);
}

/** Removes what a killed process left half-made in the folder of its run; of one that is `complete`, its states. */
export async function removeHalfMade(
  storage: Storage,
  { folder, model, states }: RunPaths,
  complete = false,
): Promise<void> {
  await storage.remove(complete ? states : model);
  await removeLeftovers(storage, folder);
  for (const name of await storage.list(folder)) {
    if (OWN.test(name) && /\.tmp(-|$)/.test(name)) await storage.remove(join(folder, name));
  }
}

/** Names a run in its states: it was begun then, under that name. */
export function runMark({ started }: RunDescription, folder: string): string {
  return `${basename(resolve(folder))} ${started}`;
}

/** Tells by what is kept in a state whether it is one of that run. */
export function isStateOf(run: RunDescription, folder: string): (kept: unknown) => boolean {
  return (kept) => (kept as Partial<LogMark> | undefined)?.run === runMark(run, folder);
}
