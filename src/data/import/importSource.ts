import { dirname, join } from 'node:path';
import { MlmlError } from '../../errors.js';
import { missingFolders, removeEmptyFolders } from '../../storage/madeFolders.js';
import { ownedName } from '../../storage/ownedFolder.js';
import { requireNew } from '../../storage/requireNew.js';
import { sealedText } from '../../storage/sealedJson.js';
import type { Storage } from '../../storage/storage.js';
import { replaceFile } from '../../storage/textFile.js';
import { readDescription } from '../dataset.js';
import { type DatasetDescription, type DatasetOrigin, DESCRIPTION_FILE } from '../format.js';
import { shownSource } from '../table/databaseKind.js';
import { isSameOrigin, sameOptions } from './datasetOrigin.js';
import type { ImportOptions } from './importOptions.js';

/** `importDataset`, which takes megabytes and is loaded when there is something to import. */
type Importer = (storage: Storage, source: string, options: ImportOptions) => Promise<DatasetDescription>;

/** Imports a source and keeps with the data set what it was made of. `MLML_EXISTS` when `options.out` is there. */
export async function importWithOrigin(
  storage: Storage,
  importDataset: Importer,
  source: string,
  options: ImportOptions,
  origin: DatasetOrigin,
): Promise<DatasetDescription> {
  await requireNew(storage, options.out);
  return await importInto(storage, importDataset, source, options, origin, false);
}

/**
 * Makes sure that `options.out` holds a data set of that origin: one that is there already is taken as it is, one that an earlier
 * training made of something else is replaced.
 *
 * @throws MlmlError `MLML_EXISTS` when somebody imported something else there by hand
 */
export async function importForTraining(
  storage: Storage,
  loadImporter: () => Promise<Importer>,
  source: string,
  options: ImportOptions,
  origin: DatasetOrigin,
): Promise<void> {
  const { out, onNotice } = options;
  const name = source === '-' ? 'the standard input' : shownSource(source);
  const isThere = (await storage.status(out)) !== undefined;
  const found = isThere ? (await readDescription(storage, out)).source.origin : undefined;
  if (isThere && isSameOrigin(found, origin)) {
    onNotice?.(`${name} has been imported already: using ${out}`);
    return;
  }
  if (isThere && found?.madeBy !== 'training') throw madeByHand(name, out, found, origin);
  const why = isThere
    ? `${difference(found!, origin)}: importing it anew into ${out}`
    : `has not been imported yet: importing it into ${out}, once`;
  onNotice?.(`${name} ${why}`);
  const made = await missingFolders(storage, dirname(out));
  try {
    await importInto(storage, await loadImporter(), source, options, origin, isThere);
  } catch (error) {
    await removeEmptyFolders(storage, made);
    // Another process may have made the same meanwhile.
    const code = error instanceof MlmlError ? error.code : undefined;
    const others = code === 'MLML_EXISTS' && (await readDescription(storage, out).catch(() => undefined));
    if (!others || !isSameOrigin(others.source.origin, origin)) throw error;
  }
}

/** In which way a source is not what a data set was made of. */
function difference(found: DatasetOrigin, wanted: DatasetOrigin): string {
  if (found.source !== wanted.source) return `is not ${found.source}, of which the data set there was made`;
  if (!sameOptions(found, wanted)) return `was imported with other options (${listed(found)})`;
  if (wanted.files === undefined) return 'may have changed since it was imported, which cannot be seen';
  return 'has changed since it was imported';
}

const listed = ({ options }: DatasetOrigin) => (options.length === 0 ? 'none' : options.join(' '));

function madeByHand(
  name: string,
  out: string,
  found: DatasetOrigin | undefined,
  wanted: DatasetOrigin,
): MlmlError {
  const what =
    found === undefined
      ? 'is a data set made by hand, of what is not recorded'
      : found.source !== wanted.source
        ? `was imported by hand from ${found.source}`
        : `was imported by hand, and ${name} ${difference(found, wanted)}`;
  return new MlmlError(
    'MLML_EXISTS',
    `${out}: ${what}; give ${out} instead of ${name} to train on it as it is, or remove it, or give another --data-dir`,
  );
}

/** Imports beside the final place, so that the data set appears there whole, with its origin, instead of an older one. */
async function importInto(
  storage: Storage,
  importDataset: Importer,
  source: string,
  options: ImportOptions,
  origin: DatasetOrigin,
  replace: boolean,
): Promise<DatasetDescription> {
  const { out } = options;
  const folder = dirname(out);
  const staged = join(folder, ownedName('new'));
  try {
    const made = await importDataset(storage, source, { ...options, out: staged });
    const description = { ...made, source: { ...made.source, origin } };
    await replaceFile(storage, join(staged, DESCRIPTION_FILE), sealedText(description));
    const old = join(folder, ownedName('removed'));
    if (replace) await storage.rename(out, old);
    await storage.rename(staged, out);
    await storage.syncFolder(folder);
    if (replace) await storage.remove(old);
    return description;
  } catch (error) {
    await storage.remove(staged).catch(() => {});
    throw error;
  }
}
