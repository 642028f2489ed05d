import { basename, dirname } from 'node:path';
import { dtypeBytes } from '../../arithmetic/dtype.js';
import { MlmlError } from '../../errors.js';
import { requireNew } from '../../storage/requireNew.js';
import type { Storage } from '../../storage/storage.js';
import { arrayFormat } from '../arrays/arrayFormat.js';
import { importArrays } from '../arrays/importArrays.js';
import type { DatasetDescription } from '../format.js';
import { type ImageFolder, imageFolders } from '../images/imageFolders.js';
import { importImages } from '../images/importImages.js';
import { checkOnNan } from '../onNan.js';
import { isTable } from '../table/tableFormats.js';
import { cifar10 } from './cifar10.js';
import { type DatasetName, datasetNames, isDatasetName } from './datasetNames.js';
import { importDigits } from './digits.js';
import { fetchRawFiles } from './fetchRawFiles.js';
import type { ImportOptions } from './importOptions.js';
import { importLibsvm, isLibsvmFile } from './libsvm/importLibsvm.js';
import { cacheFolder, locateIn, locateRawFiles, rawFolders } from './locate.js';
import { mnist } from './mnist.js';
import { importRawRows } from './rawRowImport.js';
import type { LocatedFiles, RawSet } from './rawSet.js';
import { spam } from './spam.js';

/** Formats that have options of their own, and how they are called. */
const formatNames = {
  arrays: 'arrays (.npy, .npz, .mat, idx)',
  images: 'folders of images',
  text: 'LIBSVM text',
} as const;
type FormatName = keyof typeof formatNames;
const optionsOf: Readonly<Record<FormatName, readonly (keyof ImportOptions)[]>> = {
  arrays: ['features', 'labels', 'labelColumn', 'testFile', 'testLabels', 'task'],
  images: ['imageSize', 'channels'],
  text: ['testFile'],
};

type Importer = (storage: Storage, options: ImportOptions) => Promise<DatasetDescription>;

const rawSets: readonly RawSet[] = [mnist, spam, cifar10];

/** Every data set that has a name: how it is made. A new one is one line here. */
const importers: Readonly<Record<DatasetName, Importer>> = {
  mnist: (storage, options) => importPublicSet(storage, mnist, options),
  spam: (storage, options) => importPublicSet(storage, spam, options),
  'cifar-10': (storage, options) => importPublicSet(storage, cifar10, options),
  digits: (storage, options) => importDigits(storage, { ...options, onProgress: rowsToBytes(options) }),
};

/**
 * Makes a data set folder at `options.out`, streaming, in constant memory. `source` is a known name (its original
 * files are looked for, else downloaded), a folder or file of one of the known formats, or, with `options.raw`, raw
 * row files, or, with `options.table`, files of a table. Damaged input is `MLML_BAD_FILE` or `MLML_BAD_DATA` naming the place, and leaves nothing behind.
 */
export async function importDataset(
  storage: Storage,
  source: string,
  options: ImportOptions,
): Promise<DatasetDescription> {
  checkOptions(options);
  await requireNew(storage, options.out);
  const description = await makeDataset(storage, source, options).catch((error) => {
    if (error instanceof MlmlError || options.signal?.aborted !== true) throw error;
    throw new MlmlError('MLML_INTERRUPTED', `the import of ${source} was interrupted`, { cause: error });
  });
  const rows = description.parts.train.n;
  if (options.raw === undefined && options.n !== undefined && options.n > rows)
    options.onWarning?.(`--n=${options.n}: ${source} has only ${rows} training rows, all are kept`);
  return description;
}

async function makeDataset(
  storage: Storage,
  source: string,
  options: ImportOptions,
): Promise<DatasetDescription> {
  if (options.table !== undefined) return await importTableSource(storage, source, options);
  const { raw } = options;
  const isNamed = raw !== undefined || isDatasetName(source);
  // Who says what the arrays are called means no file of a known data set.
  const isDescribed =
    !isNamed &&
    arrayFormat(source) !== undefined &&
    optionsOf.arrays.some((name) => options[name] !== undefined);
  const known = isNamed || isDescribed ? undefined : await recognise(storage, source);
  const found = isNamed || known !== undefined ? undefined : await formatOf(storage, source);
  refuseStrange(source, options, found?.format);
  if (raw !== undefined) return await importRawRows(storage, raw, options);
  if (isDatasetName(source)) return await importers[source](storage, options);
  if (known !== undefined) return await known.set.read(storage, known.located, options);
  switch (found?.format) {
    case 'arrays':
      return await importArrays(storage, source, options);
    case 'images':
      return await importImages(storage, source, found.folders, options);
    case 'text':
      return await importLibsvm(storage, source, options);
  }
  const names = datasetNames.join(', ');
  if (await isTable(storage, source))
    throw new MlmlError(
      'MLML_USAGE',
      `${source}: of a table, --label=<column> has to say which column is to be predicted; see mlml import --help`,
    );
  const status = await storage.status(source);
  if (status === undefined) {
    throw new MlmlError(
      'MLML_NOT_FOUND',
      `${source}: is neither a known data set (${names}) nor a file or folder`,
    );
  }
  // Tells of pipes and devices.
  if (!status.isFolder) await (await storage.openRead(source)).close();
  throw new MlmlError(
    'MLML_USAGE',
    `${source}: holds the original files of none of ${names}; for raw rows give --n, --d and --dtype`,
  );
}

