import { isAbsolute, join, resolve } from 'node:path';
import type { Storage } from '../storage/storage.js';
import type { RunDescription } from './runFolder.js';

/**
 * What `run.json` in `folder` says, with its paths as they are to be used now: the run and its model lie where the folder does,
 * and what is relative to the folder in which the run was begun is absolute when that is another than the current one, or when
 * `folder` is absolute.
 */
export async function runFromHere(
  storage: Storage,
  run: RunDescription,
  folder: string,
): Promise<RunDescription> {
  const { cwd } = run;
  // When it is gone, all was moved together, and the current one is in its place.
  const elsewhere =
    cwd !== undefined &&
    (isAbsolute(folder) || cwd !== process.cwd()) &&
    (await storage.status(cwd))?.isFolder === true;
  const place = (path: string) => (elsewhere ? resolve(cwd, path) : path);
  const dataset = run.dataset as { readonly path?: unknown };
  return {
    ...run,
    dataset: typeof dataset.path === 'string' ? { ...dataset, path: place(dataset.path) } : dataset,
    ...(run.log === undefined ? {} : { log: place(run.log) }),
    ...(run.states === undefined ? {} : { states: place(run.states) }),
    ...(run.made === undefined ? {} : { made: run.made.map(place) }),
    ...(run.result === undefined
      ? {}
      : { result: { ...run.result, run: folder, model: join(folder, 'model') } }),
  };
}
