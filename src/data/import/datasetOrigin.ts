import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import type { DatasetOrigin } from '../format.js';
import { isPath, shownSource } from '../table/databaseKind.js';
import { tablePaths } from '../table/tablePaths.js';

/** What an import is asked for, as far as it decides the rows. */
export interface OriginRequest {
  readonly source: string;
  /** The options that were given, a word each. */
  readonly options: readonly string[];
  /** Files that options name, such as those of test rows. What is no file is passed over. */
  readonly otherFiles: readonly string[];
}

/**
 * The origin that a data set imported now would have. Files are known by their paths, sizes and times, not read.
 *
 * @throws MlmlError `MLML_NOT_FOUND` when there is no such file; an import by hand says so itself
 */
export async function originOf(
  storage: Storage,
  { source, options, otherFiles }: OriginRequest,
  madeBy: DatasetOrigin['madeBy'],
): Promise<DatasetOrigin> {
  if (source === '-') return { source, options, madeBy };
  if (!isPath(source)) return { source: shownSource(source).trim(), options, madeBy };
  const hash = createHash('sha256');
  const add = async (path: string) => {
    const status = await storage.status(path);
    if (status !== undefined && !status.isFolder)
      hash.update(`${JSON.stringify([resolve(path), status.byteLength, status.modifiedMs])}\n`);
    return status !== undefined;
  };
  for (const path of await tablePaths(storage, source))
    if (!(await add(path)) && madeBy === 'training')
      throw new MlmlError('MLML_NOT_FOUND', `${path}: there is no such file`);
  // Databases keep what was written last in a file of its own.
  for (const path of [`${source}-wal`, `${source}.wal`]) await add(path);
  for (const file of otherFiles) for (const path of await pathsOf(storage, file)) await add(path);
  return { source: resolve(source), options, files: hash.digest('hex'), madeBy };
}

/** The importer says what is wrong with a file that is not there. */
async function pathsOf(storage: Storage, file: string): Promise<string[]> {
  if (!isPath(file)) return [];
  return await tablePaths(storage, file).catch(() => []);
}

/** Whether data sets of these origins have the same rows, as far as can be told without reading. */
export function isSameOrigin(found: DatasetOrigin | undefined, wanted: DatasetOrigin): boolean {
  if (found?.files === undefined || found.files !== wanted.files) return false;
  return found.source === wanted.source && sameOptions(found, wanted);
}

/** Whether two imports were asked for with the same options. */
export function sameOptions(a: DatasetOrigin, b: DatasetOrigin): boolean {
  return JSON.stringify(a.options) === JSON.stringify(b.options);
}
