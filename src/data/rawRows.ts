import { basename } from 'node:path';
import { type Dtype, dtypeBytes, parseDtype } from '../arithmetic/dtype.js';
import { MlmlError } from '../errors.js';
import type { Storage } from '../storage/storage.js';
import { findRowFault } from './checkRows.js';
import type { Dataset } from './dataset.js';
import { Fingerprint } from './fingerprint.js';
import { type DatasetDescription, FORMAT_VERSION, type Part, type PartName, type Task } from './format.js';
import { checkOnNan, NanRepair, type OnNan, zeroBadValues } from './onNan.js';
import { openParts } from './openParts.js';
import { RowFile } from './rowFile.js';
import { type RowLayout, rowLayout } from './rowLayout.js';
import { StatisticsAccumulator } from './statistics.js';

const BATCH_BYTES = 128 * 1024;
/** Their numbers are kept in memory while rows are used where they lie. */
const MOST_SKIPPED = 10_000;
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
  if (task === 'classification' && k < 2) throw usage(`--k=${k}: classification needs at least 2 classes`);
  const dtype = parseDtype(raw.dtype);
  const labelDtype = parseDtype(raw.labelDtype ?? dtype, 'labelDtype');
  return { ...raw, nt, task, layout: rowLayout(d, dtype, labelDtype) };
}

/** Options of `openRawRows`. */
export interface OpenRawOptions {
  /** What is done with NaN and infinities; see `NanRepair`. Default error. */
  readonly onNan?: OnNan;
  readonly signal?: AbortSignal;
  /** Is told now and then how far it is. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Is told of what is odd and no error. */
  readonly onWarning?: (message: string) => void;
}

/**
 * Opens raw row files as a data set, without copying them. One pass over the rows, in a bounded buffer, checks the
 * values and makes the statistics. `onProgress` gets bytes read and bytes in all.
 */
export async function openRawRows(
  storage: Storage,
  given: RawRows,
  options: OpenRawOptions = {},
): Promise<Dataset> {
  const raw = checkRawRows(given);
  const { layout, n, nt } = raw;
  const files: Record<PartName, { path: string; rows: number }[]> = {
    train: [{ path: raw.train, rows: n }],
    test: raw.test === undefined ? [] : [{ path: raw.test, rows: nt }],
  };
  const { close, ...opened } = await openParts((part) => RowFile.open(storage, layout, files[part], part));
  try {
    const { description, parts } = await describe(raw, opened, options);
    return { description, path: raw.train, layout, ...parts, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function describe(
  raw: CheckedRawRows,
  parts: Record<PartName, RowFile>,
  options: OpenRawOptions,
): Promise<{ description: DatasetDescription; parts: Record<PartName, RowFile> }> {
  const { layout, task, k, d, n, nt } = raw;
  const rowsAtOnce = Math.max(1, Math.floor(BATCH_BYTES / layout.rowBytes));
  const buffer = new Uint8Array(rowsAtOnce * layout.rowBytes);
  const statistics = new StatisticsAccumulator(layout);
  const fingerprint = new Fingerprint();
  const classCounts: number[] = new Array(task === 'classification' ? k : 0).fill(0);
  const onNan = checkOnNan(options.onNan ?? 'error');
  const repair = new NanRepair(layout, onNan, rowsAtOnce);
  const skipped: Record<PartName, number[]> = { train: [], test: [] };
  let done = 0;
  for (const part of ['train', 'test'] as const) {
    const path = part === 'train' ? raw.train : raw.test!;
    for (let first = 0; first < parts[part].rows; first += rowsAtOnce) {
      if (options.signal?.aborted) throw new MlmlError('MLML_INTERRUPTED', `reading ${path} was interrupted`);
      const rows = Math.min(rowsAtOnce, parts[part].rows - first);
      const all = buffer.subarray(0, rows * layout.rowBytes);
      await parts[part].readRows(all, first, rows);
      const left = repair.apply(all, rows, part, first);
      noteSkipped(repair.kept.subarray(0, left), rows, first, skipped[part], path);
      const bytes = all.subarray(0, left * layout.rowBytes);
      const fault = findRowFault(layout, bytes, left, task, k, part === 'train' ? classCounts : undefined);
      if (fault !== undefined) {
        const row = first + repair.kept[fault.row]!;
        const offset = row * layout.rowBytes + (fault.offset % layout.rowBytes);
        throw new MlmlError(
          'MLML_BAD_DATA',
          `${path}: byte ${offset}, ${part} row ${row}: ${fault.message}; ` +
            `check --d=${d}, --k=${k} and --dtype=${layout.dtype}`,
        );
      }
      if (part === 'train') statistics.add(bytes, left);
      fingerprint.add(part, bytes, left);
      done += rows;
      options.onProgress?.(done * layout.rowBytes, (n + nt) * layout.rowBytes);
    }
  }
  if (repair.warning !== undefined) options.onWarning?.(repair.warning);
  const usedOf = (part: PartName) => {
    if (repair.rows === 0) return parts[part];
    return onNan === 'skip' ? parts[part].without(skipped[part]) : parts[part].mended(zeroBadValues(layout));
  };
  const used = { train: usedOf('train'), test: usedOf('test') };
  if (used.train.rows === 0)
    throw new MlmlError('MLML_BAD_DATA', `${raw.train}: --on-nan=skip leaves no training row`);
  const partOf = (path: string | undefined, rows: number): Part => ({
    n: rows,
    shards: path === undefined ? [] : [{ file: basename(path), rows, checksums: '' }],
  });
  const description: DatasetDescription = {
    format: 'mlml-dataset',
    version: FORMAT_VERSION,
    name: basename(raw.train),
    task,
    d,
    k,
    dtype: layout.dtype,
    labelDtype: layout.labelDtype,
    parts: { train: partOf(raw.train, used.train.rows), test: partOf(raw.test, used.test.rows) },
    statistics: statistics.finish(),
    classCounts,
    classNames: [],
    source: { description: `raw rows, ${rowText(layout)}`, files: [] },
    fingerprint: fingerprint.digest(task, k, layout),
  };
  return { description, parts: used };
}

/** Adds the numbers of the rows of a batch that are not among those kept. */
function noteSkipped(kept: Uint32Array, rows: number, first: number, skipped: number[], path: string): void {
  for (let row = 0, i = 0; row < rows; row++) {
    if (kept[i] === row) i++;
    else skipped.push(first + row);
  }
  if (skipped.length <= MOST_SKIPPED) return;
  throw new MlmlError(
    'MLML_BAD_DATA',
    `${path}: more than ${MOST_SKIPPED} rows hold NaN or an infinity, too many to leave out of a file in use; import it with --on-nan=skip`,
  );
}

/** `784 uint8 features and a uint8 label, 785 bytes a row`. */
export function rowText(layout: RowLayout): string {
  const { d, dtype, labelDtype } = layout;
  return `${d} ${dtype} features and a ${labelDtype} label, ${d * dtypeBytes[dtype] + dtypeBytes[labelDtype]} bytes a row`;
}
