import { join } from 'node:path';
import { MlmlError } from '../../errors.js';
import type { Storage } from '../../storage/storage.js';
import { type Dataset, openDataset } from '../dataset.js';
import { DESCRIPTION_FILE } from '../format.js';
import { datasetNames, importDataset } from './importDataset.js';
import type { ImportOptions } from './importOptions.js';

export interface OpenOptions extends Omit<ImportOptions, 'out' | 'raw'> {
  /** Told before a name is imported for the first time. */
  readonly onNotice?: (message: string) => void;
}

/**
 * The folder of a named data set under `dataDir` (default `data`): `<dataDir>/<name>`, or `<dataDir>/<name>-dataset`
 * when the first is a folder without `dataset.json`, such as that of the original files.
 */
export async function datasetFolder(storage: Storage, name: string, dataDir = 'data'): Promise<string> {
  const folder = join(dataDir, name);
  if ((await storage.status(folder)) === undefined) return folder;
  if ((await storage.status(join(folder, DESCRIPTION_FILE))) !== undefined) return folder;
  return `${folder}-dataset`;
}

/**
 * Opens a data set by name or folder. A name (names win over folders; write `./mnist` for a folder) that has not
 * been imported yet is imported first.
 */
export async function openByName(
  storage: Storage,
  nameOrFolder: string,
  options: OpenOptions = {},
): Promise<Dataset> {
  if (!datasetNames.includes(nameOrFolder)) {
    if ((await storage.status(nameOrFolder)) === undefined) {
      throw new MlmlError(
        'MLML_NOT_FOUND',
        `${nameOrFolder}: is neither a known data set (${datasetNames.join(', ')}) nor a folder`,
      );
    }
    return await openDataset(storage, nameOrFolder);
  }
  const folder = await datasetFolder(storage, nameOrFolder, options.dataDir);
  if ((await storage.status(join(folder, DESCRIPTION_FILE))) === undefined) {
    options.onNotice?.(`${nameOrFolder} has not been imported yet: importing it into ${folder}, once`);
    await importDataset(storage, nameOrFolder, { ...options, out: folder });
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