/** A format, with what was found while looking for it. */
type FoundFormat =
  | { readonly format: Exclude<FormatName, 'images'> }
  | { readonly format: 'images'; readonly folders: readonly ImageFolder[] };

/** The format of a source that is no known data set; undefined for a table, and for what nothing knows. */
async function formatOf(storage: Storage, source: string): Promise<FoundFormat | undefined> {
  if (arrayFormat(source) !== undefined) return { format: 'arrays' };
  const folders = await imageFolders(storage, source);
  if (folders !== undefined) return { format: 'images', folders };
  return (await isLibsvmFile(storage, source)) ? { format: 'text' } : undefined;
}

/** An option of another format than that of the source is `MLML_USAGE`. */
function refuseStrange(source: string, options: ImportOptions, format: FormatName | undefined): void {
  const own = format === undefined ? [] : optionsOf[format];
  const formats = Object.keys(formatNames) as FormatName[];
  const strange = formats
    .flatMap((each) => optionsOf[each])
    .find((name) => options[name] !== undefined && !own.includes(name));
  if (strange === undefined) return;
  const option = strange.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const takers = formats.filter((each) => optionsOf[each].includes(strange)).map((each) => formatNames[each]);
  throw new MlmlError(
    'MLML_USAGE',
    `--${option}=${options[strange]}: is for ${takers.join(' and ')}, which ${source} is not`,
  );
}

/** Files of a table; the readers are loaded when they are used. */
async function importTableSource(
  storage: Storage,
  source: string,
  { table, raw: _, dataDir: _dataDir, nt: _nt, ...options }: ImportOptions,
): Promise<DatasetDescription> {
  if (isDatasetName(source))
    throw new MlmlError(
      'MLML_USAGE',
      `${source}: has a label of its own; for a file of that name write ./${source}`,
    );
  const { importTableFiles } = await import('../table/importTableFiles.js');
  return await importTableFiles(storage, source, { ...options, ...table! });
}

function checkOptions({ n, percentage, onNan }: ImportOptions): void {
  if (onNan !== undefined) checkOnNan(onNan);
  if (n !== undefined && (!Number.isSafeInteger(n) || n < 1))
    throw new MlmlError('MLML_USAGE', `--n=${n}: must be a positive whole number`);
  if (percentage !== undefined && !(percentage > 0 && percentage <= 1))
    throw new MlmlError(
      'MLML_USAGE',
      `--percentage=${percentage}: must be above 0 and at most 1, such as 0.8`,
    );
}

/** The generator counts rows; progress is in bytes. */
function rowsToBytes({ onProgress, dtype = 'uint8' }: ImportOptions) {
  const bytes = 785 * dtypeBytes[dtype];
  return (done: number, total: number) =>
    onProgress?.({ phase: 'import', what: 'digits', done: done * bytes, total: total * bytes });
}

async function importPublicSet(
  storage: Storage,
  set: RawSet,
  options: ImportOptions,
): Promise<DatasetDescription> {
  const warned = new Set<string>();
  const warnOnce = (message: string) => {
    if (!warned.has(message)) options.onWarning?.(message);
    warned.add(message);
  };
  const folders = rawFolders(set.name, options.dataDir);
  let located = await locateRawFiles(storage, set, folders, warnOnce);
  if (located === undefined) {
    const folder = `${cacheFolder()}/${set.name}`;
    await fetchRawFiles(storage, set, folder, options);
    located = await locateIn(storage, set, folder);
  }
  if (located === undefined)
    throw new MlmlError('MLML_INTERNAL', `${set.name}: downloaded files not recognised`);
  return await set.read(storage, located, options);
}

/** A folder of original files, or one such file, given by its path. */
async function recognise(
  storage: Storage,
  path: string,
): Promise<{ set: RawSet; located: LocatedFiles } | undefined> {
  const status = await storage.status(path);
  if (status === undefined) return undefined;
  const folder = status.isFolder ? path : dirname(path);
  for (const set of rawSets) {
    if (status.isFolder) {
      const located = await locateIn(storage, set, folder);
      if (located !== undefined) return { set, located };
      continue;
    }
    for (const layout of set.layouts) {
      const { missing } = layout.find([basename(path)]);
      if (missing.length === 0) return { set, located: { layout: layout.id, paths: [path] } };
    }
  }
  return undefined;
}
