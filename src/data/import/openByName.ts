import { join } from 'node:path';
import { MlmlError } from '../../errors.js';
import { missingFolders, removeEmptyFolders } from '../../storage/madeFolders.js';
import type { Storage } from '../../storage/storage.js';
import { readJson } from '../../storage/textFile.js';
import { type Dataset, openAnyDataset, openDataset } from '../dataset.js';
import { checkDescription, DESCRIPTION_FILE } from '../format.js';
import type { SparseDataset } from '../sparse/sparseDataset.js';
import { tableFormatOf } from '../table/tableFormats.js';
import { type DatasetName, datasetNames, isDatasetName } from './datasetNames.js';
import type { ImportOptions } from './importOptions.js';

/** Options of `openByName`. */
export interface OpenOptions extends Omit<ImportOptions, 'out' | 'raw'> {
  /** Told before a name is imported for the first time. */
  readonly onNotice?: (message: string) => void;
}

/**
 * The folder of a named data set under `dataDir` (default `data`): `<dataDir>/<name>`, or `<dataDir>/<name>-dataset`
 * when the first is a folder without `dataset.json`, such as that of the original files. With `n` it is a copy with
 * that many training rows: the folder just named when it has them, else `<dataDir>/<name>-<n>`.
 */
export async function datasetFolder(
  storage: Storage,
  name: string,
  dataDir = 'data',
  n?: number,
): Promise<string> {
  const folder = join(dataDir, name);
  const isDataset = (path: string) => storage.status(join(path, DESCRIPTION_FILE));
  const free = (await storage.status(folder)) === undefined || (await isDataset(folder)) !== undefined;
  const whole = free ? folder : `${folder}-dataset`;
  if (n === undefined) return whole;
  if ((await isDataset(whole)) !== undefined) {
    const path = join(whole, DESCRIPTION_FILE);
    if (checkDescription(await readJson(storage, path), path).parts.train.n === n) return whole;
  }
  return `${folder}-${n}`;
}

/**
 * Opens a data set by name or folder, which may also be one in `dataDir`. A name (names win over folders; write `./mnist` for a folder) that has not
 * been imported yet is imported first.
 */
export async function openByName(
  storage: Storage,
  nameOrFolder: string,
  options: OpenOptions = {},
): Promise<Dataset> {
  if (!isDatasetName(nameOrFolder)) {
    return await openDataset(storage, await folderOf(storage, nameOrFolder, options.dataDir));
  }
  return await openNamed(storage, nameOrFolder, options);
}

/** The same, also of sparse rows; see `isSparse`. */
export async function openAnyByName(
  storage: Storage,
  nameOrFolder: string,
  options: OpenOptions = {},
): Promise<Dataset | SparseDataset> {
  if (isDatasetName(nameOrFolder)) return await openNamed(storage, nameOrFolder, options);
  return await openAnyDataset(storage, await folderOf(storage, nameOrFolder, options.dataDir));
}

/** The folder of that path, or else of that name below `dataDir`, where imports without --out go. */
async function folderOf(storage: Storage, nameOrFolder: string, dataDir = 'data'): Promise<string> {
  const status = await storage.status(nameOrFolder);
  if (status?.isFolder === false && tableFormatOf(nameOrFolder) !== undefined)
    throw new MlmlError(
      'MLML_USAGE',
      `${nameOrFolder}: is a table; mlml import ${nameOrFolder} --label=<column> makes a data set of it`,
    );
  if (status !== undefined) return nameOrFolder;
  const below = join(dataDir, nameOrFolder);
  if ((await storage.status(join(below, DESCRIPTION_FILE))) !== undefined) return below;
  throw new MlmlError(
    'MLML_NOT_FOUND',
    `${nameOrFolder}: is neither a known data set (${datasetNames.join(', ')}) nor a folder`,
  );
}

async function openNamed(
  storage: Storage,
  nameOrFolder: DatasetName,
  options: OpenOptions,
): Promise<Dataset> {
  const folder = await datasetFolder(storage, nameOrFolder, options.dataDir, options.n);
  if ((await storage.status(join(folder, DESCRIPTION_FILE))) === undefined) {
    await importFirst(storage, nameOrFolder, folder, options);
  }
  const dataset = await openDataset(storage, folder);
  if (options.dtype !== undefined && options.dtype !== dataset.description.dtype) {
    options.onWarning?.(
      `${folder}: was imported as ${dataset.description.dtype}, so --dtype=${options.dtype} has no effect; ` +
        'remove the folder or import into another --out to change it',
    );
  }
  return dataset;
}

/** Imports a name into `folder`; where that fails, no folder is left that was not there before. */
async function importFirst(
  storage: Storage,
  name: string,
  folder: string,
  options: OpenOptions,
): Promise<void> {
  const { dataDir } = options;
  const made = await missingFolders(storage, folder);
  // It may be mistyped.
  const absent = dataDir !== undefined && made.includes(join(dataDir)) ? dataDir : undefined;
  const into = `importing it into ${folder}${absent === undefined ? '' : ' (which is new)'}, once`;
  options.onNotice?.(`${name} has not been imported yet: ${into}`);
  // Loaded only when needed: the readers of original files take megabytes.
  const { importDataset } = await import('./importDataset.js');
  try {
    await importDataset(storage, name, { ...options, out: folder });
  } catch (error) {
    // Another process may have imported it meanwhile: what it made is what we want.
    const there = await storage.status(join(folder, DESCRIPTION_FILE));
    if (error instanceof MlmlError && error.code === 'MLML_EXISTS' && there !== undefined) return;
    await removeEmptyFolders(storage, made);
    if (!(error instanceof MlmlError) || absent === undefined) throw error;
    const message = `${error.message}; there is no folder ${absent}: is --data-dir right?`;
    throw new MlmlError(error.code, message, { cause: error });
  }
}
