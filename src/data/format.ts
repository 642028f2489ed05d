import { type Dtype, dtypeBytes } from '../arithmetic/dtype.js';
import { MlmlError } from '../errors.js';
import { checkSeal, shown } from '../storage/sealedJson.js';
import { checkMapping } from './columns/checkMapping.js';
import type { ColumnMapping } from './columns/columnMapping.js';

export const FORMAT_VERSION = 1;
/** Bytes one checksum covers. */
export const CHECKSUM_BLOCK = 1 << 20;
/** Letters of names of data sets and files, which messages repeat. */
const LONGEST_NAME = 255;
export const DESCRIPTION_FILE = 'dataset.json';

export type Task = 'classification' | 'regression';
export type PartName = 'train' | 'test';

/** One row file and its checksum file (a u32 CRC32C, little-endian, per MiB of the row file). */
export interface Shard {
  readonly file: string;
  readonly rows: number;
  readonly checksums: string;
}

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

/** What `dataset.json` holds. See docs/format.md. */
export interface DatasetDescription {
  readonly format: 'mlml-dataset';
  readonly version: number;
  readonly name: string;
  readonly task: Task;
  readonly d: number;
  /** Number of classes; 1 for regression. */
  readonly k: number;
  readonly dtype: Dtype;
  readonly labelDtype: Dtype;
  readonly parts: Readonly<Record<PartName, Part>>;
  readonly statistics: FeatureStatistics;
  /** Training rows of each class; empty for regression. */
  readonly classCounts: readonly number[];
  /** Names of the classes 0 to k−1; empty when they have none. */
  readonly classNames: readonly string[];
  /** Set when rows were made from the columns of a table. */
  readonly columns?: ColumnMapping;
  /** Set when a row is an image, features in the order [channel][row][column]. */
  readonly image?: { readonly height: number; readonly width: number; readonly channels: number };
  readonly source: {
    readonly description: string;
    readonly files: readonly { readonly name: string; readonly sha256: string }[];
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
  if (task === 'regression' && k !== 1) bad('k', k, '1 for regression');
  const sizes = (image ?? {}) as Record<string, unknown>;
  if (image !== undefined && !['height', 'width', 'channels'].every((size) => isCount(sizes[size])))
    bad('image', image, 'height, width and channels');
  const { description, files } = (source ?? {}) as Record<string, unknown>;
  if (typeof description !== 'string' || !Array.isArray(files))
    bad('source', source, 'a description and a list of files');
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
  if (typeof given['version'] === 'number' && given['version'] > FORMAT_VERSION) {
    throw new MlmlError(
      'MLML_VERSION',
      `${path}: format version ${given['version']} is newer than this mlml understands (${FORMAT_VERSION}); update mlml`,
    );
  }
  if (given['version'] !== FORMAT_VERSION) bad('version', given['version'], String(FORMAT_VERSION));
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
    if (!Array.isArray(list) || list.length !== d || !list.every((x) => typeof x === 'number')) {
      bad(`statistics.${field}`, Array.isArray(list) ? `[${list.length} values]` : list, `${d} numbers`);
    }
  }
  if (typeof statistics?.['maxRowNorm'] !== 'number')
    bad('statistics.maxRowNorm', statistics?.['maxRowNorm'], 'a number');
  checkClasses(given, bad);
  checkMapping(given['columns'], d, given['task'] as string, bad);
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
  checkSeal(given, path);
  return value as DatasetDescription;
}
