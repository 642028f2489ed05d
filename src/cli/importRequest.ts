import type { DatasetOrigin } from '../data/format.js';
import { isDatasetName } from '../data/import/datasetNames.js';
import { originOf } from '../data/import/datasetOrigin.js';
import type { ImportOptions } from '../data/import/importOptions.js';
import { isPath } from '../data/table/databaseKind.js';
import { isTable } from '../data/table/tableFormats.js';
import { tableDefaults } from '../data/table/tableImportOptions.js';
import { MlmlError } from '../errors.js';
import type { ProgressReporter } from '../run/progressReporter.js';
import type { Storage } from '../storage/storage.js';
import { arrayRequest } from './arrayRequest.js';
import type { CommandContext } from './commandContext.js';
import { openRequest } from './openData.js';
import { optionsOf } from './optionsOf.js';
import type { Arguments } from './parseArguments.js';
import { rawRequest } from './rawRows.js';
import { inputOf, readingRequest, tableRequest } from './tableRequest.js';

/** Options of LIBSVM text. */
function textOptions(given: Arguments): Partial<ImportOptions> {
  const { d, k } = {
    d: given.number('d'),
    k: given.flag('one-hot') === false ? 1 : given.number('k'),
  };
  const bufferBytes = given.number('buffer');
  return {
    ...(bufferBytes === undefined ? {} : { bufferBytes }),
    ...(d === undefined ? {} : { d }),
    ...(k === undefined ? {} : { k }),
    dense: given.flag('dense') ?? false,
  };
}

/** @throws MlmlError `MLML_USAGE` for options that only texts have */
function refuseTextOptions(given: Arguments, source: string): object {
  if (!given.has('dense')) return {};
  throw new MlmlError('MLML_USAGE', `--dense: is for LIBSVM text, and ${source} is none`);
}

/** @throws MlmlError `MLML_USAGE` for options that describe raw rows, of which texts take some, and digits another */
function refuseRawOptions(given: Arguments, source: string, text: boolean): object {
  if (given.has('nt') && source !== 'digits')
    throw new MlmlError('MLML_USAGE', `--nt: is for raw rows (--d) and digits, and ${source} is neither`);
  const name = text ? undefined : ['k', 'one-hot'].find((option) => given.has(option));
  if (name === undefined) return {};
  throw new MlmlError(
    'MLML_USAGE',
    `--${name}: is for raw rows (--d) and LIBSVM text, and ${source} is neither; of tables and arrays --task says what labels are`,
  );
}

/** What an import is asked for, but for where its data set goes. */
export async function importRequest(
  context: CommandContext,
  given: Arguments,
  source: string,
  reporter: ProgressReporter,
): Promise<Omit<ImportOptions, 'out'>> {
  const { services } = context;
  const { storage } = services;
  const { isLibsvmFile, labelMissing } = await services.importing();
  const described = given.has('label') || given.has('d');
  const text = !given.has('label') && isPath(source) && (await isLibsvmFile(storage, source));
  if (!described && !text && (await isTable(storage, source)) && (await isThere(storage, source)))
    throw await labelMissing(storage, source, {
      bufferBytes: given.number('buffer') ?? tableDefaults.bufferBytes,
      signal: context.signal,
      ...(given.has('format') ? { format: given.text('format')! } : {}),
      ...readingRequest(given),
    });
  const table = tableRequest(given);
  // --d says that the path is a file of raw rows, unless it is a text.
  const raw = given.has('d') && !text ? await rawRequest(storage, 'import', given, source) : undefined;
  return {
    ...openRequest(context, given, reporter),
    ...(table === undefined ? arrayRequest(given) : { table: { ...table, ...inputOf(context, source) } }),
    ...(raw === undefined ? refuseRawOptions(given, source, text) : { raw }),
    ...(text ? textOptions(given) : refuseTextOptions(given, source)),
  };
}

async function isThere(storage: Storage, source: string): Promise<boolean> {
  return source === '-' || !isPath(source) || (await storage.status(source)) !== undefined;
}

/** Options of imports that change no row, or only where they go. */
const CHANGE_NO_ROW: readonly string[] = [
  'out',
  'data-dir',
  'buffer',
  'query-memory',
  'json',
  'quiet',
  'help',
];
/** Those that name files. */
const NAME_FILES = ['test-file', 'labels', 'test-labels', 'test'] as const;

/** The origin of the data set that an import makes; undefined where it is not of files, queries or databases but of a name or folder. */
export async function importOrigin(
  storage: Storage,
  given: Arguments,
  source: string,
  madeBy: DatasetOrigin['madeBy'] = 'import',
): Promise<DatasetOrigin | undefined> {
  if (isDatasetName(source)) return undefined;
  if (source !== '-' && isPath(source) && (await storage.status(source))?.isFolder === true) return undefined;
  const others = notOfImports(given, madeBy);
  const names = optionsOf('import', 'linear').map(({ name }) => name);
  const options = names
    .filter((name) => given.has(name) && !CHANGE_NO_ROW.includes(name) && !others.includes(name))
    .map((name) => `--${name}=${given.text(name)}`);
  const otherFiles = NAME_FILES.filter((name) => given.has(name)).map((name) => given.text(name)!);
  return await originOf(storage, { source, options, otherFiles }, madeBy);
}

/** Options of a training that mean something else in an import. */
function notOfImports(given: Arguments, madeBy: DatasetOrigin['madeBy']): readonly string[] {
  if (madeBy === 'import') return [];
  // The seed of a run decides its order of rows, not which data it gets; the dtype of kernels is that of their entries.
  return given.kind === 'kernel' ? ['seed', 'dtype'] : ['seed'];
}
