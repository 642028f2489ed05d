import { join } from 'node:path';
import { readDescription } from '../data/dataset.js';
import { DESCRIPTION_FILE } from '../data/format.js';
import { isDatasetName } from '../data/import/datasetNames.js';
import { isPath } from '../data/table/databaseKind.js';
import { tableFormatOf } from '../data/table/tableFormats.js';
import { MlmlError } from '../errors.js';
import type { ProgressReporter } from '../run/progressReporter.js';
import type { RunDescription } from '../run/runFolder.js';
import type { Storage } from '../storage/storage.js';
import type { CommandContext } from './commandContext.js';
import type { CommandName } from './optionSpec.js';
import { importOptionsOf } from './optionsOf.js';
import type { Arguments } from './parseArguments.js';

/** Names of arrays, and letters of patterns. */
const LOOKS_LIKE_FILES = /\.(npy|npz|mat)$|[*?[{]/i;

/**
 * What a command that trains names as its data, when that has to be imported first: a file, a pattern, a query, a database, a pipe;
 * undefined for a data set and for raw rows. `MLML_USAGE` for options of imports without anything to import.
 */
export async function givenFile(
  storage: Storage,
  verb: CommandName,
  given: Arguments,
): Promise<string | undefined> {
  const [source, ...rest] = given.positionals;
  if (rest.length > 0)
    throw new MlmlError('MLML_USAGE', `${rest[0]}: ${verb} takes one data set; see mlml ${verb} --help`);
  if (source !== undefined && (await isToImport(storage, source, given.text('data-dir')))) return source;
  const alone = importOptionsOf(verb, given.kind).find(({ name }) => given.has(name));
  if (alone === undefined || source === undefined) return undefined;
  if (!isDatasetName(source) && (await storage.status(source)) === undefined)
    throw new MlmlError('MLML_NOT_FOUND', `${source}: there is no such file`);
  throw new MlmlError(
    'MLML_USAGE',
    `--${alone.name}: is for files that ${verb} imports first, and ${source} is a data set or a folder; see mlml import --help`,
  );
}

async function isToImport(storage: Storage, source: string, dataDir = 'data'): Promise<boolean> {
  if (isDatasetName(source)) return false;
  if (source === '-' || !isPath(source)) return true;
  const status = await storage.status(source);
  if (status !== undefined) return !status.isFolder;
  if ((await storage.status(join(dataDir, source, DESCRIPTION_FILE))) !== undefined) return false;
  // Not there, and meant as a file.
  return tableFormatOf(source) !== undefined || LOOKS_LIKE_FILES.test(source);
}

/**
 * Imports what a command names as its data, where that is a file, query or database, unless that has been done. Returns the folder of
 * the data set; undefined where there is nothing to import. A run that is gone on with keeps the data set that it began with.
 */
export async function importGivenFile(
  context: CommandContext,
  verb: CommandName,
  given: Arguments,
  reporter: ProgressReporter,
  run?: RunDescription,
): Promise<string | undefined> {
  const { services } = context;
  const { storage } = services;
  const source = await givenFile(storage, verb, given);
  if (source === undefined) return undefined;
  if (given.has('train'))
    throw new MlmlError('MLML_USAGE', `${source}: give a data set or --train, not both`);
  const begun = run === undefined ? undefined : await datasetOfRun(storage, run);
  if (begun !== undefined) return begun;
  // Everything about imports is loaded when there is something to import.
  const [{ importFolder }, { importOrigin, importRequest }, { importForTraining }] = await Promise.all([
    import('./importVerb.js'),
    import('./importRequest.js'),
    services.importing(),
  ]);
  const { seed: _, ...request } = { seed: 0, ...(await importRequest(context, given, source, reporter)) };
  const out = await importFolder(services, given, source);
  const origin = await importOrigin(storage, given, source, 'training');
  await importForTraining(storage, source, { ...request, out }, origin!);
  // A folder named like a known data set is one of its own.
  return isDatasetName(out) ? `./${out}` : out;
}

/** The folder of the data set that a run was begun with, when that is still there, as it was. */
async function datasetOfRun(storage: Storage, { dataset }: RunDescription): Promise<string | undefined> {
  const { path, fingerprint } = dataset as { readonly path: string; readonly fingerprint: string };
  const found = await readDescription(storage, path).catch(() => undefined);
  return found?.fingerprint === fingerprint ? path : undefined;
}
