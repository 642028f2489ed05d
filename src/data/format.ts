import { type Dtype, dtypeBytes } from '../arithmetic/dtype.js';
import { MlmlError } from '../errors.js';
import { checkSeal, shown } from '../storage/sealedJson.js';
import { checkMapping } from './columns/checkMapping.js';
import type { ColumnMapping } from './columns/columnMapping.js';
import { checkLabelNames } from './labelNames.js';
import { sparseDtypes } from './sparse/sparseRecord.js';

/** Of data sets of dense rows. */
export const FORMAT_VERSION = 1;
/** Of data sets of sparse rows, which readers of version 1 cannot read. */
export const SPARSE_VERSION = 2;
/** Of data sets of dense rows with several labels each, which readers of versions 1 and 2 cannot read. */
export const SEVERAL_LABELS_VERSION = 3;
/** Bytes one checksum covers. */
export const CHECKSUM_BLOCK = 1 << 20;
/** Features of dense rows that are imported: the figures of more would make a description that is too long to be read. */
export const MOST_DENSE_FEATURES = 2 ** 19;
/** Letters of names of data sets and files, which messages repeat. */
const LONGEST_NAME = 255;
/** Features of sparse rows: what their indices of 32 bits reach, with room to spare. */
export const MOST_FEATURES = 2 ** 31;
export const DESCRIPTION_FILE = 'dataset.json';

/** Whether labels are classes or numbers. */
export type Task = 'classification' | 'regression';
/** The rows to train on, or those to test on. */
export type PartName = 'train' | 'test';

/** One row file and its checksum file (a u32 CRC32C, little-endian, per MiB of the row file). */
export interface Shard {
  readonly file: string;
  readonly rows: number;
  readonly checksums: string;
}

/** The rows of a part, in the order of its shards. */
export interface Part {
  readonly n: number;
  readonly shards: readonly Shard[];
}

/** Per-feature figures over the training rows, unscaled. */
export interface FeatureStatistics {
  readonly mean: readonly number[];
  /** Population variance (divided by n). */
  readonly variance: readonly number[];
  readonly min: readonly number[];
  readonly max: readonly number[];
  /** Largest Euclidean norm of a row. */
  readonly maxRowNorm: number;
}

/** Sizes of the sparse rows of a part, in bytes of its row file and numbers other than 0. */
export interface SparsePart {
  readonly bytes: number;
  readonly nonzeros: number;
  /** Nonzeros of the longest row. */
  readonly longestRow: number;
}

/** What the description of a data set of sparse rows has beside that of dense ones. */
export interface SparseSizes extends Readonly<Record<PartName, SparsePart>> {
  /** File of the figures of features: d doubles each of mean, variance, min, max and the number of nonzeros. */
  readonly features: string;
}

/** What was read, and how: data sets of the same origin have the same rows. */
export interface DatasetOrigin {
  /** The absolute path or pattern, the query, or the address of a database without its password. */
  readonly source: string;
  /** The options of the import that were given, but for those that change no row: `--label=price`. */
  readonly options: readonly string[];
  /** Hash of the paths, sizes and times of all files; absent where it cannot be told what is read: queries, servers, pipes. */
  readonly files?: string;
  /** `import`: made by hand. `training`: on the way to a training, and replaced when the source changes. */
  readonly madeBy: 'import' | 'training';
}

/** What `dataset.json` holds. See docs/format.md. */
export interface DatasetDescription {
  readonly format: 'mlml-dataset';
  readonly version: number;
  readonly name: string;
  readonly task: Task;
  readonly d: number;
  /** Number of classes; of outputs, that is labels of a row, in regression. */
  readonly k: number;
  readonly dtype: Dtype;
  readonly labelDtype: Dtype;
  readonly parts: Readonly<Record<PartName, Part>>;
  /** Of sparse rows the lists are empty: they lie in a file of their own. */
  readonly statistics: FeatureStatistics;
  /** Of sparse rows only: their sizes. */
  readonly sparse?: SparseSizes;
  /** Training rows of each class; empty for regression. */
  readonly classCounts: readonly number[];
  /** Names of the classes 0 to k−1; empty when they have none. */
  readonly classNames: readonly string[];
  /** Names of the labels of a regression with several; undefined when rows have one label. */
  readonly labelNames?: readonly string[];
  /** Set when rows were made from the columns of a table. */
  readonly columns?: ColumnMapping;
  /** Set when a row is an image, features in the order [channel][row][column]. */
  readonly image?: { readonly height: number; readonly width: number; readonly channels: number };
  readonly source: {
    readonly description: string;
    readonly files: readonly { readonly name: string; readonly sha256: string }[];
    /** Absent in data sets of a name, and in those made by the library. */
    readonly origin?: DatasetOrigin;
  };
  /** Hash of everything that decides the rows: identifies the data in runs and models. */
  readonly fingerprint: string;
}

