import { basename, dirname, join } from 'node:path';
import { MlmlError } from '../errors.js';
import { shown } from '../storage/sealedJson.js';
import type { Storage } from '../storage/storage.js';
import { replaceFile } from '../storage/textFile.js';

export const RUN_FILE = 'run.json';
export const RUN_VERSION = 1;

/** Where one run keeps its files. */
export interface RunPaths {
  readonly folder: string;
  readonly description: string;
  readonly events: string;
  readonly model: string;
  /** States of a linear training job, while it runs. */
  readonly states: string;
}

/** The folder in which the folder of a run lies: that of `out`, or `runs`. */
export function runsFolder(out: string | undefined): string {
  return out === undefined ? 'runs' : dirname(out);
}

/** `2026-01-31T12-34-56`, in universal time: sorts by time, and is a file name everywhere. */
function timeName(date: Date): string {
  return date.toISOString().slice(0, 19).replaceAll(':', '-');
}

/**
 * Makes the folder of a run: `out`, or `runs/<verb>-<time>` (with `-2`, `-3` … for runs of the same second).
 * A folder given by the caller that is there already is `MLML_EXISTS`.
 */
export async function makeRunFolder(
  storage: Storage,
  verb: string,
  started: Date,
  out?: string,
): Promise<RunPaths> {
  const first = out ?? join(runsFolder(out), `${verb}-${timeName(started)}`);
  let folder = first;
  for (let number = 2; !(await claimFolder(storage, folder)); number++) {
    if (out !== undefined) {
      throw new MlmlError('MLML_EXISTS', `${out}: exists already; remove it or give another --out`);
    }
    folder = `${first}-${number}`;
  }
  return runPaths(folder);
}

/** The files of the run in a folder. */
export function runPaths(folder: string): RunPaths {
  return {
    folder,
    description: join(folder, RUN_FILE),
    events: join(folder, 'events.jsonl'),
    model: join(folder, 'model'),
    states: join(folder, 'checkpoint'),
  };
}

/**
 * Makes an empty file for the CSV log of a run, and returns its path: `logs/<verb>/run-<time>.csv` beside the folder of runs, as
 * in 2016 (with `-2`, `-3` … for runs of the same second). Of runs that begin at once, each gets a file of its own.
 */
export async function claimCsv(
  storage: Storage,
  verb: string,
  folder: string,
  started: Date,
): Promise<string> {
  const parent = dirname(folder);
  const logs = join(basename(parent) === 'runs' ? dirname(parent) : parent, 'logs', verb);
  const first = join(logs, `run-${timeName(started)}`);
  for (let number = 1; ; number++) {
    const path = number === 1 ? `${first}.csv` : `${first}-${number}.csv`;
    if (await claimFile(storage, path)) return path;
  }
}

/** Makes a folder that is not there; false when it is. Of two processes that try at once, one gets it. */
async function claimFolder(storage: Storage, folder: string): Promise<boolean> {
  if ((await storage.status(folder)) !== undefined) return false;
  await storage.makeFolder(folder);
  // Replaced by the description at once.
  return await claimFile(storage, join(folder, RUN_FILE));
}

/** Makes an empty file; false when it is there. */
async function claimFile(storage: Storage, path: string): Promise<boolean> {
  try {
    const file = await storage.create(path, { exclusive: true });
    await file.close();
    return true;
  } catch (error) {
    if (error instanceof MlmlError && error.code === 'MLML_EXISTS') return false;
    throw error;
  }
}

