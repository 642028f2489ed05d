import { basename } from 'node:path';
import { type Dtype, dtypeBytes } from '../arithmetic/dtype.js';
import { MlmlError } from '../errors.js';
import type { Storage } from '../storage/storage.js';
import { findRowFault } from './checkRows.js';
import type { Dataset } from './dataset.js';
import { Fingerprint } from './fingerprint.js';
import { type DatasetDescription, FORMAT_VERSION, type Part, type PartName, type Task } from './format.js';
import { RowFile } from './rowFile.js';
import { type RowLayout, rowLayout } from './rowLayout.js';
import { StatisticsAccumulator } from './statistics.js';

const BATCH_BYTES = 128 * 1024;
/** Keeps every size below computable exactly and one row readable at once. */
const MOST_FEATURES = 2 ** 27;
/** A count of each is kept, also in the description. */
const MOST_CLASSES = 2 ** 20;

/** Raw row files: d features then the label in each row, little-endian, no header. */
export interface RawRows {
  readonly n: number;
  readonly d: number;
  readonly train: string;
  readonly test?: string;
  /** Rows of the test file. */
  readonly nt?: number;
  readonly dtype: Dtype;
  /** Default: the feature dtype. */
  readonly labelDtype?: Dtype;
  /** Number of classes; 1 for regression. */
  readonly k: number;
  /** Default: regression when k is 1, else classification. */
  readonly task?: Task;
}

/** The same with everything decided. */
export interface CheckedRawRows extends RawRows {
  readonly nt: number;
  readonly task: Task;
  readonly layout: RowLayout;
}

/** Fills in defaults and checks sizes; a wrong one is `MLML_USAGE`. */
export function checkRawRows(raw: RawRows): CheckedRawRows {
  const { n, d, k, nt = 0, test } = raw;
  const usage = (message: string) => new MlmlError('MLML_USAGE', message);
  const sizes = { n, d, k };
  for (const [name, value] of Object.entries(sizes)) {
    if (!Number.isSafeInteger(value) || value < 1)
      throw usage(`--${name}=${value}: must be a positive whole number`);
  }
  if (k > MOST_CLASSES) throw usage(`--k=${k}: at most ${MOST_CLASSES} classes`);
  if (d > MOST_FEATURES) throw usage(`--d=${d}: at most ${MOST_FEATURES} features`);
  if (!Number.isSafeInteger(nt) || nt < 0) throw usage(`--nt=${nt}: must be a whole number`);
  if (test !== undefined && nt === 0) throw usage(`--test=${test}: give the number of its rows with --nt`);
  if (test === undefined && nt > 0) throw usage(`--nt=${nt}: give the file of the test rows with --test`);
  const task = raw.task ?? (k === 1 ? 'regression' : 'classification');
  if (task === 'regression' && k !== 1) throw usage(`--k=${k}: regression has one target, so k is 1`);
  return { ...raw, nt, task, layout: rowLayout(d, raw.dtype, raw.labelDtype ?? raw.dtype) };
}

/**
 * Opens raw row files as a data set, without copying them. One pass over the rows, in a bounded buffer, checks the
 * values and makes the statistics. `onProgress` gets bytes read and bytes in all.
 */
export async function openRawRows(
  storage: Storage,
  given: RawRows,
  options: {
    readonly signal?: AbortSignal;
    readonly onProgress?: (done: number, total: number) => void;
  } = {},
): Promise<Dataset> {
  const raw = checkRawRows(given);
  const { layout, n, nt } = raw;
  const files: Record<PartName, { path: string; rows: number }[]> = {
    train: [{ path: raw.train, rows: n }],
    test: raw.test === undefined ? [] : [{ path: raw.test, rows: nt }],
  };
  const train = await RowFile.open(storage, layout, files.train);
  let test: RowFile | undefined;
  const close = async () => {
    await train.close();
    await test?.close();
  };
  try {
    test = await RowFile.open(storage, layout, files.test);
    const description = await describe(raw, { train, test }, options);
    return { description, path: raw.train, layout, train, test, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function describe(
  raw: CheckedRawRows,
  parts: Record<PartName, RowFile>,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void },
): Promise<DatasetDescription> {
  const { layout, task, k, d, n, nt } = raw;
  const rowsAtOnce = Math.max(1, Math.floor(BATCH_BYTES / layout.rowBytes));
  const buffer = new Uint8Array(rowsAtOnce * layout.rowBytes);
  const statistics = new StatisticsAccumulator(layout);
  const fingerprint = new Fingerprint();
  const classCounts: number[] = new Array(task === 'classification' ? k : 0).fill(0);
  let done = 0;
  for (const part of ['train', 'test'] as const) {
    const path = part === 'train' ? raw.train : raw.test!;
    for (let first = 0; first < parts[part].rows; first += rowsAtOnce) {
      if (options.signal?.aborted) throw new MlmlError('MLML_INTERRUPTED', `reading ${path} was interrupted`);
      const rows = Math.min(rowsAtOnce, parts[part].rows - first);
      const bytes = buffer.subarray(0, rows * layout.rowBytes);
      await parts[part].readRows(bytes, first, rows);
      const fault = findRowFault(layout, bytes, rows, task, k, part === 'train' ? classCounts : undefined);
      if (fault !== undefined) {
        const offset = first * layout.rowBytes + fault.offset;
        throw new MlmlError(
          'MLML_BAD_DATA',
          `${path}: byte ${offset}, row ${first + fault.row}: ${fault.message}; ` +
            `check --d=${d}, --k=${k} and --dtype=${layout.dtype}`,
        );
      }
      if (part === 'train') statistics.add(bytes, rows);
      fingerprint.add(part, bytes, rows);
      done += rows;
      options.onProgress?.(done * layout.rowBytes, (n + nt) * layout.rowBytes);
    }
  }
  const partOf = (path: string | undefined, rows: number): Part => ({
    n: rows,
    shards: path === undefined ? [] : [{ file: basename(path), rows, checksums: '' }],
  });
  return {
    format: 'mlml-dataset',
    version: FORMAT_VERSION,
    name: basename(raw.train),
    task,
    d,
    k,
    dtype: layout.dtype,
    labelDtype: layout.labelDtype,
    parts: { train: partOf(raw.train, n), test: partOf(raw.test, nt) },
    statistics: statistics.finish(),
    classCounts,
    classNames: [],
    source: { description: `raw rows, ${rowText(layout)}`, files: [] },
    fingerprint: fingerprint.digest(task, k, layout),
  };
}

/** `784 uint8 features and a uint8 label, 785 bytes a row`. */
export function rowText(layout: RowLayout): string {
  const { d, dtype, labelDtype } = layout;
  return `${d} ${dtype} features and a ${labelDtype} label, ${d * dtypeBytes[dtype] + dtypeBytes[labelDtype]} bytes a row`;
}