/** Throws `MLML_BAD_FILE` naming a field of a description, what it holds and what was expected. */
type BadField = (field: string, found: unknown, wanted: string) => never;

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

/** Fields that people read, and the number of classes, which decides how much memory many things take. */
function checkClasses(given: Record<string, unknown>, bad: BadField): void {
  const { task, k, classCounts, classNames, image, source } = given;
  const classes = task === 'classification' ? (k as number) : 0;
  if (!Array.isArray(classCounts) || classCounts.length !== classes || !classCounts.every(isCount))
    bad('classCounts', classCounts, `${classes} whole numbers`);
  if (!Array.isArray(classNames) || !classNames.every((name) => typeof name === 'string'))
    bad('classNames', classNames, 'a list of strings');
  checkLabelNames(given['labelNames'], task as string, k as number, bad);
  const sizes = (image ?? {}) as Record<string, unknown>;
  if (image !== undefined && !['height', 'width', 'channels'].every((size) => isCount(sizes[size])))
    bad('image', image, 'height, width and channels');
  const { description, files, origin } = (source ?? {}) as Record<string, unknown>;
  if (typeof description !== 'string' || !Array.isArray(files))
    bad('source', source, 'a description and a list of files');
  if (origin !== undefined && !isOrigin(origin))
    bad('source.origin', origin, 'a source, a list of options, a hash of files and who made it');
}

function isOrigin(value: unknown): value is DatasetOrigin {
  const { source, options, files, madeBy } = (value ?? {}) as Record<string, unknown>;
  const isText = (text: unknown) => typeof text === 'string';
  if (!isText(source) || !Array.isArray(options) || !options.every(isText)) return false;
  return (files === undefined || isText(files)) && (madeBy === 'import' || madeBy === 'training');
}

/** The sizes of sparse rows, whose files are named after their parts. */
function checkSparse(given: Record<string, unknown>, bad: BadField): void {
  const { sparse, dtype, labelDtype, d, parts } = given as unknown as DatasetDescription;
  if (!(sparseDtypes as readonly string[]).includes(dtype)) bad('dtype', dtype, `one of ${sparseDtypes}`);
  if (labelDtype !== 'float64') bad('labelDtype', labelDtype, '"float64"');
  if (d > MOST_FEATURES) bad('d', d, `at most ${MOST_FEATURES}`);
  if (typeof sparse !== 'object' || sparse === null) bad('sparse', sparse, 'sizes of sparse rows');
  const { features } = sparse!;
  if (typeof features !== 'string' || /[\\/]/.test(features) || features.length > LONGEST_NAME)
    bad('sparse.features', features, 'a file name without folders');
  for (const name of ['train', 'test'] as const) {
    const part = sparse![name];
    const sizes = [part?.bytes, part?.nonzeros, part?.longestRow];
    if (!sizes.every(isCount) || part.longestRow > d)
      bad(`sparse.${name}`, part, 'bytes, nonzeros and longestRow');
    if (parts[name].shards.length !== 1) bad(`parts.${name}.shards`, parts[name].shards.length, 'one shard');
  }
}