/** What `run.json` holds. See docs/format.md. */
export interface RunDescription {
  readonly format: 'mlml-run';
  readonly version: number;
  readonly status: 'running' | 'done' | 'failed';
  readonly verb: string;
  /** The words of the command line after `mlml`. */
  readonly command: readonly string[];
  /** After defaults. */
  readonly options: object;
  readonly seed: number;
  /** The words that name the data. */
  readonly data?: readonly string[];
  readonly versions: { readonly mlml: string; readonly node: string; readonly platform: string };
  readonly dataset: object;
  readonly plan: object;
  /** ISO 8601. */
  readonly started: string;
  readonly ended?: string;
  readonly pid: number;
  /** Folder in which the command was given; its paths are relative to it. */
  readonly cwd?: string;
  /** The CSV log. */
  readonly log?: string;
  /** Folders it made for its scratch files, the innermost first: they go at its end, when they are empty. */
  readonly made?: readonly string[];
  /** Hash of the weights of the model that training began from. */
  readonly init?: string;
  /** What was picked by measured speeds (krr): who goes on with the run takes the same. */
  readonly pick?: object;
  /** Once done: the folder in which its job saved states, where that is not the run's own. */
  readonly states?: string;
  /** The object of `--json`, once done. */
  readonly result?: object;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Replaces `run.json`, atomically. */
export async function writeRun(storage: Storage, paths: RunPaths, run: RunDescription): Promise<void> {
  await replaceFile(storage, paths.description, `${JSON.stringify(run, null, 1)}\n`);
}

/** Checks a parsed `run.json` as far as it is shown. */
export function checkRun(value: unknown, path: string): RunDescription {
  const run = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (run['format'] !== 'mlml-run') {
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${path}: field 'format' is ${shown(run['format'])}; expected "mlml-run"`,
    );
  }
  if (run['version'] !== RUN_VERSION) {
    const newer = typeof run['version'] === 'number' && run['version'] > RUN_VERSION;
    throw new MlmlError(
      newer ? 'MLML_VERSION' : 'MLML_BAD_FILE',
      `${path}: format version ${shown(run['version'])} is not ${RUN_VERSION}${newer ? '; update mlml' : ''}`,
    );
  }
  for (const field of ['status', 'verb', 'started']) {
    if (typeof run[field] !== 'string') {
      throw new MlmlError(
        'MLML_BAD_FILE',
        `${path}: field '${field}' is ${shown(run[field])}; expected a string`,
      );
    }
  }
  const bad = (field: string, wanted: string): never => {
    throw new MlmlError(
      'MLML_BAD_FILE',
      `${path}: field '${field}' is ${shown(run[field])}; expected ${wanted}`,
    );
  };
  const { command, error } = run;
  if (!Array.isArray(command) || !command.every((word) => typeof word === 'string'))
    bad('command', 'the words of a command');
  for (const field of ['options', 'dataset', 'plan', 'versions', 'result', 'error', 'pick']) {
    const isNeeded = !['result', 'error', 'pick'].includes(field);
    if ((isNeeded || run[field] !== undefined) && (typeof run[field] !== 'object' || run[field] === null))
      bad(field, 'an object');
  }
  const { code, message } = (error ?? { code: '', message: '' }) as Record<string, unknown>;
  if (typeof code !== 'string' || typeof message !== 'string') bad('error', 'a code and a message');
  for (const field of ['ended', 'cwd', 'log', 'init', 'states'])
    if (run[field] !== undefined && typeof run[field] !== 'string') bad(field, 'a string');
  const { train, test, crossValidation, seconds } = (run['result'] ?? {}) as Record<string, unknown>;
  if (![train, test].every((score) => (score ?? null) === null || isScore(score)))
    bad('result', 'figures in train and test');
  if (!isCrossValidation(crossValidation)) bad('result', 'lists of folds with their figures');
  if (seconds !== undefined && typeof seconds !== 'number') bad('result', 'a number of seconds');
  const { made = [] } = run;
  if (!Array.isArray(made) || !made.every((path) => typeof path === 'string')) bad('made', 'paths');
  return value as RunDescription;
}

/** Whether these can be shown as figures, which may be NaN, written as null; with those of outputs. */
function isScore(score: unknown): boolean {
  if (typeof score !== 'object' || score === null) return false;
  return Object.entries(score).every(([name, figure]) =>
    name === 'outputs' ? Array.isArray(figure) : typeof figure === 'number' || figure === null,
  );
}

/** Whether it can be shown: lines of folds with figures, null where a model diverged, or nothing. */
function isCrossValidation(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  const isLine = (line: unknown) => {
    if (typeof line !== 'object' || line === null) return false;
    const { folds, mean, deviation } = line as Record<string, unknown>;
    if (mean === null) return true;
    return Array.isArray(folds) && folds.every(isScore) && isScore(mean) && isScore(deviation);
  };
  return Array.isArray(value) && value.every(isLine);
}