/** Checks a parsed `dataset.json`; anything unexpected is an error naming the field. */
export function checkDescription(value: unknown, path: string): DatasetDescription {
  const bad: BadField = (field, found, wanted) => {
    throw new MlmlError('MLML_BAD_FILE', `${path}: field '${field}' is ${shown(found)}; expected ${wanted}`);
  };
  const given = value as Record<string, unknown>;
  if (typeof value !== 'object' || value === null || given['format'] !== 'mlml-dataset') {
    return bad('format', (given as { format?: unknown } | null)?.['format'], '"mlml-dataset"');
  }
  if (typeof given['version'] === 'number' && given['version'] > SEVERAL_LABELS_VERSION) {
    throw new MlmlError(
      'MLML_VERSION',
      `${path}: format version ${given['version']} is newer than this mlml understands (${SEVERAL_LABELS_VERSION}); update mlml`,
    );
  }
  const sparse = given['version'] === SPARSE_VERSION;
  const several = given['task'] === 'regression' && given['k'] !== 1;
  const wantedVersion = several ? SEVERAL_LABELS_VERSION : FORMAT_VERSION;
  if (given['version'] !== wantedVersion && (several || !sparse))
    bad('version', given['version'], `${wantedVersion}${several ? ', as k is above 1 in a regression' : ''}`);
  for (const field of ['d', 'k']) {
    const number = given[field];
    if (!Number.isSafeInteger(number) || (number as number) < 1) bad(field, number, 'a positive integer');
  }
  for (const field of ['dtype', 'labelDtype']) {
    if (!Object.hasOwn(dtypeBytes, String(given[field])))
      bad(field, given[field], `one of ${Object.keys(dtypeBytes)}`);
  }
  if (given['task'] !== 'classification' && given['task'] !== 'regression') {
    bad('task', given['task'], '"classification" or "regression"');
  }
  if (given['task'] === 'classification' && given['k'] === 1) bad('k', 1, 'at least 2 classes');
  for (const field of ['name', 'fingerprint'])
    if (typeof given[field] !== 'string' || given[field].length > LONGEST_NAME)
      bad(field, given[field], `a string of at most ${LONGEST_NAME} letters`);
  const d = given['d'] as number;
  const statistics = given['statistics'] as Record<string, unknown> | undefined;
  for (const field of ['mean', 'variance', 'min', 'max']) {
    const list = statistics?.[field];
    const length = sparse ? 0 : d;
    if (!Array.isArray(list) || list.length !== length || !list.every((x) => typeof x === 'number')) {
      bad(`statistics.${field}`, Array.isArray(list) ? `[${list.length} values]` : list, `${length} numbers`);
    }
  }
  if (typeof statistics?.['maxRowNorm'] !== 'number')
    bad('statistics.maxRowNorm', statistics?.['maxRowNorm'], 'a number');
  checkClasses(given, bad);
  checkMapping(given['columns'], d, given as { task: string; k: number }, bad);
  const parts = given['parts'] as Record<string, Part> | undefined;
  for (const name of ['train', 'test'] as const) {
    const part = parts?.[name];
    const shards = part?.shards;
    if (!Number.isSafeInteger(part?.n) || part!.n < 0 || !Array.isArray(shards)) {
      bad(`parts.${name}`, part, 'n and shards');
    }
    let rows = 0;
    for (const shard of shards as Shard[]) {
      if (
        typeof shard?.file !== 'string' ||
        typeof shard.checksums !== 'string' ||
        !Number.isSafeInteger(shard.rows) ||
        shard.rows < 0
      ) {
        bad(`parts.${name}.shards`, shard, 'file, rows and checksums');
      }
      if ([shard.file, shard.checksums].some((name) => /[\\/]/.test(name) || name.length > LONGEST_NAME))
        bad(`parts.${name}.shards.file`, shard.file, 'a file name without folders');
      rows += shard.rows;
    }
    if (rows !== part!.n) bad(`parts.${name}.n`, part!.n, `the sum of its shards' rows, ${rows}`);
  }
  if (parts!['train']!.n < 1) bad('parts.train.n', parts!['train']!.n, 'at least one training row');
  if (sparse) checkSparse(given, bad);
  else if (given['sparse'] !== undefined) bad('sparse', given['sparse'], 'nothing but in version 2');
  checkSeal(given, path);
  return value as DatasetDescription;
}
